/**
 * What a counter has counted between the points of a grid: growth is counted, and a value that fell was reset, so that
 * what it is now was counted since (as Prometheus' `increase`, but without its extrapolation).
 *
 * What is missing is told apart by whether its page was read:
 * - It was, without the series: the counter is not there yet, or was deleted; it will count from 0.
 * - It was not: nothing is known. What it counted over a gap of at most `mostGap` steps is spread evenly over them;
 *   over a longer gap nobody knows when, and it is left out.
 *
 * @param values at each point; NaN where there is no sample
 * @param wasRead whether its page was read at each point
 * @returns one number a step; step i is from point i to point i + 1
 */
export function increasesOf(
  values: ArrayLike<number>,
  wasRead: readonly boolean[],
  mostGap: number,
): Float64Array {
  const increases = new Float64Array(Math.max(0, wasRead.length - 1));
  let last = Number.NaN;
  let lastPoint = -1;
  for (let point = 0; point < wasRead.length; point++) {
    if (!wasRead[point]) continue;
    const now = Number.isNaN(values[point]!) ? 0 : values[point]!;
    const steps = point - lastPoint;
    if (lastPoint >= 0 && steps - 1 <= mostGap) {
      const increase = now >= last ? now - last : now;
      for (let step = lastPoint; step < point; step++) increases[step] = increase / steps;
    }
    last = now;
    lastPoint = point;
  }
  return increases;
}

/**
 * In which steps it is known what was counted: every page that was there then was read. A page is there from the first
 * time that it was read to the last, and where one of these is near an end of the range, to that end: it was missed there.
 *
 * @param pages of each page whether it was read at each point
 */
export function knownSteps(
  pages: readonly (readonly boolean[])[],
  points: number,
  mostGap: number,
): boolean[] {
  const known = new Array<boolean>(Math.max(0, points - 1)).fill(false);
  const unknown = new Set<number>();
  const isUnknown = (from: number, until: number) => {
    for (let step = from; step < until; step++) unknown.add(step);
  };
  for (const wasRead of pages) {
    const first = wasRead.indexOf(true);
    if (first < 0) continue;
    let last = first;
    for (let point = first + 1; point < points; point++) {
      if (!wasRead[point]) continue;
      if (point - last - 1 <= mostGap) known.fill(true, last, point);
      else isUnknown(last, point);
      last = point;
    }
    if (first <= mostGap) isUnknown(0, first);
    if (points - 1 - last <= mostGap) isUnknown(last, points - 1);
  }
  return known.map((isKnown, step) => isKnown && !unknown.has(step));
}
