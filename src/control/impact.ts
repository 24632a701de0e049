import type { Timeline } from "../plan/timeline.js";
import type { Impact, WorkersImpact } from "./steering-port.js";

/** What the workers of a scenario's tasks can do, as they say and as was measured. */
export interface Capacity {
  /** Tasks that they can run at the same time. */
  readonly places: number;
  /** How long a task runs, seconds. */
  readonly meanRunSeconds: number;
  /** Of our tasks, those that wait now. */
  readonly waiting: number;
}

/** How far an impact looks. */
export const IMPACT_MS = 3_600_000;

/**
 * What a change makes of the starts to come: until the plan ends, with it or without, and at most for an hour.
 *
 * @param fromMs when it holds, in elapsed time
 */
export function impactOf(
  before: Timeline,
  after: Timeline,
  fromMs: number,
  capacity: Capacity | null,
): Impact {
  const endMs = Math.max(before.endMs, after.endMs, fromMs);
  const untilMs = Math.min(endMs, fromMs + IMPACT_MS);
  const starts = (timeline: Timeline) => timeline.startsBy(untilMs) - timeline.startsBy(fromMs);
  return {
    startsDifference: Math.round(starts(after) - starts(before)),
    overSeconds: (untilMs - fromMs) / 1000,
    workers: capacity === null ? null : workersImpact(after, fromMs, untilMs, capacity),
  };
}

const STEPS = 720;

/**
 * The workers as a vessel with a hole: it is filled at the plan's rate and runs out at `capacity` while there is
 * anything in it. With N(t) starts and c tasks a second, the backlog goes from B to max(0, B + ΔN - c Δt) in a step; the
 * starts of a step are exact, so that steps only smooth what happens within five seconds. Chance is not in it: near
 * full use, queues are longer than this.
 */
function workersImpact(
  timeline: Timeline,
  fromMs: number,
  untilMs: number,
  { places, meanRunSeconds, waiting }: Capacity,
): WorkersImpact | null {
  const capacityPerSecond = places / meanRunSeconds;
  if (!(capacityPerSecond > 0 && capacityPerSecond < Infinity)) return null;
  const stepMs = (untilMs - fromMs) / STEPS;
  let backlog = waiting;
  let peak = { backlog, atMs: fromMs, emptyMs: backlog === 0 ? fromMs : Infinity };
  for (let step = 1; step <= STEPS; step++) {
    const atMs = fromMs + step * stepMs;
    const starts = timeline.startsBy(atMs) - timeline.startsBy(atMs - stepMs);
    backlog = Math.max(0, backlog + starts - (capacityPerSecond * stepMs) / 1000);
    if (backlog > peak.backlog) peak = { backlog, atMs, emptyMs: Infinity };
    else if (backlog === 0) peak.emptyMs = Math.min(peak.emptyMs, atMs);
  }
  if (peak.emptyMs === Infinity) {
    const spare = capacityPerSecond - timeline.rateAt(untilMs);
    peak.emptyMs = spare > 0 ? untilMs + (backlog / spare) * 1000 : Infinity;
  }
  return {
    capacityPerSecond,
    expectedBacklog: Math.round(peak.backlog),
    drainSeconds: peak.emptyMs === Infinity ? null : (peak.emptyMs - peak.atMs) / 1000,
  };
}
