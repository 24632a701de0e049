import type { Curve } from "./piecewise-linear.js";

/** A curve of times and starts since some moment. */
export interface PieceCurve extends Pick<Curve, "startsBy" | "rateAt" | "timeOf"> {
  /** What the curve that this one is made of counts when this one counts n; left out: the same. */
  sourceStarts?(n: number): number;
}

/** @returns n itself of a curve that is made of no other */
export function sourceStarts(curve: PieceCurve, n: number): number {
  return curve.sourceStarts === undefined ? n : curve.sourceStarts(n);
}

/** Nothing ever starts. */
export const NOTHING: PieceCurve = {
  startsBy: () => 0,
  rateAt: () => 0,
  timeOf: () => Infinity,
};

/** A curve from one of its moments on. Nothing is added where that is its beginning: its own values are exact. */
export function shifted(curve: PieceCurve, fromMs: number): PieceCurve {
  const before = curve.startsBy(fromMs);
  return {
    startsBy: (ms) => curve.startsBy(fromMs + ms) - before,
    rateAt: (ms) => (fromMs + ms < 0 ? 0 : curve.rateAt(fromMs + ms)),
    timeOf: (n) => curve.timeOf(before + n) - fromMs,
    sourceStarts: (n) => sourceStarts(curve, before + n),
  };
}
