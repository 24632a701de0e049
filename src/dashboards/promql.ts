import { type HistogramPart, METRICS, metric, partOf, type Series } from "../exposition/metrics.js";
import { type ForeignName, foreign } from "../rules/foreign-metrics.js";
import type { SidesRecord } from "../rules/recordings/records.js";
import { ALERT_PREFIX } from "../rules/rule.js";

/**
 * PromQL for the dashboards. Every selector carries the dashboard's variables, so that a panel
 * never mixes in a daemon, scenario or task that is not selected.
 */

const DAEMON = 'job=~"$job", instance=~"$instance"';
const SCENARIO = `${DAEMON}, scenario=~"$scenario"`;
const TASK = `${SCENARIO}, task=~"$task"`;
/** In the metrics of the daemon the name of a workflow is its label `task`, and its members have a label of their own. */
const WORKFLOW = `${SCENARIO}, workflow=~"$task"`;
const SLO = `${DAEMON}, slo=~"$slo"`;

/** One of the daemon's metrics that describes it as a whole. */
export function ofDaemon(series: Series, extra = ""): string {
  return `${metric(series)}{${DAEMON}${extra && `, ${extra}`}}`;
}

/** A metric of the daemon's process, by its full name (`process_…`, `nodejs_…`). */
export function ofProcess(name: ForeignName): string {
  return `${name}{${DAEMON}}`;
}

/** A metric of the selected scenarios. `extra` are further matchers, as in `kind="stage"`. */
export function ofScenario(series: Series<"scenario">, extra = ""): string {
  return `${metric(series)}{${SCENARIO}${extra && `, ${extra}`}}`;
}

/** A metric of the selected scenarios and tasks. */
export function ofTask(series: Series<"scenario" | "task">, extra = ""): string {
  return `${metric(series)}{${TASK}${extra && `, ${extra}`}}`;
}

/** A metric of the selected tasks that no scenario has of its own. */
export function ofTaskName(series: Series<"task">, extra = ""): string {
  return `${metric(series)}{${DAEMON}, task=~"$task"${extra && `, ${extra}`}}`;
}

/** A metric of the members of the selected workflows. */
export function ofWorkflow(series: Series<"scenario" | "workflow">, extra = ""): string {
  return `${metric(series)}{${WORKFLOW}${extra && `, ${extra}`}}`;
}

/** A metric of the selected objectives. */
export function ofSlo(series: Series<"slo">, extra = ""): string {
  return `${metric(series)}{${SLO}${extra && `, ${extra}`}}`;
}

/**
 * A metric that has no label of a daemon, by its full name: of a foreign exporter, or of a recording rule.
 * All that is known of where it belongs is the label `deployment`, if the scrape configuration sets one.
 */
export function ofDeployment(name: ForeignName | SidesRecord, extra = ""): string {
  return `${name}{deployment=~"$deployment"${extra && `, ${extra}`}}`;
}

/** Alerts of our rules that fire at this Prometheus, whatever they are about. */
export function firingAlerts(): string {
  return `${foreign("ALERTS")}{alertname=~"${ALERT_PREFIX}.*", alertstate="firing"}`;
}

/** `aggregation by (labels) (expression)`; without labels over everything. */
export function aggregate(
  aggregation: "sum" | "min" | "max" | "count",
  labels: string,
  expression: string,
): string {
  return `${aggregation}${labels && ` by (${labels})`} (${expression})`;
}

/** Rate per second of a counter as graphs want it, summed by labels. */
export function perSecond(labels: string, counter: string): string {
  return aggregate("sum", labels, rate(counter));
}

/** How much a counter grew over the whole time range of the page, summed by labels. */
export function grownInRange(labels: string, counter: string): string {
  return aggregate("sum", labels, increase(counter));
}

/** A histogram of the daemon: the selector of each kind of its series. */
export type HistogramChoice = (part: HistogramPart) => string;

/** A histogram of the selected tasks. */
export function ofTasks(
  histogram: typeof METRICS.latency | typeof METRICS.phase | typeof METRICS.compensated,
  extra = "",
): HistogramChoice {
  return (part) => ofTask(partOf(histogram, part), extra);
}

/** A histogram of the members of the selected workflows. */
export function ofMembers(histogram: typeof METRICS.memberLatency): HistogramChoice {
  return (part) => ofWorkflow(partOf(histogram, part));
}

/**
 * Quantile of a histogram by labels, at each point in time.
 * The second half answers on servers that turn classic histograms into native ones, where the
 * `_bucket` series do not exist; elsewhere it is empty.
 */
export function quantile(q: string, labels: string, histogram: HistogramChoice): string {
  return quantileOver(rate, q, labels, histogram);
}

/** The same over the whole time range of the page, as tables want it; or over a range of that length some time `ago`. */
export function quantileInRange(
  q: string,
  labels: string,
  histogram: HistogramChoice,
  ago = "",
): string {
  const inRange = (selector: string) => `increase(${selector}[$__range]${ago && ` offset ${ago}`})`;
  return quantileOver(inRange, q, labels, histogram);
}

/** The same as `quantile`, some time `ago`. */
export function quantileAgo(
  q: string,
  labels: string,
  histogram: HistogramChoice,
  ago: string,
): string {
  const then = (selector: string) => `rate(${selector}[$__rate_interval] offset ${ago})`;
  return quantileOver(then, q, labels, histogram);
}

/**
 * Seconds that tasks spend in each phase, each second, so that the phases add up. What is known of `work`
 * only as a whole is called work; what task events tell of it is queue and run, and is not counted twice.
 */
export function phaseSeconds(): string {
  const unknown = `${phaseSum("", 'phase="work"')} - ${phaseSum("", 'phase=~"queue|run"')} > 0`;
  return `${phaseSum("phase", 'phase!="work"')} or label_replace(${unknown}, "phase", "work", "", "")`;
}

/**
 * The same for each task whose result came, so that the phases add up to its mean latency. Not for each that
 * was published: those of a backlog end at other times.
 */
export function phaseSecondsOfTask(): string {
  const classic = perSecond("", ofTask(partOf(METRICS.latency, "count")));
  const native = perSecond("", ofTask(METRICS.latency));
  return `(${phaseSeconds()}) / on () group_left () ((${classic} or histogram_count(${native})) > 0)`;
}

function phaseSum(labels: string, matcher: string): string {
  const classic = perSecond(labels, ofTask(partOf(METRICS.phase, "sum"), matcher));
  const native = perSecond(labels, ofTask(METRICS.phase, matcher));
  return `(${classic} or histogram_sum(${native}))`;
}

function quantileOver(
  window: (selector: string) => string,
  q: string,
  labels: string,
  histogram: HistogramChoice,
): string {
  const bucketLabels = labels ? `${labels}, le` : "le";
  const classic = aggregate("sum", bucketLabels, window(histogram("bucket")));
  const native = aggregate("sum", labels, window(histogram("")));
  return `histogram_quantile(${q}, ${classic}) or histogram_quantile(${q}, ${native})`;
}

/** Rate per second of a counter as graphs want it. */
function rate(selector: string): string {
  return `rate(${selector}[$__rate_interval])`;
}

/** A function of what a metric did within each step of the graph, as bars of a given width want it. */
export function inInterval(
  of: "increase" | "resets" | "changes" | "min_over_time",
  selector: string,
): string {
  return `${of}(${selector}[$__interval])`;
}

/** How much a counter grew over the whole time range of the page. */
function increase(selector: string): string {
  return `increase(${selector}[$__range])`;
}
