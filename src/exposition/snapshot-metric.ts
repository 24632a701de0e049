import { METRIC_PREFIX, type MetricSpec } from "./metrics.js";
import { boundText, familyHeader, labelText, sampleLine, type TextFormat } from "./text-format.js";

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
 * Registry like any other; its own text is made directly, at a quarter of the cost of prom-client's
 * (2.4 against 10 ms for 300 histograms of 20 buckets).
 */
export class SnapshotMetric<Source> {
  readonly name: string;
  readonly help: string;
  readonly type: MetricSpec["type"];
  readonly #source: () => Source;
  readonly #collect: (source: Source, emit: Emit, histogram: EmitHistogram) => void;
  /**
   * The same series are written at every scrape: the text of their labels, by their values and, where a
   * source gives the same object every time, by that; and all that stands before the counts of a histogram.
   */
  readonly #texts = new Map<string, string>();
  readonly #textsByObject = new WeakMap<object, string>();
  readonly #buckets: Record<TextFormat, Map<string, readonly string[]>> = {
    text: new Map(),
    openmetrics: new Map(),
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

  /** The metric's block of a page. */
  text(format: TextFormat): string {
    let out = familyHeader(this.name, this.type, this.help, format);
    this.#collect(
      this.#source(),
      (labels, value) => {
        out += sampleLine(this.name, this.#labelText(labels), value);
      },
      (labels, boundsMs, counts, sumSeconds) => {
        out += this.#histogramText(this.#labelText(labels), boundsMs, counts, sumSeconds, format);
      },
    );
    return out;
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

  #histogramText(
    labels: string,
    boundsMs: readonly number[],
    counts: Float64Array,
    sumSeconds: number,
    format: TextFormat,
  ): string {
    let buckets = this.#buckets[format].get(labels);
    if (buckets === undefined) {
      buckets = [...boundsMs, Number.POSITIVE_INFINITY].map(
        (ms) => `${this.name}_bucket{${labels},le="${boundText(ms / 1000, format)}"} `,
      );
      this.#buckets[format].set(labels, buckets);
    }
    let out = "";
    let cumulative = 0;
    for (let index = 0; index < counts.length; index++) {
      cumulative += counts[index]!;
      out += `${buckets[index]}${cumulative}\n`;
    }
    out += sampleLine(`${this.name}_sum`, labels, sumSeconds);
    return out + sampleLine(`${this.name}_count`, labels, cumulative);
  }

  #labelText(labels: Readonly<Record<string, string>>): string {
    const known = this.#textsByObject.get(labels);
    if (known !== undefined) return known;
    let key = "";
    for (const name in labels) key += `${labels[name]}\u0000`;
    let text = this.#texts.get(key);
    if (text === undefined) {
      text = labelText(labels);
      this.#texts.set(key, text);
    }
    this.#textsByObject.set(labels, text);
    return text;
  }
}
