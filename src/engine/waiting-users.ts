/** The users who wait, by when they go on: a binary heap of monotonic milliseconds. */
export class WaitingUsers {
  readonly #dueMs: number[] = [];

  get size(): number {
    return this.#dueMs.length;
  }

  /** When the first one goes on; Infinity when nobody waits. */
  get nextMs(): number {
    return this.#dueMs[0] ?? Number.POSITIVE_INFINITY;
  }

  add(dueMs: number): void {
    const heap = this.#dueMs;
    let at = heap.push(dueMs) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]! <= dueMs) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = dueMs;
  }

  /** The first one goes on. */
  take(): void {
    const heap = this.#dueMs;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= last) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }

  /** One of those who wait longest goes for good. */
  remove(): void {
    this.#dueMs.pop();
  }

  /** All who are due by then go on; returns how many. */
  takeUntil(untilMs: number): number {
    let taken = 0;
    for (; this.nextMs <= untilMs; taken++) this.take();
    return taken;
  }
}
