/** The newest rows of a table, as many as there is room for: one time and so many numbers each. NaN is not known. */
export class Ring {
  readonly width: number;
  readonly #size: number;
  readonly #at: Float64Array;
  readonly #values: Float32Array;
  #pushed = 0;

  /** @param size rows that are kept; @param width numbers in a row */
  constructor(size: number, width: number) {
    this.#size = size;
    this.width = width;
    this.#at = new Float64Array(size);
    this.#values = new Float32Array(size * width);
  }

  get length(): number {
    return Math.min(this.#pushed, this.#size);
  }

  /** The oldest row makes room. */
  push(at: number, values: ArrayLike<number>): void {
    const row = this.#pushed % this.#size;
    this.#at[row] = at;
    this.#values.set(values, row * this.width);
    this.#pushed++;
  }

  /** `index` counts from the oldest row that is kept. */
  at(index: number): number {
    return this.#at[this.#rowOf(index)]!;
  }

  value(index: number, column: number): number {
    return this.#values[this.#rowOf(index) * this.width + column]!;
  }

  get bytes(): number {
    return this.#at.byteLength + this.#values.byteLength;
  }

  #rowOf(index: number): number {
    return (Math.max(0, this.#pushed - this.#size) + index) % this.#size;
  }
}
