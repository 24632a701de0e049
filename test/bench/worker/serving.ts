import type { Hold } from "./hold.js";

/** What a fake worker is told. */
export interface Serving {
  readonly broker: string;
  readonly hold: Hold;
  /** Unix time in milliseconds. */
  readonly nowMs: () => number;
  /** To be called when answers have been written, with the planned time of each of these tasks. */
  readonly answered: (plannedMs: readonly number[], receivedMs: number) => void;
  /** Is the first argument of each task its planned time? */
  readonly readsPlans: boolean;
}

/** The planned time in milliseconds out of a body's text, `[[1764064925.123, …], …]`; NaN without one. */
export function plannedMsOf(body: string): number {
  const [args] = JSON.parse(body) as [unknown[]];
  return typeof args[0] === "number" && args[0] > 1e9 ? args[0] * 1000 : Number.NaN;
}
