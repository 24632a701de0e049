const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** In a shorter range single scrapes are looked at, in a longer one minutes. */
const FINE_RANGE_MS = 6 * HOUR_MS;
/** So many samples of all series together are read: half a minute of Prometheus' work, and 40 MB of ours. */
const MOST_SAMPLES = 5_000_000;

/**
 * How far the points of a grid are apart at which counters are read: a multiple of the interval at which they are
 * sampled, so that each step has the same number of samples; else even traffic would seem bursty.
 */
export function chooseStep(rangeMs: number, intervalMs: number, series: number): number {
  const wanted = rangeMs <= FINE_RANGE_MS ? intervalMs : Math.max(intervalMs, MINUTE_MS);
  const leastMs = Math.max(wanted, (rangeMs * series) / MOST_SAMPLES);
  return Math.ceil(leastMs / intervalMs) * intervalMs;
}

/** The median distance of times that differ, to whole seconds; null where there are not two. Times that are no number are left out. */
export function medianGap(timesMs: readonly number[]): number | null {
  const times = timesMs.filter((time) => !Number.isNaN(time));
  const gaps = times
    .slice(1)
    .map((time, index) => time - times[index]!)
    .filter((gap) => gap > 0)
    .sort((one, other) => one - other);
  const median = gaps[Math.floor(gaps.length / 2)];
  return median === undefined ? null : Math.max(1, Math.round(median / 1000)) * 1000;
}
