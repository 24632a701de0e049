/**
 * PromQL for the dashboards. Every selector carries the dashboard's variables, so that a panel
 * never mixes in a daemon, scenario or task that is not selected.
 */

const DAEMON = 'job=~"$job", instance=~"$instance"';
const SCENARIO = `${DAEMON}, scenario=~"$scenario"`;
const TASK = `${SCENARIO}, task=~"$task"`;

/** One of the daemon's metrics that describes it as a whole. `name` is without `celery_load_`. */
export function ofDaemon(name: string): string {
  return `celery_load_${name}{${DAEMON}}`;
}

/** A metric of the daemon's process, by its full name (`process_…`, `nodejs_…`). */
export function ofProcess(name: string): string {
  return `${name}{${DAEMON}}`;
}

/** A metric of the selected scenarios. `extra` are further matchers, as in `kind="stage"`. */
export function ofScenario(name: string, extra = ""): string {
  return `celery_load_${name}{${SCENARIO}${extra && `, ${extra}`}}`;
}

/** A metric of the selected scenarios and tasks. */
export function ofTask(name: string, extra = ""): string {
  return `celery_load_${name}{${TASK}${extra && `, ${extra}`}}`;
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

/**
 * Quantile of a histogram by labels, at each point in time. `histogram` is without prefix and suffix.
 * The second half answers on servers that turn classic histograms into native ones, where the
 * `_bucket` series do not exist; elsewhere it is empty.
 */
export function quantile(q: string, labels: string, histogram: string, extra = ""): string {
  return quantileOver(rate, q, labels, histogram, extra);
}

/** The same over the whole time range of the page, as tables want it. */
export function quantileInRange(q: string, labels: string, histogram: string): string {
  return quantileOver(increase, q, labels, histogram, "");
}

/** Mean of a histogram's values by labels, at each point in time. */
export function mean(labels: string, histogram: string): string {
  const sum = perSecond(labels, ofTask(`${histogram}_sum`));
  const count = perSecond(labels, ofTask(`${histogram}_count`));
  const native = perSecond(labels, ofTask(histogram));
  return `${sum} / (${count} > 0) or histogram_sum(${native}) / (histogram_count(${native}) > 0)`;
}

function quantileOver(
  window: (selector: string) => string,
  q: string,
  labels: string,
  histogram: string,
  extra: string,
): string {
  const bucketLabels = labels ? `${labels}, le` : "le";
  const classic = aggregate("sum", bucketLabels, window(ofTask(`${histogram}_bucket`, extra)));
  const native = aggregate("sum", labels, window(ofTask(histogram, extra)));
  return `histogram_quantile(${q}, ${classic}) or histogram_quantile(${q}, ${native})`;
}

function rate(selector: string): string {
  return `rate(${selector}[$__rate_interval])`;
}

function increase(selector: string): string {
  return `increase(${selector}[$__range])`;
}
