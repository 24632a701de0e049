/**
 * The deadline of a lease in memory that threads share: the main thread writes it, and each thread of the engine reads
 * it before it starts anything. So an engine stops in time when the main thread is busy, and when the process was
 * frozen: the first look after that finds the deadline passed.
 *
 * Two clocks must agree. The monotonic one of the process (`hrtimeMs()`) cannot be set, and stands still while the
 * machine is suspended; the system's goes on meanwhile. One that is set forward closes the gate until the next proof.
 */
export interface LeaseGate {
  /** `nowMs` by `hrtimeMs()`, `unixMs` by the system clock: read them for this call. */
  mayStart(nowMs: number, unixMs: number): boolean;
}

export interface LeaseDeadline {
  /** Open until the earlier of the two. */
  openUntil(nowMs: number, unixMs: number): void;
  close(): void;
}

/** Cells of one gate, each a whole number of milliseconds. */
const CELLS = 2;

/** Bytes of memory for so many gates. New memory is all closed. */
export function gateBytes(gates: number): number {
  return gates * CELLS * BigInt64Array.BYTES_PER_ELEMENT;
}

/** The reading side of a gate, in memory of `gateBytes()`. */
export function leaseGate(memory: SharedArrayBuffer, index: number): LeaseGate {
  const cells = cellsOf(memory, index);
  return {
    mayStart: (nowMs, unixMs) =>
      nowMs < Number(Atomics.load(cells, 0)) && unixMs < Number(Atomics.load(cells, 1)),
  };
}

/** The writing side: the main thread's alone. */
export function leaseDeadline(memory: SharedArrayBuffer, index: number): LeaseDeadline {
  const cells = cellsOf(memory, index);
  const write = (nowMs: number, unixMs: number) => {
    // Of two deadlines that are read half old, half new, both were promised.
    Atomics.store(cells, 0, BigInt(Math.floor(nowMs)));
    Atomics.store(cells, 1, BigInt(Math.floor(unixMs)));
  };
  return { openUntil: write, close: () => write(0, 0) };
}

function cellsOf(memory: SharedArrayBuffer, index: number): BigInt64Array {
  return new BigInt64Array(memory, index * CELLS * BigInt64Array.BYTES_PER_ELEMENT, CELLS);
}
