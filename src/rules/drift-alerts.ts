import { METRICS, metric, type Series } from "../exposition/metrics.js";
import { foreign } from "./foreign-metrics.js";
import { by, lines, maxBy, sumBy } from "./promql.js";
import { latencyQuantile } from "./recordings/records.js";
import type { Alert } from "./rule.js";

/** Alerts about what gets worse slowly: over hours, and from one day to the next. */
export function driftAlerts(): Alert[] {
  return [
    latencyDrift,
    drift("latency_p99", "task", maxBy("task", ofLate(latencyQuantile(99))), "task"),
    drift(
      "queue_length",
      "connection, queue",
      `clamp_min(${maxBy("connection, queue", ofLate(metric(METRICS.queueLength)))}, 10)`,
    ),
    drift(
      "result_backend_memory",
      "connection",
      maxBy("connection", ofLate(metric(METRICS.backendMemory))),
    ),
    drift(
      "resident_memory",
      "instance",
      maxBy("instance", ofLate(foreign("process_resident_memory_bytes"))),
    ),
  ];
}

/** Only where the same load was on it a day before, and not for differences that nobody feels. */
const latencyDrift: Alert = (() => {
  const p99 = latencyQuantile(99);
  const today = `avg_over_time(${p99}[1h])`;
  const yesterday = `avg_over_time(${p99}[1h] offset 1d)`;
  const target = (offset: string) =>
    sumBy("scenario", `avg_over_time(${metric(METRICS.targetRate)}[1h]${offset})`);
  return {
    name: "LatencyDrift",
    severity: "warning",
    for: "1h",
    expr: lines(
      `${today} / ${yesterday} > 1.25`,
      `and ${today} - ${yesterday} > 0.05`,
      `and on (${by("scenario")}) abs(${target("")} / ${target(" offset 1d")} - 1) < 0.05`,
    ),
    summary: "{{ $labels.task }} is slower than a day ago at the same load.",
    description:
      'The 99th percentile of its latency is {{ $value | printf "%.2f" }} times what it was, in scenario {{ $labels.scenario }}.',
    dashboard: "soak",
  };
})();

/** What is slower than this share of its level a day can wait until it is not. */
const LEAST_A_DAY = 0.5;

/**
 * A slope that is no chance and that matters: the share of its level by which it grows in a day. Where the
 * load itself drifts (of the same task, for what is by task) the rest only follows.
 */
function drift(what: string, labels: string, level: string, ofRate = ""): Alert {
  const of = (of: Series<"what">, label = what) => ofLate(`${metric(of)}{what="${label}"}`);
  const significant = `${of(METRICS.drift)} and ${of(METRICS.driftSignificant)} == 1`;
  return {
    name: "Drift",
    severity: "warning",
    labels: { what },
    for: "1h",
    expr: lines(
      `24 * ${maxBy(labels, significant)}`,
      `/ ${level} > ${LEAST_A_DAY}`,
      `unless on (${by(ofRate)}) ${maxBy(ofRate, of(METRICS.driftSignificant, "rate"))} == 1`,
    ),
    summary: `{{ $labels.what }}${WHOSE.map(named).join("")} creeps up.`,
    description:
      "At this slope, which is no chance, it grows by {{ $value | humanizePercentage }} of what it is in a day, while the load stays what it is.",
    dashboard: "soak",
  };
}

/** The mean of a while: slopes change slowly, and a scrape may be missing. */
function ofLate(series: string): string {
  return `avg_over_time(${series}[15m])`;
}

const WHOSE = ["task", "queue", "connection", "instance"];

function named(label: string): string {
  return `{{ with $labels.${label} }} of ${label} {{ . }}{{ end }}`;
}
