import { MAX_EXCLUDED_RATIO, type Verdict } from "./verdict.js";

/** What a threshold measures. `q` is the share that is faster: 0.95. */
export type Measure =
  | { readonly kind: "quantile"; readonly q: number }
  | { readonly kind: "mean" | "max" | "rate" | "failed" | "dropped" | "timed_out" };

export const COMPARISONS = ["<", "<=", ">", ">="] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** What of a threshold decides. Limits are seconds of latencies, shares as ratios, tasks a second of rates. */
export interface ThresholdRule {
  readonly measure: Measure;
  readonly comparison: Comparison;
  readonly limit: number;
}

export type ThresholdUnit = "seconds" | "ratio" | "per_second";

export function unitOf({ kind }: Measure): ThresholdUnit {
  if (kind === "rate") return "per_second";
  return kind === "quantile" || kind === "mean" || kind === "max" ? "seconds" : "ratio";
}

/** What is known of the tasks that a threshold is about, without the time in which this daemon was the bottleneck. */
export interface ThresholdCounts {
  /** That have an answer: succeeded or failed. */
  readonly answered: number;
  /** Of those, the mean in seconds, NaN for none. */
  readonly meanSeconds: number;
  /** The least latency in seconds that so large a share (0 to 1) of `answered` is not above; NaN for none. */
  readonly quantileSeconds: (q: number) => number;
  /** That never had an answer for a fault that is not ours: timed out, revoked, unknown, refused, dropped. */
  readonly never: number;
  readonly planned: number;
  readonly dropped: number;
  /** That were published and have ended. */
  readonly ended: number;
  readonly succeeded: number;
  readonly timedOut: number;
  /** How long starts were planned. */
  readonly plannedSeconds: number;
  /** How long it was looked at, and for how long of that this daemon was the bottleneck. */
  readonly seconds: number;
  readonly saturatedSeconds: number;
}

export interface ThresholdVerdict {
  readonly verdict: Verdict;
  /** What was measured, in the unit of the limit; null: nothing, or longer than anything that was awaited. */
  readonly value: number | null;
  /** Of how many tasks. */
  readonly n: number;
  /** In words. */
  readonly reason: string;
}

/**
 * Whether a run keeps a threshold. Pure. A latency is that of all tasks that should have had an answer: one without
 * is longer than any. A percentile of so few tasks that it is their longest is inconclusive, unless that many more,
 * all as they should be, could not mend it.
 */
export function judgeThreshold(rule: ThresholdRule, counts: ThresholdCounts): ThresholdVerdict {
  const measured = measure(rule.measure, counts);
  const { n, value } = measured;
  const { seconds, saturatedSeconds } = counts;
  const shown = Number.isFinite(value) ? value : null;
  const inconclusive = (reason: string) =>
    ({ verdict: "inconclusive", value: shown, n, reason }) as const;
  if (saturatedSeconds > MAX_EXCLUDED_RATIO * seconds) {
    const share = percent(saturatedSeconds / seconds);
    return inconclusive(`this daemon was the bottleneck for ${share} of the time, more than 5%`);
  }
  if (Number.isNaN(value)) return inconclusive(measured.nothing);
  const text = `${valueText(rule.measure, value)} of ${n} tasks${measured.aside}`;
  const isKept = compare(value, rule.comparison, rule.limit);
  if (rule.measure.kind === "quantile") {
    const least = Math.round(1 / (1 - rule.measure.q));
    if (
      n < least &&
      !(isUpper(rule.comparison) && !isKept && exceedsEvenWith(least, rule, counts))
    ) {
      return inconclusive(`${n} ${n === 1 ? "task is" : "tasks are"} too few, it needs ${least}`);
    }
  }
  return { verdict: isKept ? "met" : "missed", value: shown, n, reason: text };
}

interface Measured {
  /** NaN: there is nothing to measure; Infinity: longer than any. */
  readonly value: number;
  readonly n: number;
  readonly nothing: string;
  /** What else is to be known of the value. */
  readonly aside: string;
}

function measure(measure: Measure, counts: ThresholdCounts): Measured {
  const { answered, never, planned, dropped, ended, succeeded, timedOut } = counts;
  const share = (part: number, n: number, nothing: string): Measured => ({
    ...{ value: n === 0 ? Number.NaN : part / n, n, nothing },
    aside: part === 0 ? "" : `, ${part} of them`,
  });
  switch (measure.kind) {
    case "quantile":
    case "max": {
      const q = measure.kind === "quantile" ? measure.q : 1;
      return latency(quantileWith(counts, q), answered + never, never);
    }
    case "mean":
      return latency(counts.meanSeconds, answered, 0);
    case "rate": {
      const seconds = counts.plannedSeconds - counts.saturatedSeconds;
      const value = seconds > 0 ? succeeded / seconds : Number.NaN;
      const aside = ` that succeeded in ${seconds.toFixed(1)} s`;
      return { value, n: succeeded, nothing: "nothing was planned yet", aside };
    }
    case "failed":
      return share(ended - succeeded, ended, "nothing has ended");
    case "timed_out":
      return share(timedOut, ended, "nothing has ended");
    case "dropped":
      return share(dropped, planned, "nothing was planned");
  }
}

function latency(value: number, n: number, never: number): Measured {
  const aside = never === 0 ? "" : `, ${never} of them without an answer`;
  return { value, n, nothing: "no task has an answer", aside };
}

/** The quantile of those with an answer and of those without. */
function quantileWith({ answered, never, quantileSeconds }: ThresholdCounts, q: number): number {
  const n = answered + never;
  if (n === 0) return Number.NaN;
  const rank = Math.max(1, Math.ceil(Number((q * n).toPrecision(12))));
  return rank > answered ? Number.POSITIVE_INFINITY : quantileSeconds(rank / answered);
}

/** With so many more tasks that there are `least`, all of them fast: is the percentile still too long? */
function exceedsEvenWith(
  least: number,
  { measure, comparison, limit }: ThresholdRule,
  counts: ThresholdCounts,
): boolean {
  if (measure.kind !== "quantile") return false;
  const more = least - counts.answered - counts.never;
  const rank = Math.max(1, Math.ceil(Number((measure.q * least).toPrecision(12)))) - more;
  if (rank <= 0) return false;
  const value =
    rank > counts.answered
      ? Number.POSITIVE_INFINITY
      : counts.quantileSeconds(rank / counts.answered);
  return !compare(value, comparison, limit);
}

function isUpper(comparison: Comparison): boolean {
  return comparison === "<" || comparison === "<=";
}

function compare(value: number, comparison: Comparison, limit: number): boolean {
  switch (comparison) {
    case "<":
      return value < limit;
    case "<=":
      return value <= limit;
    case ">":
      return value > limit;
    case ">=":
      return value >= limit;
  }
}

/** A value in its unit, as people read it: `812 ms`, `1.5%`, `19.9/s`. */
export function valueText(measure: Measure, value: number): string {
  switch (unitOf(measure)) {
    case "seconds":
      if (value === Number.POSITIVE_INFINITY) return "longer than any timeout";
      return value < 1 ? `${Number((value * 1000).toPrecision(3))} ms` : `${three(value)} s`;
    case "ratio":
      return percent(value);
    case "per_second":
      return `${Number(value.toPrecision(4))}/s`;
  }
}

function three(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function percent(ratio: number): string {
  return `${three(ratio * 100)}%`;
}
