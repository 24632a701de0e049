import type { Logger } from "../log.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";
import { summarize } from "../readings/summary.js";
import type { StatusLine } from "../reports/status-line.js";

/** How often the log says how far a run is where no terminal does. */
export const PROGRESS_MS = 10_000;
/** A run without an end says so for this long, and then only once a minute: it may go on for months. */
const OFTEN_MS = 600_000;
const SELDOM = 6;

/** Says in the log how it goes: the line of a terminal, with its numbers as fields for programs. */
export class Progress {
  readonly #log: Logger;
  readonly #isBounded: boolean;
  readonly #startedMs: number;
  #looks = 0;

  /** `nowMs` is monotonic, as in `look`. */
  constructor(log: Logger, isBounded: boolean, nowMs: number) {
    this.#log = log;
    this.#isBounded = isBounded;
    this.#startedMs = nowMs;
  }

  /** Called every PROGRESS_MS; true when something is to be said now. */
  isDue(nowMs: number): boolean {
    const isOften = this.#isBounded || nowMs - this.#startedMs <= OFTEN_MS;
    return isOften || this.#looks++ % SELDOM === 0;
  }

  write(ledger: LedgerView, nowMs: number, subject: Subject, line: StatusLine): void {
    const { counters, ...now } = summarize(ledger, [...subject.entries.keys()]);
    const { planned, published, succeeded, failed, revoked, timedOut, unknown } = counters;
    this.#log.info(
      {
        seconds: Math.round((nowMs - this.#startedMs) / 1000),
        ...{ planned, published, dropped: now.dropped, refused: now.publishFailures },
        ...{ succeeded, failed, revoked, timedOut, unknown },
        inFlight: now.inFlight + now.publishing,
      },
      line.render(ledger, nowMs),
    );
  }
}
