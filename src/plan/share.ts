/**
 * An exact part of a plan: of its start numbers 0, 1, 2, … those that leave the rest `index` when divided by `of`.
 * The shares 0 to `of` - 1 together are the plan, each start once.
 */
export interface Share {
  readonly index: number;
  readonly of: number;
}

export const WHOLE: Share = { index: 0, of: 1 };

/** The share of a share: its starts, counted anew, are dealt out once more. */
export function within(outer: Share, inner: Share): Share {
  return { index: outer.index + outer.of * inner.index, of: outer.of * inner.of };
}

/** How many of the first `count` starts it has. */
export function shareOf(count: number, { index, of }: Share): number {
  return Math.max(0, Math.ceil((count - index) / of));
}

/**
 * The starts of a plan that one thread does: blocks of starts that follow one another in its segment, the
 * threads in turn.
 *
 * A thread wakes up for what it has due, so starts that are dealt out one by one wake up every thread as often as
 * one thread alone: at 10,000/s two took 1.35 times the CPU for each task. In blocks one is awake while the others
 * sleep.
 */
export interface Deal {
  /** Number of its first start in the plan. */
  readonly first: number;
  /** From one start of a block to the next. */
  readonly step: number;
  readonly block: number;
  /** From the first start of a block to that of the next. */
  readonly turn: number;
  /** Among how many threads, of all segments, the plan is dealt out. */
  readonly of: number;
}

const LONGEST_BLOCK = 256;

/**
 * The deal of a thread in its segment.
 *
 * @param maxInFlight how many tasks the whole plan may have in flight. A block is a sixteenth of a thread's part of it
 * at most: in its turn a thread has more in flight than its part, and must not drop what all together have room for
 */
export function dealOf(segment: Share, thread: Share, maxInFlight: number): Deal {
  const part = maxInFlight / (segment.of * thread.of);
  return inBlocks(segment, thread, Math.max(1, Math.min(LONGEST_BLOCK, Math.floor(part / 16))));
}

/** The starts of a thread of a segment, in blocks of `block`; 1: one by one. */
export function inBlocks(segment: Share, thread: Share, block: number): Deal {
  return {
    first: segment.index + segment.of * thread.index * block,
    step: segment.of,
    block,
    turn: segment.of * thread.of * block,
    of: segment.of * thread.of,
  };
}

export const ALL_STARTS: Deal = inBlocks(WHOLE, WHOLE, 1);

/** Number in the plan of the deal's start number `n`, both from 0. */
export function numberOf({ first, step, block, turn }: Deal, n: number): number {
  const blocks = Math.floor(n / block);
  return first + blocks * turn + (n - blocks * block) * step;
}

/** How many starts of a deal have a smaller number in the plan. */
export function takenBefore(deal: Deal, number: number): number {
  const turns = Math.max(0, Math.floor((number - deal.first) / deal.turn));
  let taken = turns * deal.block;
  while (numberOf(deal, taken) < number) taken++;
  return taken;
}
