/** Of the plan's rate; what is left says when there is room again. */
const LEAST_FACTOR = 0.01;
/** As TCP does it: down by a factor at once, up by small steps. */
const DOWN = 0.7;
const UP = 0.05;

/** The next part of the plan's rates to run at, by our share at the present one. */
export function nextFactor(
  factor: number,
  share: number,
  { limit, resumeBelow }: { readonly limit: number; readonly resumeBelow: number },
): number {
  if (share > limit) return Math.max(LEAST_FACTOR, factor * DOWN);
  return share < resumeBelow ? Math.min(1, factor + UP) : factor;
}
