/** What the engine asks of a code thread. */
export type ToCode =
  /** Arguments for so many starts of an entry. */
  | { readonly type: "make"; readonly entry: number; readonly count: number }
  /** These users of a scenario go through the script once. */
  | { readonly type: "iterate"; readonly scenario: number; readonly users: readonly number[] }
  | { readonly type: "ended"; readonly ended: readonly EndedCall[] };

/** What a code thread tells the engine. */
export type FromCode =
  /** The module is loaded. */
  | { readonly type: "ready" }
  /** In their order. */
  | { readonly type: "made"; readonly entry: number; readonly made: readonly MadePayload[] }
  | { readonly type: "calls"; readonly calls: readonly Call[] }
  /** These users are through. */
  | { readonly type: "done"; readonly scenario: number; readonly users: readonly DoneUser[] }
  /** There is no row any more for the next one. */
  | { readonly type: "outOfRows"; readonly scenario: number };

/** `args, kwargs` as JSON text; or why there is none. */
export type MadePayload = string | { readonly fault: string };

/** `send` of a script. */
export interface Call {
  readonly call: number;
  readonly scenario: number;
  readonly entry: number;
  /** `args, kwargs` as JSON text; null: those of the configuration. */
  readonly given: string | null;
  /** On the clock that threads share (`clock.ts hrtimeMs`). */
  readonly sinceHrtimeMs: number;
}

export interface DoneUser {
  readonly user: number;
  /** It threw. */
  readonly hasFailed: boolean;
  readonly tookMs: number;
}

export interface EndedCall {
  readonly call: number;
  readonly outcome: CallOutcome;
  /** The result as the worker stored it; null: there is none. */
  readonly text: string | null;
}

/** As the ledger has it; `stopped`: the scenario has ended, and nothing was planned. */
export type CallOutcome =
  | "succeeded"
  | "failed"
  | "revoked"
  | "timed_out"
  | "unknown"
  | "dropped"
  | "publish_failed"
  | "stopped";

/** What a code thread tells the main thread. */
export type CodeNews =
  | { readonly type: "loaded" }
  /** The module cannot be used. */
  | { readonly type: "unusable"; readonly cause: string }
  /** Something of the user's code went wrong: so often, since it was told last. */
  | {
      readonly type: "fault";
      readonly what: string;
      readonly cause: string;
      readonly count: number;
    }
  /** Its thread is gone, and another one is started after a while; told by who watches it. */
  | { readonly type: "restarting"; readonly cause: string; readonly afterMs: number }
  | { readonly type: "said"; readonly line: string }
  /** Since they were told last. */
  | { readonly type: "tally"; readonly tallies: readonly ScriptTally[] };

/** What came of a scenario's script. */
export interface ScriptTally {
  readonly scenario: string;
  readonly succeeded: number;
  readonly failed: number;
  readonly checks: readonly {
    readonly name: string;
    readonly passed: number;
    readonly failed: number;
  }[];
}
