import { boundText, numberText, sampleHead, type TextFormat } from "./text-format.js";

/** Room for a sum's text; no number's is longer than 24 characters. */
const SUM_BYTES = 32;

/**
 * One histogram's lines on a page, kept as bytes from scrape to scrape: its buckets, its count and its sum.
 * Counts grow in their last digits, so those are written over the old ones. Only when a count gets longer (or
 * shorter, or is no whole number) are the lines made anew.
 */
export class HistogramLines {
  /** What stands before each number: of the buckets, and of the count. */
  readonly #heads: readonly string[];
  readonly #sumHead: string;
  /** Of each number: its value as it is written, how many digits that takes, and where they end. */
  readonly #written: Float64Array;
  readonly #digits: Uint8Array;
  readonly #ends: Uint32Array;
  #bytes = Buffer.alloc(0);
  #sumAt = 0;

  /** `labels` as `labelText` gives them. */
  constructor(name: string, labels: string, boundsMs: readonly number[], format: TextFormat) {
    const bounds = [...boundsMs, Number.POSITIVE_INFINITY];
    const before = labels === "" ? "" : `${labels},`;
    this.#heads = [
      ...bounds.map((ms) => `${name}_bucket{${before}le="${boundText(ms / 1000, format)}"} `),
      sampleHead(`${name}_count`, labels),
    ];
    this.#sumHead = sampleHead(`${name}_sum`, labels);
    this.#written = new Float64Array(this.#heads.length);
    this.#digits = new Uint8Array(this.#heads.length);
    this.#ends = new Uint32Array(this.#heads.length);
  }

  /**
   * The lines for these counts by bucket, not cumulative, the last is +Inf. They hold until the next call, which
   * writes over them.
   */
  bytes(counts: Float64Array, sumSeconds: number): Uint8Array {
    if (!this.#overwrite(counts)) this.#makeAnew(counts);
    const sum = `${numberText(sumSeconds)}\n`;
    return this.#bytes.subarray(0, this.#sumAt + this.#bytes.write(sum, this.#sumAt, "latin1"));
  }

  /** False when a number does not fit into its place; those before it are written then. */
  #overwrite(counts: Float64Array): boolean {
    let cumulative = 0;
    for (let index = 0; index < counts.length; index++) {
      cumulative += counts[index]!;
      if (!this.#overwriteNumber(index, cumulative)) return false;
    }
    return this.#overwriteNumber(counts.length, cumulative);
  }

  /** Writes from the last digit on, as far as they change. */
  #overwriteNumber(index: number, value: number): boolean {
    let old = this.#written[index]!;
    const digits = this.#digits[index]!;
    if (digits === 0 || (value !== old && digitsOf(value) !== digits)) return false;
    this.#written[index] = value;
    let at = this.#ends[index]!;
    for (let rest = value; rest !== old; old = Math.floor(old / 10)) {
      const tens = Math.floor(rest / 10);
      this.#bytes[--at] = 48 + (rest - tens * 10);
      rest = tens;
    }
    return true;
  }

  #makeAnew(counts: Float64Array): void {
    let text = "";
    let cumulative = 0;
    let at = 0;
    for (const [index, head] of this.#heads.entries()) {
      cumulative += counts[index] ?? 0;
      const number = numberText(cumulative);
      text += `${head}${number}\n`;
      at += Buffer.byteLength(head) + number.length;
      this.#written[index] = cumulative;
      this.#digits[index] = digitsOf(cumulative);
      this.#ends[index] = at++;
    }
    text += this.#sumHead;
    this.#sumAt = Buffer.byteLength(text);
    this.#bytes = Buffer.alloc(this.#sumAt + SUM_BYTES);
    this.#bytes.write(text);
  }
}

/** How many digits a whole number from 0 to 2^53 has; 0 for any other, which is never written over. */
function digitsOf(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) return 0;
  let digits = 1;
  for (let limit = 10; value >= limit; limit *= 10) digits++;
  return digits;
}
