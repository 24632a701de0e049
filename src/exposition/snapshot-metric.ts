import { HistogramLines } from "./histogram-lines.js";
import { KeptSeries } from "./kept-series.js";
import { METRIC_PREFIX, type MetricSpec } from "./metrics.js";
import { familyHeader, numberText, sampleHead, type TextFormat } from "./text-format.js";

/** One sample as a source gives it. */
export type Emit = (labels: Readonly<Record<string, string>>, value: number) => void;

/** A histogram's counts by bucket (not cumulative, the last is +Inf) and its sum in seconds. */
export type EmitHistogram = (
  labels: Readonly<Record<string, string>>,
  boundsMs: readonly number[],
  counts: Float64Array,
  sumSeconds: number,
) => void;

interface JsonValue {
  readonly metricName: string;
  readonly labels: Record<string, string | number>;
  readonly value: number;
}

/**
 * A metric whose values are read from the engine's snapshot at each scrape. It stands in prom-client's
 * Registry like any other; its own part of a page is made directly, for a fraction of what prom-client's costs.
 */
export class SnapshotMetric<Source> {
  readonly name: string;
  readonly help: string;
  readonly type: MetricSpec["type"];
  readonly #source: () => Source;
  readonly #collect: (source: Source, emit: Emit, histogram: EmitHistogram) => void;
  /** All that stands before a sample's value. */
  readonly #heads = new KeptSeries<string>();
  readonly #lines: Record<TextFormat, KeptSeries<HistogramLines>> = {
    text: new KeptSeries(),
    openmetrics: new KeptSeries(),
  };

  constructor(
    spec: MetricSpec,
    source: () => Source,
    collect: (source: Source, emit: Emit, histogram: EmitHistogram) => void,
  ) {
    this.name = METRIC_PREFIX + spec.name;
    this.help = spec.help;
    this.type = spec.type;
    this.#source = source;
    this.#collect = collect;
  }

  /** The metric's part of a page, in pieces that hold until the next page is made. */
  bytes(format: TextFormat): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let text = familyHeader(this.name, this.type, this.help, format);
    let samples = 0;
    let histograms = 0;
    this.#collect(
      this.#source(),
      (labels, value) => {
        const head = this.#heads.at(samples++, labels, (label) => sampleHead(this.name, label));
        text += `${head}${numberText(value)}\n`;
      },
      (labels, boundsMs, counts, sumSeconds) => {
        if (text !== "") pieces.push(Buffer.from(text));
        text = "";
        const lines = this.#lines[format].at(
          histograms++,
          labels,
          (label) => new HistogramLines(this.name, label, boundsMs, format),
        );
        pieces.push(lines.bytes(counts, sumSeconds));
      },
    );
    if (text !== "") pieces.push(Buffer.from(text));
    return pieces;
  }

  /** The metric as prom-client's registries pass it on (`getMetricsAsJSON`). */
  async get(): Promise<{ name: string; help: string; type: string; values: JsonValue[] }> {
    const values: JsonValue[] = [];
    this.#collect(
      this.#source(),
      (labels, value) => values.push({ metricName: this.name, labels: { ...labels }, value }),
      (labels, boundsMs, counts, sumSeconds) => {
        let cumulative = 0;
        for (const [index, count] of counts.entries()) {
          cumulative += count;
          const le = index < boundsMs.length ? boundsMs[index]! / 1000 : "+Inf";
          values.push({
            metricName: `${this.name}_bucket`,
            labels: { ...labels, le },
            value: cumulative,
          });
        }
        values.push({ metricName: `${this.name}_sum`, labels: { ...labels }, value: sumSeconds });
        values.push({ metricName: `${this.name}_count`, labels: { ...labels }, value: cumulative });
      },
    );
    return { name: this.name, help: this.help, type: this.type, values };
  }
}
