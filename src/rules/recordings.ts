import { BUDGET_WINDOW_DAYS, BURN_RATES } from "../slo/burn-rates.js";
import { last, lines, maxBy, metric, sumBy } from "./promql.js";
import type { RecordingRule, RuleGroup } from "./rule.js";

/** Bad events per event, over a window. */
export function errorRatio(window: string): string {
  return `slo:celery_load_slo_errors_per_events:ratio_rate${window}`;
}

/** Share of events that may be bad. */
export const ERROR_BUDGET = "slo:celery_load_error_budget:ratio";
/** Share of the budget of the SLO's window that is left; below 0 it is spent. */
export const BUDGET_LEFT = "slo:celery_load_error_budget_left:ratio";
/** Share of the events of an hour that do not count, the warm-up not among them. */
export const EXCLUDED_RATIO = "slo:celery_load_slo_excluded_per_events:ratio_rate1h";

const EVENTS_RATE = "slo:celery_load_slo_events:rate5m";
const BAD_RATE = "slo:celery_load_slo_bad_events:rate5m";

/** A quantile of the latency over five minutes, by scenario and task. */
export function latencyQuantile(percent: 50 | 95 | 99): string {
  return `celery_load:task_latency_seconds:p${percent}_5m`;
}

/** Time that tasks spent in a phase, and how many they were, each a second. */
export const PHASE_SUM = "celery_load:task_phase_seconds_sum:rate5m";
export const PHASE_COUNT = "celery_load:task_phase_seconds_count:rate5m";

/** How many messages a worker may hold for each that it can run at a time. */
export const PREFETCH_PER_PLACE = "celery_load:worker_prefetch_limit:per_place";

/** The ranges of days are costly over raw counters, and change slowly. */
const SLOW_INTERVAL = "2m";

export function recordingGroups(): RuleGroup[] {
  const windows = [...new Set(BURN_RATES.flatMap(({ short, long }) => [short, long]))];
  const isDays = (window: string) => window.endsWith("d");
  return [
    {
      name: "celery-load-slo",
      rules: [
        {
          record: ERROR_BUDGET,
          expr: `1 - ${maxBy("slo", last(metric("sloObjective")))}`,
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
        { record: EVENTS_RATE, expr: sumBy("slo", `rate(${metric("sloEvents")}[5m])`) },
        { record: BAD_RATE, expr: sumBy("slo", `rate(${metric("sloBadEvents")}[5m])`) },
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
          record: "celery_load:task_phase_seconds:mean5m",
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
      sumBy("slo", `rate(${metric("sloBadEvents")}[${window}])`),
      `/ (${sumBy("slo", `rate(${metric("sloEvents")}[${window}])`)} > 0)`,
    ),
  };
}

function recordExcluded(): RecordingRule {
  const excluded = sumBy("slo", `rate(${metric("sloExcluded")}{reason!="warmup"}[1h])`);
  const events = sumBy("slo", `rate(${metric("sloEvents")}[1h])`);
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
    `  and ${maxBy("slo", last(metric("sloWindow")))} == ${days * 86_400}`,
    ")",
  );
}

/**
 * The second half is for servers that turn classic histograms into native ones, where there are no
 * `_bucket` series. Without a task there is no quantile, instead of NaN.
 */
function recordQuantile(percent: 50 | 95 | 99): RecordingRule {
  const quantile = (rates: string) => `histogram_quantile(${percent / 100}, ${rates})`;
  const latency = metric("latency");
  return {
    record: latencyQuantile(percent),
    expr: lines(
      "(",
      `  ${quantile(sumBy("scenario, task, le", `rate(${latency}_bucket[5m])`))}`,
      `  or ${quantile(sumBy("scenario, task", `rate(${latency}[5m])`))}`,
      ") >= 0",
    ),
  };
}

/** A limit of 0 is none. */
function recordPrefetch(): RecordingRule {
  const ofWorker = (key: "workerPrefetch" | "workerPool") =>
    maxBy("connection, worker", metric(key));
  return {
    record: PREFETCH_PER_PLACE,
    expr: `(${ofWorker("workerPrefetch")} > 0) / (${ofWorker("workerPool")} > 0)`,
  };
}

function recordPhase(record: string, part: "sum" | "count"): RecordingRule {
  const labels = "scenario, task, phase";
  const classic = sumBy(labels, `rate(${metric("phase")}_${part}[5m])`);
  const native = `histogram_${part}(${sumBy(labels, `rate(${metric("phase")}[5m])`)})`;
  return { record, expr: lines(classic, `or ${native}`) };
}
