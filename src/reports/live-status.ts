import type { HistoryAnswer, Recent } from "../history/answer.js";
import type { ScenariosAnswer } from "../http/scenarios.js";
import type { Status } from "./status.js";

/** What the page is told each second: one consistent reading. */
export interface LiveStatus {
  readonly status: Status;
  readonly control: ScenariosAnswer;
  readonly recent: Recent;
  /** When it was read, Unix seconds. */
  readonly at: number;
}

/** A run as it was at its end: what the page shows when nothing is served any more. */
export interface FrozenRun {
  readonly history: HistoryAnswer;
  readonly live: LiveStatus;
}
