import type { LedgerView } from "./ledger-view.js";
import type { Subject } from "./subject.js";

/** Looks that a rate is about: 30 s at one in 5 s. */
const LOOKS = 6;

interface Look {
  readonly nowMs: number;
  /** By scenario. */
  readonly published: readonly number[];
}

/** How many tasks a second each scenario has published of late. */
export class AchievedRates {
  readonly #subject: Subject;
  #looks: Look[] = [];

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  /** `nowMs` is monotonic. */
  look(ledger: LedgerView, nowMs: number): void {
    const published = this.#subject.scenarios.map(() => 0);
    for (const [entry, { scenario }] of this.#subject.entries.entries()) {
      published[scenario]! += ledger.counter(entry, "published");
    }
    this.#looks = [...this.#looks, { nowMs, published }].slice(-LOOKS - 1);
  }

  /** A second; null before there were two looks. */
  of(scenario: number): number | null {
    const [first, last] = [this.#looks[0], this.#looks.at(-1)];
    if (first === undefined || last === undefined || first === last) return null;
    const published = last.published[scenario]! - first.published[scenario]!;
    return published / ((last.nowMs - first.nowMs) / 1_000);
  }
}
