import { numberText } from "./text-format.js";

/** Room for the last number; none is longer than 24 characters. */
const LAST_NUMBER_BYTES = 32;

/**
 * Lines of a page that each end in a number, kept as bytes from scrape to scrape. Most numbers are counts, which
 * grow in their last digits, so those are written over the old ones. Only when a number gets longer or shorter, or
 * changes and is no whole number, are all lines made anew. The last number may take any length.
 */
export class NumberLines {
  /** All that stands before each number. */
  readonly heads: readonly string[];
  /** Of each number but the last: its value as it is written, the digits that it takes, and where they end. */
  readonly #written: Float64Array;
  readonly #digits: Uint8Array;
  readonly #ends: Uint32Array;
  #bytes = Buffer.alloc(0);
  #lastAt = 0;

  /** `heads`: at least one. */
  constructor(heads: readonly string[]) {
    this.heads = heads;
    this.#written = new Float64Array(heads.length - 1).fill(Number.NaN);
    this.#digits = new Uint8Array(heads.length - 1);
    this.#ends = new Uint32Array(heads.length - 1);
  }

  /** The lines with a number for each head. They hold until the next call, which writes over them. */
  bytes(values: ArrayLike<number>): Uint8Array {
    if (!this.#overwrite(values)) this.#makeAnew(values);
    const last = `${numberText(values[this.heads.length - 1]!)}\n`;
    return this.#bytes.subarray(0, this.#lastAt + this.#bytes.write(last, this.#lastAt, "latin1"));
  }

  /** False when a number does not fit into its place; those before it are written then. */
  #overwrite(values: ArrayLike<number>): boolean {
    if (this.#lastAt === 0) return false;
    for (let index = 0; index < this.#written.length; index++) {
      const old = this.#written[index]!;
      const value = values[index]!;
      if (value === old) continue;
      const digits = digitsOf(value);
      if (digits === 0 || digits !== this.#digits[index]) return false;
      this.#written[index] = value;
      this.#overwriteDigits(this.#ends[index]!, old, value);
    }
    return true;
  }

  /** Writes from the last digit on, as far as they change. */
  #overwriteDigits(end: number, old: number, value: number): void {
    let at = end;
    let oldRest = old;
    for (let rest = value; rest !== oldRest; oldRest = Math.floor(oldRest / 10)) {
      const tens = Math.floor(rest / 10);
      this.#bytes[--at] = 48 + (rest - tens * 10);
      rest = tens;
    }
  }

  #makeAnew(values: ArrayLike<number>): void {
    let text = "";
    let at = 0;
    for (let index = 0; index < this.#written.length; index++) {
      const head = this.heads[index]!;
      const value = values[index]!;
      const number = numberText(value);
      text += `${head}${number}\n`;
      at += Buffer.byteLength(head) + number.length;
      this.#written[index] = value;
      this.#digits[index] = digitsOf(value);
      this.#ends[index] = at++;
    }
    text += this.heads.at(-1)!;
    this.#lastAt = Buffer.byteLength(text);
    this.#bytes = Buffer.alloc(this.#lastAt + LAST_NUMBER_BYTES);
    this.#bytes.write(text);
  }
}

/** How many digits a whole number from 0 to 2^53 has; 0 for any other. */
function digitsOf(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) return 0;
  let digits = 1;
  for (let limit = 10; value >= limit; limit *= 10) digits++;
  return digits;
}
