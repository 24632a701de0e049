/** What a slot of the table holds; one byte a slot. */
export const SLOT = {
  free: 0,
  /** Handed to the connection, no answer of the broker yet. */
  publishing: 1,
  /** Queued for all we know: accepted, or written without an answer (flag `unconfirmed`). */
  published: 2,
  /** The worker reported STARTED. */
  started: 3,
  /** Settled. Keeps its sequence number until the slot is taken again: that shows duplicates. */
  done: 4,
  /** Deadline passed. Keeps its sequence number likewise: that shows late results. */
  timedOut: 5,
} as const;

/** Bits of `flags`. */
export const FLAG = {
  /** Planned during the warm-up: in the ledger, not in the histograms. */
  warmup: 1,
  /** The broker's answer to the publish was lost; the task may or may not be queued. */
  unconfirmed: 2,
  /** Settled by asking again; its first message that arrives afterwards is no duplicate. */
  recovered: 4,
  /** The worker was told to store no result, or what it stored cannot be read. */
  unanswered: 8,
  /** Of a workflow: a message of it was accepted; a member failed, was revoked, was found by asking. */
  accepted: 16,
  memberFailed: 32,
  memberRevoked: 64,
  memberRecovered: 128,
} as const;

/** The part of the table that a snapshot copies: enough to count what is in flight. */
export interface SlotStates {
  readonly states: Uint8Array;
  readonly entries: Uint16Array;
}

/**
 * The tasks in flight as flat arrays (34 bytes a slot, no garbage). Slots come from a first-in-first-out
 * list of free ones, so that a finished task stays recognisable as long as possible. Tasks of an entry
 * share a timeout and are taken in the order of their planned starts; a doubly linked list for each
 * entry in that order makes the overdue ones the first.
 */
export class InFlightTable {
  readonly capacity: number;
  readonly states: Uint8Array;
  readonly entries: Uint16Array;
  readonly flags: Uint8Array;
  readonly seqs: Float64Array;
  /** Monotonic milliseconds: planned start, and the publish call. */
  readonly plannedMs: Float64Array;
  readonly publishCallMs: Float64Array;

  readonly #older: Int32Array;
  readonly #newer: Int32Array;
  readonly #oldest: Int32Array;
  readonly #newest: Int32Array;

  readonly #freeSlots: Int32Array;
  #freeHead = 0;
  #freeCount: number;
  #nextSeq: number;

  /** `shared` are the live arrays that the main thread also sees. `firstSeq` is a parameter for tests. */
  constructor(shared: SlotStates, entryCount: number, firstSeq = 0) {
    const capacity = shared.states.length;
    this.capacity = capacity;
    this.states = shared.states;
    this.entries = shared.entries;
    this.flags = new Uint8Array(capacity);
    this.seqs = new Float64Array(capacity).fill(-1);
    this.plannedMs = new Float64Array(capacity);
    this.publishCallMs = new Float64Array(capacity);
    this.#older = new Int32Array(capacity).fill(-1);
    this.#newer = new Int32Array(capacity).fill(-1);
    this.#oldest = new Int32Array(entryCount).fill(-1);
    this.#newest = new Int32Array(entryCount).fill(-1);
    this.#freeSlots = Int32Array.from({ length: capacity }, (_, slot) => slot);
    this.#freeCount = capacity;
    this.#nextSeq = firstSeq;
  }

  /** Takes a slot for a task in state `publishing`; -1 when none is free. */
  take(entry: number, plannedMs: number, publishCallMs: number, flags: number): number {
    if (this.#freeCount === 0) return -1;
    const slot = this.#freeSlots[this.#freeHead]!;
    this.#freeHead = this.#freeHead + 1 === this.capacity ? 0 : this.#freeHead + 1;
    this.#freeCount--;
    this.states[slot] = SLOT.publishing;
    this.entries[slot] = entry;
    this.flags[slot] = flags;
    this.seqs[slot] = this.#nextSeq++;
    this.plannedMs[slot] = plannedMs;
    this.publishCallMs[slot] = publishCallMs;

    const newest = this.#newest[entry]!;
    this.#older[slot] = newest;
    this.#newer[slot] = -1;
    if (newest >= 0) this.#newer[newest] = slot;
    else this.#oldest[entry] = slot;
    this.#newest[entry] = slot;
    return slot;
  }

  /** Ends a task: the slot becomes `done` or `timedOut` and goes to the end of the free list. */
  settle(slot: number, state: typeof SLOT.done | typeof SLOT.timedOut): void {
    const entry = this.entries[slot]!;
    const older = this.#older[slot]!;
    const newer = this.#newer[slot]!;
    if (older >= 0) this.#newer[older] = newer;
    else this.#oldest[entry] = newer;
    if (newer >= 0) this.#older[newer] = older;
    else this.#newest[entry] = older;

    this.states[slot] = state;
    const tail = this.#freeHead + this.#freeCount;
    this.#freeSlots[tail >= this.capacity ? tail - this.capacity : tail] = slot;
    this.#freeCount++;
  }

  /** True while the slot holds the task `seq`, finished or not. */
  holds(slot: number, seq: number): boolean {
    return slot >= 0 && slot < this.capacity && this.seqs[slot] === seq;
  }

  isInFlight(slot: number): boolean {
    const state = this.states[slot]!;
    return state >= SLOT.publishing && state <= SLOT.started;
  }

  /** The entry's task in flight with the earliest planned start; -1 when there is none. */
  oldest(entry: number): number {
    return this.#oldest[entry]!;
  }

  /** The next younger task of the same entry; -1 at the end. */
  newer(slot: number): number {
    return this.#newer[slot]!;
  }

  /** Slots free to be taken. */
  get freeCount(): number {
    return this.#freeCount;
  }
}
