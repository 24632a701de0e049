import type { Stage } from "../plan/profile.js";

/** The names behind the indices of a ledger: what never changes while an engine runs. */
export interface Subject {
  readonly scenarios: readonly { readonly name: string; readonly stages: readonly Stage[] }[];
  readonly entries: readonly {
    readonly scenario: number;
    readonly task: string;
    readonly queue: string;
    /** Where its compensated latencies are, when its starts come from users of a closed loop; else null. */
    readonly userRow: number | null;
  }[];
  /** Members of those entries that are workflows; their rows of the ledger lie behind those. */
  readonly members: readonly {
    readonly row: number;
    /** Index into `entries`. */
    readonly workflow: number;
    readonly task: string;
  }[];
  readonly connections: readonly string[];
  /** What tasks take rows of; `scenarios` are those that it ends with its last row. */
  readonly data: readonly {
    readonly name: string;
    readonly rows: number;
    readonly endsScenarios: readonly string[];
  }[];
  /** Files with the user's code, and the scenarios whose users go through it. */
  readonly modules: readonly { readonly file: string; readonly scripts: readonly string[] }[];
  readonly slos: readonly {
    readonly name: string;
    readonly objectiveRatio: number;
    readonly latencyMs: number | null;
    readonly windowMs: number;
    /** Where the events are counted of each entry that it is about; `entry` is an index into `entries`. */
    readonly rows: readonly { readonly row: number; readonly entry: number }[];
  }[];
  /** Exception class names by row beyond the entries' own `other` rows; grows while running. */
  readonly exceptions: { readonly row: number; readonly entry: number; readonly name: string }[];
  readonly version: string;
  readonly commit: string;
  readonly configHash: string;
}

/** Of each scenario, whether its starts come from users of a closed loop. */
export function haveUsers({ scenarios, entries }: Subject): readonly boolean[] {
  const have = scenarios.map(() => false);
  for (const { scenario, userRow } of entries) if (userRow !== null) have[scenario] = true;
  return have;
}
