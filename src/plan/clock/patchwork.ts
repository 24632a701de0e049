import { type PieceCurve, sourceStarts } from "../shifted.js";

/** A stretch of time with a formula of its own. */
export interface Patch {
  /** After its beginning; Infinity for the last one. */
  readonly untilMs: number;
  /** Of times and starts since it began; null: nothing starts. */
  readonly curve: PieceCurve | null;
}

/**
 * When so long nothing starts, nothing ever will: the longest gap that a yearly calendar can have, and some more.
 */
const IDLE_MS = 800 * 86_400_000;

/** A century: nobody waits for what comes later, such as the next start at a rate that is nearly 0. */
const LONGEST_MS = 36_525 * 86_400_000;

/**
 * The curve that is made of stretches one after another, without an end: each is asked for when a time or a start
 * first lies in it, and kept. N joins where they meet.
 *
 * @param patchFrom the stretch that begins at a time; a pure function of it
 */
export function createPatchwork(patchFrom: (fromMs: number) => Patch): PieceCurve {
  const patches = [laid(patchFrom, 0, 0, 0)];

  /** Lays the next one; false when none comes any more. */
  const lay = () => {
    const last = patches.at(-1)!;
    if (last.untilMs > LONGEST_MS) return false;
    patches.push(laid(patchFrom, last.untilMs, last.untilStarts, last.idleMs));
    return true;
  };

  const patchAt = (ms: number) => {
    while (ms >= patches.at(-1)!.untilMs && lay());
    return patches[firstNot(patches, ({ untilMs }) => untilMs <= ms)]!;
  };

  /** The one that start n lies in; null: none comes any more. */
  const patchOf = (n: number): LaidPatch | null => {
    for (;;) {
      const last = patches.at(-1)!;
      if (last.untilStarts >= n) break;
      if (last.idleMs > IDLE_MS || !lay()) return null;
    }
    return patches[firstNot(patches, ({ untilStarts }) => untilStarts < n)]!;
  };

  return {
    startsBy(ms) {
      if (!(ms > 0)) return 0;
      const { fromMs, fromStarts, untilStarts, curve } = patchAt(ms);
      return Math.min(fromStarts + (curve?.startsBy(ms - fromMs) ?? 0), untilStarts);
    },
    rateAt(ms) {
      if (ms < 0) return 0;
      const { fromMs, curve } = patchAt(ms);
      return curve?.rateAt(ms - fromMs) ?? 0;
    },
    timeOf(n) {
      if (!(n > 0)) return 0;
      const patch = patchOf(n);
      if (patch === null) return Infinity;
      const { fromMs, fromStarts, untilMs, curve } = patch;
      return Math.min(untilMs, fromMs + Math.max(0, curve?.timeOf(n - fromStarts) ?? 0));
    },
    sourceStarts(n) {
      const patch = n > 0 ? patchOf(n) : null;
      if (patch === null || patch.curve === null) return n;
      return sourceStarts(patch.curve, n - patch.fromStarts);
    },
  };
}

interface LaidPatch extends Patch {
  readonly fromMs: number;
  readonly fromStarts: number;
  readonly untilStarts: number;
  /** For how long nothing has started at its end. */
  readonly idleMs: number;
}

function laid(
  patchFrom: (fromMs: number) => Patch,
  fromMs: number,
  fromStarts: number,
  idleMs: number,
): LaidPatch {
  const { untilMs, curve } = patchFrom(fromMs);
  // An endless one may have no end of its starts either.
  const starts =
    curve === null ? 0 : untilMs === Infinity ? Infinity : curve.startsBy(untilMs - fromMs);
  return {
    ...{ fromMs, fromStarts, untilMs, curve },
    untilStarts: fromStarts + starts,
    idleMs: starts > 0 ? 0 : idleMs + (untilMs - fromMs),
  };
}

/** Where the items that are passed over, which come first, end; the last item at the latest. */
function firstNot<T>(list: readonly T[], isPassed: (item: T) => boolean): number {
  let low = 0;
  let high = list.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isPassed(list[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}
