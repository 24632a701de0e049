import type { Curve } from "./piecewise-linear.js";

/** A curve of times and starts since some moment. */
export type PieceCurve = Pick<Curve, "startsBy" | "rateAt" | "timeOf">;

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
  };
}
