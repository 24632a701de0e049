import { KeptSeries } from "./kept-series.js";
import { METRIC_PREFIX, type MetricSpec } from "./metrics.js";
import { NumberLines } from "./number-lines.js";
import { boundText, familyHeader, sampleHead, type TextFormat } from "./text-format.js";

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
  #samples = new NumberLines([""]);
  readonly #histograms: Record<TextFormat, KeptSeries<NumberLines>> = {
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
    const pieces: Uint8Array[] = [
      Buffer.from(familyHeader(this.name, this.type, this.help, format)),
    ];
    const heads: string[] = [];
    const values: number[] = [];
    let histograms = 0;
    this.#collect(
      this.#source(),
      (labels, value) => {
        heads.push(this.#heads.at(heads.length, labels, (text) => sampleHead(this.name, text)));
        values.push(value);
      },
      (labels, boundsMs, counts, sumSeconds) => {
        const lines = this.#histograms[format].at(
          histograms++,
          labels,
          (text) => new NumberLines(histogramHeads(this.name, text, boundsMs, format)),
        );
        pieces.push(lines.bytes(numbersOf(counts, sumSeconds)));
      },
    );
    if (heads.length > 0) pieces.push(this.#linesOf(heads).bytes(values));
    return pieces;
  }

  /** The labels of each of its series, with how many lines a page has of them: 1, or a histogram's buckets and two. */
  eachSeries(visit: (labels: Readonly<Record<string, string>>, lines: number) => void): void {
    this.#collect(
      this.#source(),
      (labels) => visit(labels, 1),
      // +Inf, the count and the sum stand beside the bounds.
      (labels, boundsMs) => visit(labels, boundsMs.length + 3),
    );
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
        values.push({ metricName: `${this.name}_count`, labels: { ...labels }, value: cumulative });
        values.push({ metricName: `${this.name}_sum`, labels: { ...labels }, value: sumSeconds });
      },
    );
    return { name: this.name, help: this.help, type: this.type, values };
  }

  #linesOf(heads: readonly string[]): NumberLines {
    const known = this.#samples.heads;
    if (known.length !== heads.length || heads.some((head, index) => head !== known[index])) {
      this.#samples = new NumberLines(heads);
    }
    return this.#samples;
  }
}

/** Of the buckets, the count and the sum, in this order: the sum is no whole number. */
function histogramHeads(
  name: string,
  labels: string,
  boundsMs: readonly number[],
  format: TextFormat,
): string[] {
  const before = labels === "" ? "" : `${labels},`;
  return [
    ...[...boundsMs, Number.POSITIVE_INFINITY].map(
      (ms) => `${name}_bucket{${before}le="${boundText(ms / 1000, format)}"} `,
    ),
    sampleHead(`${name}_count`, labels),
    sampleHead(`${name}_sum`, labels),
  ];
}

/** What stands in a histogram's lines. */
function numbersOf(counts: Float64Array, sumSeconds: number): number[] {
  const numbers: number[] = [];
  let cumulative = 0;
  for (let index = 0; index < counts.length; index++) {
    cumulative += counts[index]!;
    numbers.push(cumulative);
  }
  numbers.push(cumulative, sumSeconds);
  return numbers;
}
