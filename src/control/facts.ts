import type { Timeline, TimelinePlan } from "../plan/timeline.js";
import type { Change } from "./answer.js";

/** What the reducer must know of the world when an order comes; it reads no clock itself. */
export interface Facts {
  /** Elapsed milliseconds now. */
  readonly nowMs: number;
  /** From when on a change holds: now and a little more, so that every thread hears of it before. */
  readonly atMs: number;
  readonly unixMs: number;
  /** An id that was never given before. */
  newId(): string;
  /** By name, each scenario of the configuration. */
  readonly scenarios: ReadonlyMap<string, ScenarioFacts>;
  readonly limits: Ceilings;
  /** Changes of late: an id that cannot be undone any more is still told what it was. */
  readonly changes: readonly Change[];
}

export interface ScenarioFacts {
  /** null: `max`, a closed loop, which has no rate. Of users the rate of the plan is their number. */
  readonly planned: Planned | null;
  /** How many users there may be of a closed loop; null: the scenario has none. */
  readonly usersAtMost: number | null;
  readonly mix: EntryMix;
  /** It has ended by itself: its profile, `duration`, `--for` or `--count`. */
  readonly isOver: boolean;
  /** In the plan's time, from 0 on. */
  readonly warmupMs: number;
}

/** A plan, and what orders have made of it so far. */
export interface Planned {
  readonly plan: TimelinePlan;
  readonly timeline: Timeline;
}

/** The entries of a scenario's mix: tasks by their key, in their order, and the configuration's weights. */
export interface EntryMix {
  readonly keys: readonly string[];
  readonly weights: readonly number[];
  /** The file of a replay names the task of each start, whatever the weights are. */
  readonly isRecorded?: boolean;
}

/** What no order may pass; null: no limit. For the whole plan, all threads and segments together. */
export interface Ceilings {
  readonly maxRatePerSecond: number | null;
  /** Starts of all bursts of a scenario that run at the same time. */
  readonly burst: number | null;
}
