import { METRICS, metric, type Series } from "../exposition/metrics.js";
import { foreign } from "./foreign-metrics.js";
import { by, JOB, last, lines, sumBy } from "./promql.js";
import type { Alert } from "./rule.js";

/** Alerts about the daemon and its connections. */
export function daemonAlerts(): Alert[] {
  return [
    down,
    connectionDown,
    brokerBlocked,
    brokerDataLoss,
    generatorSaturated,
    ...ledgerImbalances(),
    seriesFolded,
  ];
}

/** How long after its end a daemon is missed. */
const MISSED_FOR = "1d";
/** Of two scrapes a minute apart the last one may be missed, too. */
const ABOUT_TO_END_SECONDS = 120;

/**
 * A target that cannot be scraped any more; or, where targets come and go, a job without any daemon. One
 * that was about to end when it was last seen has ended as it should, whether or not a scrape came by after
 * that.
 */
const down: Alert = {
  name: "Down",
  severity: "critical",
  for: "5m",
  expr: lines(
    "(",
    `  ${foreign("up")} == 0`,
    `  and on (${by("instance")}) last_over_time(${metric(METRICS.buildInfo)}[${MISSED_FOR}])`,
    `  unless on (${by("instance")}) ${hasEnded(by("instance"))}`,
    ")",
    `or on (${JOB})`,
    "(",
    `  group by (${JOB}) (last_over_time(${metric(METRICS.buildInfo)}[${MISSED_FOR}]))`,
    `  unless on (${JOB}) ${metric(METRICS.buildInfo)}`,
    `  unless on (${JOB}) ${hasEnded(JOB)}`,
    ")",
  ),
  summary:
    "No daemon of job {{ $labels.job }} answers{{ with $labels.instance }} at {{ . }}{{ end }}.",
  description:
    "Nothing is sent and nothing is measured, so that no SLO alert can fire either. It was there within the last day, and its scenarios were not about to end when it was last seen.",
  dashboard: "overview",
};

function hasEnded(labels: string): string {
  const remaining = `last_over_time(${metric(METRICS.scenarioRemaining)}[${MISSED_FOR}])`;
  return `max by (${labels}) (${remaining}) < ${ABOUT_TO_END_SECONDS}`;
}

const connectionDown: Alert = {
  name: "ConnectionDown",
  severity: "warning",
  for: "2m",
  // The maximum over a while: it neither minds a scrape that is missing nor the end of a run.
  expr: `max_over_time(${metric(METRICS.connectionUp)}[2m]) == 0`,
  summary: "The {{ $labels.role }} of connection {{ $labels.connection }} is away.",
  description:
    "{{ $labels.instance }} cannot use it: without the broker starts are dropped as not_connected, which are bad events; without the result backend no result is seen until it is back, and tasks may time out.",
  dashboard: "overview",
};

const brokerBlocked: Alert = {
  name: "BrokerBlocked",
  severity: "warning",
  for: "2m",
  expr: `min_over_time(${metric(METRICS.blocked)}[2m]) == 1`,
  summary: "The broker of connection {{ $labels.connection }} accepts nothing.",
  description:
    "RabbitMQ has its memory or disk alarm raised and blocks whoever publishes, the application's own producers too. Starts are dropped as backpressure.",
  dashboard: "correlation",
};

const brokerDataLoss: Alert = {
  name: "BrokerDataLoss",
  severity: "warning",
  for: "0m",
  expr: `${sumBy("connection, evidence", `increase(${metric(METRICS.dataLoss)}[15m])`)} > 0`,
  summary: "The broker of connection {{ $labels.connection }} has lost what it held.",
  description:
    "Evidence: {{ $labels.evidence }}. Tasks that were queued are gone, the application's own too; those of this daemon will time out.",
  dashboard: "correlation",
};

const generatorSaturated: Alert = {
  name: "GeneratorSaturated",
  severity: "warning",
  for: "2m",
  expr: `avg_over_time(${metric(METRICS.saturated)}[5m]) > 0.5`,
  summary:
    "The load generator {{ $labels.instance }} is itself the bottleneck ({{ $labels.cause }}).",
  description:
    "It was late for most of the last 5 minutes. What it measures says nothing about the workers meanwhile; SLO events are excluded, and the load is less than planned.",
  dashboard: "overview",
};

/** Both equations of docs/metrics.md. All values of a daemon are of one scrape, so they hold exactly. */
function ledgerImbalances(): Alert[] {
  const sum = (term: Series<"scenario" | "task">) =>
    sumBy("instance, scenario, task", last(metric(term)));
  const imbalance = (equation: string, ...terms: string[]): Alert => ({
    name: "LedgerImbalance",
    severity: "critical",
    labels: { equation },
    for: "5m",
    expr: `${terms.join("\n- ")}\n!= 0`,
    summary: "The ledger of {{ $labels.instance }} does not add up: its numbers cannot be trusted.",
    description: `${equation} is off by {{ $value }} tasks for {{ $labels.task }} in {{ $labels.scenario }}. That is a defect of the daemon.`,
    dashboard: "overview",
  });
  return [
    imbalance(
      "planned = publishing + published + dropped + publish failures",
      ...[
        sum(METRICS.planned),
        sum(METRICS.publishing),
        sum(METRICS.published),
        sum(METRICS.dropped),
      ],
      sum(METRICS.publishFailures),
    ),
    imbalance(
      "published = in flight + outcomes",
      ...[sum(METRICS.published), sum(METRICS.inFlight), sum(METRICS.outcomes)],
    ),
  ];
}

const seriesFolded: Alert = {
  name: "SeriesFolded",
  severity: "info",
  for: "0m",
  expr: `${sumBy("label", `increase(${metric(METRICS.seriesFolded)}[1h])`)} > 0`,
  summary: "Values of the label {{ $labels.label }} are counted as other.",
  description: "limits.series is reached; no count is lost, but its name is.",
  dashboard: "overview",
};
