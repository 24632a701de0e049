import * as z from "zod";
import { duration, field, nameField, percentageMeta, readPercentage } from "../fields.js";

/** A service level objective: the share of good events that is wanted. Times are milliseconds. */
export interface SloConfig {
  readonly name: string;
  /** The scenario and the task (as the metrics call it) whose starts it is about; null: all. */
  readonly scenario: string | null;
  readonly task: string | null;
  /** Share of events that must be good: 0.99. */
  readonly objectiveRatio: number;
  /** From planned start to result, beyond which an event is bad; null: only the outcome counts. */
  readonly latencyMs: number | null;
  /** The period that the error budget is for. */
  readonly windowMs: number;
}

export const sloSchema = z
  .strictObject({
    name: nameField().meta({ description: "Name of the SLO, the label slo of its metrics." }),
    scenario: z
      .string({ error: "must be the name of a scenario" })
      .meta({ description: "The scenario that it is about; left out: all." })
      .optional(),
    task: z
      .string({ error: "must be the name of a task" })
      .meta({
        description:
          "The task that it is about, by its registered name, or a workflow by its key; left out: all.",
      })
      .optional(),
    objective: field(
      percentageMeta("Share of the events that must be good.", "99.9%"),
      readPercentage,
    ),
    latency: duration(
      "From the planned start to the result; what takes longer is bad. Left out: only the outcome counts.",
      { positive: true },
    ).optional(),
    window: duration("Period that the error budget is for.", { positive: true }).prefault("30d"),
  })
  .transform(
    (slo): SloConfig => ({
      name: slo.name,
      scenario: slo.scenario ?? null,
      task: slo.task ?? null,
      objectiveRatio: slo.objective,
      latencyMs: slo.latency ?? null,
      windowMs: slo.window,
    }),
  );

/** The bounds of the latency histograms with the latency of every SLO among them. */
export function withThresholds(
  bucketsMs: readonly number[],
  slos: readonly SloConfig[],
): readonly number[] {
  const thresholds = slos.flatMap(({ latencyMs }) => latencyMs ?? []);
  return [...new Set([...bucketsMs, ...thresholds])].sort((a, b) => a - b);
}
