import { taskId } from "../celery/messages/task-id.js";

/** What of a connection's tasks that have ended may be removed from the backend. */
export interface Ended {
  /** Ids of tasks. */
  readonly ids: readonly string[];
  /** Ids of the groups of chords that failed: Celery leaves their keys behind. */
  readonly chords: readonly string[];
}

/**
 * Tasks whose results wait to be removed. Kept as numbers: text of a hundred thousand ids would be moved about
 * by the garbage collector until it is removed (docs/performance.md).
 */
export class EndedTasks {
  readonly #idPrefix: string;
  /** Written over when all have been taken: what grows anew every second is garbage every second. */
  readonly #slots: number[] = [];
  readonly #seqs: number[] = [];
  #chords: string[] = [];
  #noted = 0;
  #taken = 0;

  constructor(idPrefix: string) {
    this.#idPrefix = idPrefix;
  }

  note(slot: number, seq: number): void {
    this.#slots[this.#noted] = slot;
    this.#seqs[this.#noted++] = seq;
  }

  noteChord(group: string): void {
    this.#chords.push(group);
  }

  /** Takes those that have waited longest, at most so many tasks, and all chords; null when there are none. */
  take(most: number): Ended | null {
    const until = Math.min(this.#taken + most, this.#noted);
    if (until === this.#taken && this.#chords.length === 0) return null;
    const ids: string[] = [];
    for (; this.#taken < until; this.#taken++) {
      ids.push(taskId(this.#idPrefix, this.#slots[this.#taken]!, this.#seqs[this.#taken]!));
    }
    if (this.#taken === this.#noted) {
      this.#noted = 0;
      this.#taken = 0;
    }
    const chords = this.#chords;
    this.#chords = [];
    return { ids, chords };
  }
}
