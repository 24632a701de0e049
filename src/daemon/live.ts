import type { Mark } from "../history/answer.js";
import { History, type Moment } from "../history/history.js";
import type { HistoryReading } from "../history/series.js";
import type { EventLog } from "../http/events.js";
import { LiveFeed } from "../http/live-feed.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { FrozenRun, LiveStatus } from "../reports/live-status.js";

export interface LiveOptions {
  /** A reading now; null: there is nothing to read. */
  readonly read: () => Promise<HistoryReading | null>;
  readonly statusOf: (ledger: LedgerView) => Pick<LiveStatus, "status" | "control">;
  readonly events: EventLog;
  /** Keeps what a report needs; called about once a second. */
  readonly record: (reading: HistoryReading, moment: Moment) => void;
  /** A look went wrong: it is taken again a second later. */
  readonly onError: (cause: unknown) => void;
}

/** Keeps the history of a run, and tells it to the pages that are open. */
export class Live {
  readonly history = new History();
  readonly feed = new LiveFeed();
  readonly #options: LiveOptions;
  #isLooking = false;

  constructor(options: LiveOptions) {
    this.#options = options;
    options.events.listen(({ type, data: { text, ...details } }) =>
      this.#tell(this.history.mark({ type, text, details }, now())),
    );
  }

  /** A run that is over: as it ended, with what it was. */
  frozen(ledger: LedgerView): FrozenRun {
    const live = this.#statusAt(ledger, now());
    // That it stops is no fault of it.
    const status = { ...live.status, ready: true, problems: [] };
    return { history: this.history.answer(), live: { ...live, status } };
  }

  /** One look further, about once a second, unless the last one is still under way. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const reading = await this.#options.read();
      if (reading === null) return;
      const moment = now();
      this.#options.record(reading, moment);
      for (const sample of this.history.look(reading, moment)) this.feed.publish("sample", sample);
      for (const mark of this.history.effects(moment.nowMs)) this.#tell(mark);
      if (this.feed.isFollowed) {
        this.feed.publish("status", this.#statusAt(reading.ledger, moment));
      }
    } catch (cause) {
      this.#options.onError(cause);
    } finally {
      this.#isLooking = false;
    }
  }

  #statusAt(ledger: LedgerView, { unixSeconds }: Moment): LiveStatus {
    const recent = this.history.recent();
    return { ...this.#options.statusOf(ledger), recent, at: unixSeconds };
  }

  #tell(mark: Mark): void {
    this.feed.publish("mark", mark);
  }
}

function now(): Moment {
  return { nowMs: performance.now(), unixSeconds: Date.now() / 1000 };
}
