import { labelValues } from "../../../src/docs/label-values.js";
import { METRIC_PREFIX, METRICS, type MetricKey } from "../../../src/exposition/metrics.js";
import { MetricsRegistry } from "../../../src/exposition/registry.js";
import { ANNOUNCED_METRICS, ANNOUNCED_VALUES } from "./announced-metrics.js";

/** What a query may say about a metric. */
export interface KnownMetric {
  readonly type: string;
  /** The label's values when the code fixes them, else null. */
  readonly labels: ReadonlyMap<string, readonly string[] | null>;
}

/**
 * Every metric that the daemon exposes, by its full name, `process_*` and `nodejs_*` of prom-client
 * too, and those that are announced. A histogram stands for its `_bucket`, `_sum` and `_count` series.
 */
export const KNOWN_METRICS: ReadonlyMap<string, KnownMetric> = new Map([
  ...Object.entries(ANNOUNCED_METRICS),
  ...(Object.keys(METRICS) as MetricKey[]).map(ownMetric),
  ...(await processMetrics()),
]);

function ownMetric(key: MetricKey): [string, KnownMetric] {
  const { name, type, labels } = METRICS[key];
  const known = labels.map((label) => {
    const values = labelValues(key, label);
    const coming = ANNOUNCED_VALUES[METRIC_PREFIX + name]?.[label] ?? [];
    return [label, typeof values === "object" ? [...values, ...coming] : null] as const;
  });
  return [METRIC_PREFIX + name, { type, labels: new Map(known) }];
}

/** No dashboard uses their labels. */
async function processMetrics(): Promise<[string, KnownMetric][]> {
  const page = String(await new MetricsRegistry([], () => {}).render("text"));
  return [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => [
    name,
    { type, labels: new Map() },
  ]);
}
