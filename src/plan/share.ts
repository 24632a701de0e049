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
