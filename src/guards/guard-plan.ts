/** What can be watched. */
export type Watch =
  | "queueLength"
  | "brokerMemory"
  | "brokerBlocked"
  | "backlogSlope"
  | "failedShare"
  | "latency"
  | "share"
  | "scrapeAge";

/** A guard as it runs: what it watches, by the numbers of the ledger, and what it may hold back. Times are milliseconds. */
export interface GuardPlan {
  readonly name: string;
  readonly watch: Watch;
  /** Of the watch `latency`: 0.95. */
  readonly quantile: number;
  /** Too much is above this: messages, a share, or milliseconds. */
  readonly limit: number;
  /** It is over below this. */
  readonly resumeBelow: number;
  /** How long it must be too much. */
  readonly forMs: number;
  /** How long it must be over. */
  readonly coolDownMs: number;
  readonly action: "warn" | "throttle" | "pause" | "stop";
  /** Each is watched by itself. */
  readonly subjects: readonly GuardSubject[];
}

/** One thing that a guard watches. What does not concern it is null, or empty. */
export interface GuardSubject {
  /** For people: `queue images of main`. */
  readonly text: string;
  /** Number of the scenario, for what is watched of tasks. */
  readonly scenario: number | null;
  /** Index of the connection. */
  readonly connection: number | null;
  readonly queue: string | null;
  /** Rows of the ledger. */
  readonly entries: readonly number[];
  /** Names of the scenarios that are held back. */
  readonly scenarios: readonly string[];
}
