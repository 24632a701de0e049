/** What the bytes say cannot be read, or they end. */
export class Unreadable extends Error {
  override name = "Unreadable";
}

/** Walks over bytes and never past their end. */
export class ByteCursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /**
   * Moves on.
   * @throws {Unreadable} when there are not so many bytes left
   */
  take(count: number): Buffer {
    const from = this.#at;
    if (count > this.#bytes.length - from) throw new Unreadable("the bytes end");
    this.#at = from + count;
    return this.#bytes.subarray(from, this.#at);
  }

  byte(): number {
    return this.take(1)[0]!;
  }

  text(count: number): string {
    return this.take(count).toString();
  }

  /** Up to the next line feed, which is passed over. */
  line(): string {
    const length = this.#bytes.indexOf(10, this.#at) - this.#at;
    if (length < 0) throw new Unreadable("the bytes end");
    return this.take(length + 1).toString("utf8", 0, length);
  }
}
