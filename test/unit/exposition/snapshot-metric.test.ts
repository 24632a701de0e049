import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { METRICS } from "../../../src/exposition/metrics.js";
import { SnapshotMetric } from "../../../src/exposition/snapshot-metric.js";
import {
  boundText,
  familyHeader,
  labelText,
  type TextFormat,
} from "../../../src/exposition/text-format.js";

const BOUNDS_MS = [5, 1000, 2500];

interface Sample {
  readonly labels: { readonly scenario: string; readonly task: string };
  readonly counts: readonly number[];
  readonly sum: number;
}

/** The page's part as plain text, of what prom-client gets. */
async function textOf(metric: SnapshotMetric<unknown>, format: TextFormat): Promise<string> {
  const { name, type, help, values } = await metric.get();
  return values.reduce(
    (text, { metricName, labels, value }) => {
      const { le } = labels;
      const bound =
        typeof le === "number" || le === "+Inf"
          ? { le: boundText(le === "+Inf" ? Number.POSITIVE_INFINITY : le, format) }
          : {};
      return `${text}${metricName}{${labelText({ ...labels, ...bound })}} ${value}\n`;
    },
    familyHeader(name, type, help, format),
  );
}

const text = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("ünï", "😀", 'a"b\\c\nd', ""),
);
const sample: fc.Arbitrary<Sample> = fc.record({
  labels: fc.record({ scenario: text, task: text }),
  counts: fc.array(fc.oneof(fc.nat(2_000), fc.nat(2 ** 40)), {
    minLength: BOUNDS_MS.length + 1,
    maxLength: BOUNDS_MS.length + 1,
  }),
  sum: fc.double({ min: 0, max: 1e6, noNaN: true }),
});
/** Series in some order, some of them seen before, with other numbers. */
const pages = fc
  .array(sample, { minLength: 1, maxLength: 4 })
  .chain((known) =>
    fc.array(
      fc.array(
        fc.tuple(fc.constantFrom(...known), sample).map(([{ labels }, { counts, sum }]) => ({
          labels,
          counts,
          sum,
        })),
        { maxLength: 5 },
      ),
      { maxLength: 6 },
    ),
  )
  .map((of) =>
    of.map((samples) => [
      ...new Map(samples.map((each) => [labelText(each.labels), each])).values(),
    ]),
  );

for (const kind of ["samples", "histograms"] as const) {
  test(`the bytes of ${kind} are those of plain text, whichever series there were before`, async () => {
    await fc.assert(
      fc.asyncProperty(pages, async (readings) => {
        let reading: readonly Sample[] = [];
        const metric = new SnapshotMetric<unknown>(
          kind === "samples" ? METRICS.planned : METRICS.latency,
          () => null,
          (_source, emit, histogram) => {
            for (const { labels, counts, sum } of reading) {
              if (kind === "samples") emit(labels, counts[0]!);
              else histogram(labels, BOUNDS_MS, Float64Array.from(counts), sum);
            }
          },
        );
        for (reading of readings) {
          for (const format of ["text", "openmetrics"] as const) {
            const bytes = Buffer.concat(metric.bytes(format));
            assert.equal(String(bytes), await textOf(metric, format));
          }
        }
      }),
    );
  });
}
