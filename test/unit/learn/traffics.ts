import type { Dispersion, Traffic } from "../../../src/learn/traffic.js";

/** A Monday, 00:00 UTC. */
export const MONDAY_MS = Date.UTC(2026, 2, 23);
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** A traffic of one task, or of some with the same counts times their share. */
export function trafficOf(
  counts: readonly (number | null)[],
  stepMs: number,
  more: {
    readonly fromUnixMs?: number;
    readonly tasks?: readonly (readonly [name: string, queue: string | null, share: number])[];
    readonly dispersions?: readonly Dispersion[];
    readonly timesUnixMs?: Float64Array;
  } = {},
): Traffic {
  const tasks = more.tasks ?? [["shop.pay", "urgent", 1]];
  return {
    source: "a test",
    fromUnixMs: more.fromUnixMs ?? MONDAY_MS,
    stepMs,
    isKnown: counts.map((count) => count !== null),
    tasks: tasks.map(([name, queue, share]) => ({
      ...{ name, queue, runTimes: null },
      counts: counts.map((count) => (count ?? 0) * share),
    })),
    dispersions: more.dispersions ?? [],
    timesUnixMs: more.timesUnixMs ?? null,
    remarks: [],
  };
}
