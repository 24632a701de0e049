import { collectDefaultMetrics, type Gauge, type Metric, Registry } from "prom-client";
import { messageOf } from "../errors.js";
import { SnapshotMetric } from "./snapshot-metric.js";
import { familyHeader, labelText, numberText, sampleHead, type TextFormat } from "./text-format.js";

/**
 * prom-client's monitor of the event loop wakes the process this often. At its default of 10 ms that is
 * a tenth of all that the daemon costs at 200 tasks a second; it cannot be switched off.
 */
const EVENT_LOOP_SAMPLE_MS = 1_000;

const LEFT_OUT = [
  // Gauges whose names end in `_total`, which `promtool check metrics` refuses.
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
  // Without the fine sampling these would say nothing; `event_loop_utilization` is ours.
  ...["min", "max", "mean", "stddev", "p50", "p90", "p99"].map(
    (statistic) => `nodejs_eventloop_lag_${statistic}_seconds`,
  ),
];

/**
 * The one registry of the process: our metrics, and prom-client's of the process and of Node.
 * Both text formats are rendered here; `onFault` hears of a metric that could not be collected,
 * which costs that metric and not the page.
 */
export class MetricsRegistry<Source> {
  readonly #registry = new Registry();
  #metrics: readonly SnapshotMetric<Source>[] = [];
  readonly #onFault: (metric: string, cause: string) => void;

  constructor(
    metrics: readonly SnapshotMetric<Source>[],
    onFault: (metric: string, cause: string) => void,
  ) {
    this.#onFault = onFault;
    this.show(metrics);
    collectDefaultMetrics({
      register: this.#registry,
      eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS,
    });
    for (const name of LEFT_OUT) this.#registry.removeSingleMetric(name);
    collectLagAlone(this.#registry.getSingleMetric("nodejs_eventloop_lag_seconds") as Gauge);
  }

  /** Shows these metrics of ours in the place of those before. */
  show(metrics: readonly SnapshotMetric<Source>[]): void {
    for (const { name } of this.#metrics) this.#registry.removeSingleMetric(name);
    this.#metrics = metrics;
    // The registry takes any object with name, help, type and get(); its type wants its own classes.
    for (const metric of metrics) this.#registry.registerMetric(metric as unknown as Metric);
  }

  /** The page in one of the formats, in memory of its own. */
  async render(format: TextFormat): Promise<Buffer> {
    const others = await this.#textOfOthers(format);
    const pieces: Uint8Array[] = [];
    for (const metric of this.#metrics) {
      try {
        pieces.push(...metric.bytes(format));
      } catch (error) {
        this.#onFault(metric.name, messageOf(error));
      }
    }
    pieces.push(Buffer.from(format === "openmetrics" ? `${others}# EOF\n` : others));
    // The pieces hold until the next page is made, so there is no waiting from the first of them to here.
    return Buffer.concat(pieces);
  }

  async #textOfOthers(format: TextFormat): Promise<string> {
    let text = "";
    for (const metric of this.#registry.getMetricsAsArray()) {
      if ((metric as unknown) instanceof SnapshotMetric) continue;
      try {
        text += await metricText(metric as unknown as RegisteredMetric, format);
      } catch (error) {
        this.#onFault(metric.name, messageOf(error));
      }
    }
    return text;
  }
}

/** prom-client's own way makes all the statistics that are left out as well: 0.3 ms of each scrape. */
function collectLagAlone(lag: Gauge): void {
  Object.assign(lag, {
    collect() {
      const beganMs = performance.now();
      setImmediate(() => lag.set((performance.now() - beganMs) / 1000));
    },
  });
}

/** What prom-client's registries hold, as far as a page needs it. */
interface RegisteredMetric {
  get(): Promise<{
    readonly name: string;
    readonly help: string;
    readonly type: string;
    readonly values: readonly {
      readonly metricName?: string;
      readonly labels: Record<string, string | number>;
      readonly value: number;
    }[];
  }>;
}

async function metricText(metric: RegisteredMetric, format: TextFormat): Promise<string> {
  const { name, help, type, values } = await metric.get();
  return values.reduce(
    (text, sample) =>
      `${text}${sampleHead(sample.metricName ?? name, labelText(sample.labels))}${numberText(sample.value)}\n`,
    familyHeader(name, type, help, format),
  );
}
