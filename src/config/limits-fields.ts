import * as z from "zod";
import { field, readRate, wholeNumber, wholeNumberOrNone } from "./fields.js";
import { RATE_PATTERN } from "./quantities.js";

/** Ceilings that no scenario, override or reload passes; null: there is none. */
export interface LimitsConfig {
  /** Of all scenarios together, starts a second. */
  readonly maxRatePerSecond: number | null;
  /** Of all scenarios together. */
  readonly maxInFlight: number | null;
  /** Starts of one ordered burst. */
  readonly burst: number | null;
  /** Starts in a day of UTC. */
  readonly tasksPerDay: number | null;
  readonly series: number;
}

export const limitsSchema = z
  .strictObject({
    maxRate: field(
      {
        description:
          "All scenarios together, and so each of them, may not reach a higher rate; none: no limit.",
        anyOf: [{ type: "string", pattern: RATE_PATTERN }, { const: "none" }],
        examples: ["none", "500/s"],
      },
      (value) => (value === "none" ? null : readRate(value)),
    ).prefault("none"),
    maxInFlight: wholeNumberOrNone(
      1,
      1_000_000,
      "Most tasks of all scenarios together that wait for their result at the same time; starts beyond are dropped as ceiling. none: no limit but the scenarios' own.",
    ).prefault("none"),
    burst: wholeNumberOrNone(
      1,
      1_000_000,
      "Most starts that one burst may order; none: no limit but maxRate.",
    ).prefault("none"),
    tasksPerDay: wholeNumberOrNone(
      1,
      1_000_000_000,
      "Most starts in a day of UTC, of all scenarios together; starts beyond are dropped as ceiling. none: no limit.",
    ).prefault("none"),
    series: wholeNumber(1, 1_000_000, "Most time series on /metrics.").prefault(5000),
  })
  .meta({
    description: "Ceilings that nothing may pass: no scenario, no override and no reload.",
  })
  .transform(({ maxRate, ...limits }): LimitsConfig => ({ ...limits, maxRatePerSecond: maxRate }));
