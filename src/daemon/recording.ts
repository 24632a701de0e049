import { Blocks } from "../history/blocks.js";
import type { Moment } from "../history/history.js";
import type { HistoryReading } from "../history/series.js";
import { Timeline } from "../history/timeline.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";

/** Keeps what the files of a report need of a run beside its end: how it went, from its first second on. */
export class Recording {
  readonly timeline: Timeline;
  readonly blocks: Blocks;
  readonly #live: () => LedgerView;

  /**
   * @param beganMs when the run began, on a monotonic clock
   * @param live a live reading of the plan that leads (`Engines.live`)
   */
  constructor(beganMs: number, live: () => LedgerView) {
    this.timeline = new Timeline(beganMs);
    this.blocks = new Blocks(beganMs);
    this.#live = live;
  }

  /** About once a second. The tables of the phases are read at the end of a block only. */
  look(reading: HistoryReading, moment: Moment): void {
    this.timeline.look(reading, moment);
    if (this.blocks.isDue(moment.nowMs)) this.blocks.look(this.#live(), reading.subject, moment);
  }

  /** Nothing is counted any more: what is under way is the last of it. */
  end(subject: Subject, moment: Moment): void {
    this.timeline.close();
    this.blocks.look(this.#live(), subject, moment);
  }
}
