import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HistogramLines } from "../../../src/exposition/histogram-lines.js";
import { boundText, labelText, type TextFormat } from "../../../src/exposition/text-format.js";

const BOUNDS_MS = [5, 1000, 2500];

/** The same lines as plain text, made anew. */
function linesOf(labels: string, counts: readonly number[], sum: number, format: TextFormat) {
  let cumulative = 0;
  const buckets = counts.map((count, index) => {
    cumulative += count;
    const le = boundText((BOUNDS_MS[index] ?? Number.POSITIVE_INFINITY) / 1000, format);
    return `a_bucket{${labels === "" ? "" : `${labels},`}le="${le}"} ${cumulative}\n`;
  });
  const braced = labels === "" ? "" : `{${labels}}`;
  return `${buckets.join("")}a_count${braced} ${cumulative}\na_sum${braced} ${sum}\n`;
}

const label = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("ünï", "😀", 'a"b\\c\nd', ""),
);
const labels = fc.dictionary(fc.constantFrom("scenario", "task"), label, { maxKeys: 2 });
/** Numbers that get a digit more or less, others that do not, and those that no counter should have. */
const count = fc.oneof(
  fc.nat(12),
  fc.constantFrom(9, 90, 900, 99_999, 2 ** 31, 2 ** 32, 2 ** 51 - 1),
  fc.constantFrom(0.5, -3, 1e21, Number.MAX_SAFE_INTEGER, Number.NaN),
);
const reading = fc.record({
  counts: fc.array(count, { minLength: BOUNDS_MS.length + 1, maxLength: BOUNDS_MS.length + 1 }),
  sum: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat()),
  isGrowth: fc.boolean(),
});

test("the bytes are those of plain text, whatever the counts were before", () => {
  fc.assert(
    fc.property(
      labels,
      fc.constantFrom<TextFormat>("text", "openmetrics"),
      fc.array(reading, { minLength: 1, maxLength: 20 }),
      (of, format, readings) => {
        const text = labelText(of);
        const lines = new HistogramLines("a", text, BOUNDS_MS, format);
        let counts = BOUNDS_MS.map(() => 0).concat(0);
        for (const { counts: more, sum, isGrowth } of readings) {
          counts = more.map((value, index) => (isGrowth ? counts[index]! + value : value));
          const bytes = lines.bytes(Float64Array.from(counts), sum);
          assert.equal(String(bytes), linesOf(text, counts, sum, format));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("counts that stay as long are written into the same memory", () => {
  const lines = new HistogramLines("a", "", BOUNDS_MS, "text");
  const first = lines.bytes(Float64Array.of(100, 1, 0, 0), 0.5);
  const second = lines.bytes(Float64Array.of(898, 1, 0, 100), 12.25);
  assert.equal(second.buffer, first.buffer);
  assert.equal(String(second), linesOf("", [898, 1, 0, 100], 12.25, "text"));
  const longer = lines.bytes(Float64Array.of(899, 1, 0, 100), 12.25);
  assert.equal(String(longer), linesOf("", [899, 1, 0, 100], 12.25, "text"));
});
