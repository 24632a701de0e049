/** What `GET /api/v1/history` answers, and what the live stream adds to it. Times are Unix seconds. */
export interface HistoryAnswer {
  /** Grows when the series are other ones: a sample of another layout does not belong to these. */
  readonly layout: number;
  /** What each column is. */
  readonly series: readonly Series[];
  /** The finest first. */
  readonly tiers: readonly TierAnswer[];
  /** The oldest first. */
  readonly marks: readonly Mark[];
}

/** One thing that is followed. */
export interface Series {
  readonly of: "all" | "scenario" | "task" | "queue" | "exception";
  /** Of all: empty. Of a queue `connection/queue`. */
  readonly name: string;
  readonly what: What;
}

/**
 * Rates are a second. `ended` whatever its outcome, `errors` those of them that did not succeed; `dropped` also what
 * the broker refused; `p50` to `p99` seconds, of what ended in that moment; `saturated` the share of the time in which
 * this daemon was the bottleneck; `inFlight` what waits for the broker's answer or its result.
 */
export type What =
  | "published"
  | "ended"
  | "errors"
  | "dropped"
  | "inFlight"
  | "p50"
  | "p95"
  | "p99"
  | "saturated"
  | "target"
  | "ready";

/** What is kept at one resolution. */
export interface TierAnswer {
  readonly stepSeconds: number;
  /** When each moment ended. */
  readonly at: readonly number[];
  /** By series; null: not known. */
  readonly columns: readonly (readonly (number | null)[])[];
}

/** One moment more. */
export interface Sample {
  readonly layout: number;
  readonly stepSeconds: number;
  readonly at: number;
  /** By series; null: not known. */
  readonly values: readonly (number | null)[];
}

/** What happened, as the events tell it. */
export interface Mark {
  /** Grows by one with each; one that comes again has changed. */
  readonly number: number;
  readonly at: number;
  /** As the events': change, stage, state, guard, readiness, verdict, config. */
  readonly type: string;
  readonly text: string;
  /** What else the event says. */
  readonly details: Readonly<Record<string, unknown>>;
  /** Of a change, after its first minute; null before, and of all else. */
  readonly effect: Effect | null;
}

/** A minute before and the minute after, of all tasks; null: not known. */
export interface Effect {
  readonly p95Seconds: BeforeAfter;
  /** Messages in all queues, on average. */
  readonly queued: BeforeAfter;
  /** The daemon was the bottleneck for more than 5 % of one of the minutes: they cannot be compared. */
  readonly isSaturated: boolean;
}

export interface BeforeAfter {
  readonly before: number | null;
  readonly after: number | null;
}

/** Of all tasks over the last ten seconds, as `What` has it; null: not known. */
export type Recent = Readonly<
  Record<"published" | "ended" | "errors" | "dropped" | "p50" | "p95" | "p99", number | null>
>;
