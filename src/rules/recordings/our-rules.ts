import { METRICS, metric, partOf, type Series } from "../../exposition/metrics.js";
import { BUDGET_WINDOW_DAYS, BURN_RATES } from "../../slo/burn-rates.js";
import { last, lines, maxBy, sumBy } from "../promql.js";
import type { RecordingRule, RuleGroup } from "../rule.js";
import {
  BAD_RATE,
  BUDGET_LEFT,
  ERROR_BUDGET,
  EVENTS_RATE,
  EXCLUDED_RATIO,
  errorRatio,
  latencyQuantile,
  PHASE_COUNT,
  PHASE_MEAN,
  PHASE_SUM,
  PREFETCH_PER_PLACE,
} from "./records.js";

/** The ranges of days are costly over raw counters, and change slowly. */
const SLOW_INTERVAL = "2m";

/** Of the daemon's own metrics. */
export function ourGroups(): RuleGroup[] {
  const windows = [...new Set(BURN_RATES.flatMap(({ short, long }) => [short, long]))];
  const isDays = (window: string) => window.endsWith("d");
  return [
    {
      name: "celery-load-slo",
      rules: [
        {
          record: ERROR_BUDGET,
          expr: `1 - ${maxBy("slo", last(metric(METRICS.sloObjective)))}`,
        },
        ...windows.filter((window) => !isDays(window)).map(recordRatio),
        recordExcluded(),
      ],
    },
    {
      name: "celery-load-slo-days",
      interval: SLOW_INTERVAL,
      rules: [
        ...windows.filter(isDays).map(recordRatio),
        { record: EVENTS_RATE, expr: sumBy("slo", `rate(${metric(METRICS.sloEvents)}[5m])`) },
        { record: BAD_RATE, expr: sumBy("slo", `rate(${metric(METRICS.sloBadEvents)}[5m])`) },
        { record: BUDGET_LEFT, expr: BUDGET_WINDOW_DAYS.map(budgetLeft).join("\nor\n") },
      ],
    },
    {
      name: "celery-load-tasks",
      rules: [
        ...([50, 95, 99] as const).map(recordQuantile),
        recordPhase(PHASE_SUM, "sum"),
        recordPhase(PHASE_COUNT, "count"),
        {
          record: PHASE_MEAN,
          expr: `${PHASE_SUM} / (${PHASE_COUNT} > 0)`,
        },
      ],
    },
    { name: "celery-load-workers", rules: [recordPrefetch()] },
  ];
}

/** Without events there is no ratio: no alert of an SLO can come of silence. */
function recordRatio(window: string): RecordingRule {
  return {
    record: errorRatio(window),
    expr: lines(
      sumBy("slo", `rate(${metric(METRICS.sloBadEvents)}[${window}])`),
      `/ (${sumBy("slo", `rate(${metric(METRICS.sloEvents)}[${window}])`)} > 0)`,
    ),
  };
}

function recordExcluded(): RecordingRule {
  const excluded = sumBy("slo", `rate(${metric(METRICS.sloExcluded)}{reason!="warmup"}[1h])`);
  const events = sumBy("slo", `rate(${metric(METRICS.sloEvents)}[1h])`);
  return {
    record: EXCLUDED_RATIO,
    expr: lines(excluded, `/ (${excluded} + ${events} > 0)`),
  };
}

/**
 * The rates are samples at equal distances, so the quotient of their sums is that of the events, at a
 * thousandth of the cost of a range over the counters themselves. A range cannot depend on a value: each
 * window has its own, of which one holds for an SLO.
 */
function budgetLeft(days: number): string {
  const sum = (rate: string) => `sum_over_time(${rate}[${days}d])`;
  return lines(
    "(",
    `  1 - ${sum(BAD_RATE)} / (${sum(EVENTS_RATE)} > 0) / ${ERROR_BUDGET}`,
    `  and ${maxBy("slo", last(metric(METRICS.sloWindow)))} == ${days * 86_400}`,
    ")",
  );
}

/**
 * The second half is for servers that turn classic histograms into native ones, where there are no
 * `_bucket` series. Without a task there is no quantile, instead of NaN.
 */
function recordQuantile(percent: 50 | 95 | 99): RecordingRule {
  const quantile = (rates: string) => `histogram_quantile(${percent / 100}, ${rates})`;
  return {
    record: latencyQuantile(percent),
    expr: lines(
      "(",
      `  ${quantile(sumBy("scenario, task, le", `rate(${metric(partOf(METRICS.latency, "bucket"))}[5m])`))}`,
      `  or ${quantile(sumBy("scenario, task", `rate(${metric(METRICS.latency)}[5m])`))}`,
      ") >= 0",
    ),
  };
}

/** A limit of 0 is none. */
function recordPrefetch(): RecordingRule {
  const ofWorker = (limit: Series<"connection" | "worker">) =>
    maxBy("connection, worker", metric(limit));
  return {
    record: PREFETCH_PER_PLACE,
    expr: `(${ofWorker(METRICS.workerPrefetch)} > 0) / (${ofWorker(METRICS.workerPool)} > 0)`,
  };
}

function recordPhase(record: string, part: "sum" | "count"): RecordingRule {
  const labels = "scenario, task, phase";
  const classic = sumBy(labels, `rate(${metric(partOf(METRICS.phase, part))}[5m])`);
  const native = `histogram_${part}(${sumBy(labels, `rate(${metric(METRICS.phase)}[5m])`)})`;
  return { record, expr: lines(classic, `or ${native}`) };
}
