import { FINE, type HistogramPlace } from "./layout.js";

/** Counts one value in a histogram. Milliseconds; negative values count as 0. */
export function observe(cells: Float64Array, place: HistogramPlace, valueMs: number): void {
  const value = Math.max(valueMs, 0);
  const bounds = place.boundsMs;
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value <= bounds[middle]!) high = middle;
    else low = middle + 1;
  }
  cells[place.offset + low]! += 1;
  cells[place.offset + bounds.length + 1]! += value;
  cells[place.fineOffset + fineIndex(value)]! += 1;
}

/**
 * Counts `count` values in a histogram that lie `stepMs` apart, the greatest being `greatestMs`; none below 0. In a time
 * that does not grow with their number: by each border of the tables, how many are not above it.
 */
export function observeSpaced(
  cells: Float64Array,
  { offset, boundsMs, fineOffset }: HistogramPlace,
  greatestMs: number,
  stepMs: number,
  count: number,
): void {
  if (count <= 0) return;
  const least = greatestMs - (count - 1) * stepMs;
  let before = 0;
  for (const [bucket, bound] of boundsMs.entries()) {
    const upTo = Math.min(count, Math.max(0, Math.floor((bound - least) / stepMs) + 1));
    cells[offset + bucket]! += upTo - before;
    before = upTo;
  }
  cells[offset + boundsMs.length]! += count - before;
  cells[offset + boundsMs.length + 1]! += (count * (greatestMs + least)) / 2;
  const last = fineIndex(greatestMs);
  before = 0;
  for (let index = fineIndex(least); index < last; index++) {
    // A cell does not hold its upper border.
    const below = Math.min(
      count,
      Math.max(0, Math.ceil((fineLowerMs(index + 1) - least) / stepMs)),
    );
    cells[fineOffset + index]! += below - before;
    before = below;
  }
  cells[fineOffset + last]! += count - before;
}

/** Counts one value in a fine table that stands alone. Milliseconds; negative values count as 0. */
export function observeFine(cells: Float64Array, fineOffset: number, valueMs: number): void {
  cells[fineOffset + fineIndex(Math.max(valueMs, 0))]! += 1;
}

/** Sum of the observed values in milliseconds. */
export function sumMs(cells: Float64Array, place: HistogramPlace): number {
  return cells[place.offset + place.boundsMs.length + 1]!;
}

/** A histogram's fine table in a copy of the cells. */
export function fineTable(cells: Float64Array, place: HistogramPlace): Float64Array {
  return cells.subarray(place.fineOffset, place.fineOffset + FINE.size);
}

/**
 * The `q`-quantile (0 to 1) in milliseconds of counts in fine tables' form, NaN when all are 0:
 * the middle of the cell that holds it, hence at most 0.8 % off between 0.0625 ms and 70 min.
 */
export function quantileMs(counts: Float64Array | Uint32Array, q: number): number {
  let total = 0;
  for (const count of counts) total += count;
  if (total === 0) return Number.NaN;
  const rank = Math.max(1, Math.ceil(q * total));
  let seen = 0;
  for (let index = 0; index < counts.length; index++) {
    seen += counts[index]!;
    if (seen >= rank) return (fineLowerMs(index) + fineLowerMs(index + 1)) / 2;
  }
  return fineLowerMs(counts.length);
}

// The upper bits of an IEEE 754 double are sign, exponent and the first bits of the mantissa: read as
// an integer they number the cells of a log-linear table without a logarithm.
const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const HIGH_WORD = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;
const SHIFT = 20 - FINE.stepsBits;
const FIRST_CELL = (1023 + FINE.minExponent) << FINE.stepsBits;

function fineIndex(valueMs: number): number {
  double[0] = valueMs;
  const index = (words[HIGH_WORD]! >>> SHIFT) - FIRST_CELL;
  return index < 0 ? 0 : index >= FINE.size ? FINE.size - 1 : index;
}

/** Where a cell of a fine table begins, in milliseconds; the first also has what is below it, the last what is above. */
export function fineLowerMs(index: number): number {
  const octave = Math.floor(index / 64);
  return 2 ** (FINE.minExponent + octave) * (1 + (index % 64) / 64);
}
