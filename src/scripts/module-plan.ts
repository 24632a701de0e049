import type { DataSource } from "../data/data-source.js";
import type { Share } from "../plan/share.js";

/** A file with code of the user's, and all that it is used for: it runs in a thread of its own beside each of the engine's. */
export interface ModulePlan {
  /** As it is written. */
  readonly file: string;
  /** Absolute. */
  readonly path: string;
  readonly payloads: readonly PayloadUse[];
  readonly scripts: readonly ScriptUse[];
}

/** A function that gives the arguments of a task's starts. */
export interface PayloadUse {
  /** Of the plan. */
  readonly entry: number;
  readonly scenario: string;
  /** Its key. */
  readonly task: string;
  /** Index into the plan's data; null: it takes no rows. */
  readonly data: number | null;
}

/** What each user of a scenario does. */
export interface ScriptUse {
  /** Of the plan. */
  readonly scenario: number;
  readonly name: string;
  /** What it may send: entries of the plan by their key. */
  readonly entries: Readonly<Record<string, SendableEntry>>;
  readonly data: number | null;
}

export interface SendableEntry {
  readonly entry: number;
  /** Why it takes no arguments of a script, in a clause; null: it does. */
  readonly isFixedAs: string | null;
}

/** What a code thread is started with. */
export interface CodeStart {
  readonly module: ModulePlan;
  readonly data: readonly DataSource[];
  readonly seed: number;
  /** The engine thread's part of the plan. */
  readonly share: Share;
  /** One Int32, which grows as long as the thread is alive: in an endless loop it does not. */
  readonly pulse: SharedArrayBuffer;
}
