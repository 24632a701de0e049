/** What came of the user's code. */
export interface ScriptReading {
  /** Of each scenario with a script. */
  readonly scenarios: ReadonlyMap<string, ScriptCounts>;
  /** Of each file, as it is written. */
  readonly modules: ReadonlyMap<string, ModuleCounts>;
}

export interface ScriptCounts {
  /** Times that a user went through it, and that it threw. */
  succeeded: number;
  failed: number;
  readonly checks: Map<string, { passed: number; failed: number }>;
}

export interface ModuleCounts {
  /** What was thrown, and nobody caught. */
  faults: number;
  /** Threads that were started again. */
  restarts: number;
}

export const NO_SCRIPTS: ScriptReading = { scenarios: new Map(), modules: new Map() };
