/**
 * How far the number of tasks within any second is from the plan's, which has `rate` of them in every one:
 * the seconds that begin at each task, and those that begin right after one. One task and 2 ms of the rate are
 * allowed.
 *
 * @param timesMs when each task was seen, sorted
 */
export function largestDeviation(timesMs: Float64Array, rate: number) {
  const allowed = 1 + rate * 0.002;
  const lastMs = timesMs.at(-1)! - 1000;
  let deviation = 0;
  let seconds = 0;
  let kept = 0;
  let end = 0;
  for (let begin = 0; begin < timesMs.length && timesMs[begin]! <= lastMs; begin++) {
    while (end < timesMs.length && timesMs[end]! < timesMs[begin]! + 1000) end++;
    const from = Math.max(Math.abs(end - begin - rate), Math.abs(end - begin - 1 - rate));
    deviation = Math.max(deviation, from);
    seconds++;
    if (from <= allowed) kept++;
  }
  return { deviation, allowed, keptShare: kept / seconds };
}
