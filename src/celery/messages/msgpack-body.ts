import { type ExactNumber, isExactNumber, nearestNumber, wholeOf } from "./exact-number.js";
import { isTagged, typedBytes } from "./tagged-json.js";

/** What msgpack has no number for: Python's raises OverflowError. */
export function fitsMsgpack(value: bigint): boolean {
  return value >= -(2n ** 63n) && value < 2n ** 64n;
}

/**
 * A JSON value in msgpack, as Python's `msgpack.packb` writes it: the smallest form of each whole number, any
 * other as a double, and typed bytes as such (https://github.com/msgpack/msgpack/blob/master/spec.md).
 */
export function msgpackBody(value: unknown): Buffer {
  const writer = new Writer();
  writer.value(value);
  return writer.bytes();
}

/** How the length of a text, a list or a mapping is written: in the first byte, or behind one in 8, 16 or 32 bits. */
interface LengthForm {
  readonly fixed: number;
  readonly fixedMost: number;
  readonly wide: readonly [bits8: number | null, bits16: number, bits32: number];
}

const TEXT: LengthForm = { fixed: 0xa0, fixedMost: 31, wide: [0xd9, 0xda, 0xdb] };
const LIST: LengthForm = { fixed: 0x90, fixedMost: 15, wide: [null, 0xdc, 0xdd] };
const BINARY: LengthForm = { fixed: 0, fixedMost: -1, wide: [0xc4, 0xc5, 0xc6] };
const MAPPING: LengthForm = { fixed: 0x80, fixedMost: 15, wide: [null, 0xde, 0xdf] };

class Writer {
  #buffer = Buffer.allocUnsafe(1024);
  #length = 0;

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  value(value: unknown): void {
    if (typeof value === "number" || isExactNumber(value)) this.#number(value);
    else if (typeof value === "string") this.#text(value);
    else if (Array.isArray(value)) {
      this.#head(LIST, value.length);
      for (const item of value) this.value(item);
    } else if (typeof value === "object" && value !== null) {
      if (isTagged(value as Record<string, unknown>)) {
        this.#binary(typedBytes(value as Record<string, unknown>));
        return;
      }
      const entries = Object.entries(value);
      this.#head(MAPPING, entries.length);
      for (const [key, item] of entries) {
        this.#text(key);
        this.value(item);
      }
    } else {
      this.#byte(value === null ? 0xc0 : value === true ? 0xc3 : 0xc2);
    }
  }

  #text(text: string): void {
    const byteLength = Buffer.byteLength(text);
    this.#head(TEXT, byteLength);
    const at = this.#room(byteLength);
    this.#buffer.write(text, at, "utf8");
  }

  #binary(bytes: Buffer): void {
    this.#head(BINARY, bytes.length);
    const at = this.#room(bytes.length);
    bytes.copy(this.#buffer, at);
  }

  #number(value: number | ExactNumber): void {
    const whole = wholeOf(value);
    if (whole === undefined) {
      this.#byte(0xcb);
      this.#buffer.writeDoubleBE(nearestNumber(value), this.#room(8));
    } else if (whole >= 0n) this.#unsigned(whole);
    else this.#negative(whole);
  }

  #unsigned(value: bigint): void {
    if (value < 0x80n) this.#byte(Number(value));
    else if (value < 0x100n) this.#byte(0xcc, Number(value));
    else if (value < 0x1_0000n) this.#wide(0xcd, 2, Number(value));
    else if (value < 0x1_0000_0000n) this.#wide(0xce, 4, Number(value));
    else {
      this.#byte(0xcf);
      this.#buffer.writeBigUInt64BE(value, this.#room(8));
    }
  }

  #negative(value: bigint): void {
    if (value >= -0x20n) this.#byte(Number(value) & 0xff);
    else if (value >= -0x80n) this.#byte(0xd0, Number(value) & 0xff);
    else if (value >= -0x8000n) this.#wide(0xd1, 2, Number(value) & 0xffff);
    else if (value >= -0x8000_0000n) this.#wide(0xd2, 4, Number(value) >>> 0);
    else {
      this.#byte(0xd3);
      this.#buffer.writeBigInt64BE(value, this.#room(8));
    }
  }

  #head({ fixed, fixedMost, wide: [bits8, bits16, bits32] }: LengthForm, length: number): void {
    if (length <= fixedMost) this.#byte(fixed | length);
    else if (bits8 !== null && length < 0x100) this.#byte(bits8, length);
    else if (length < 0x1_0000) this.#wide(bits16, 2, length);
    else this.#wide(bits32, 4, length);
  }

  #wide(form: number, byteLength: number, value: number): void {
    this.#byte(form);
    this.#buffer.writeUIntBE(value, this.#room(byteLength), byteLength);
  }

  #byte(...bytes: number[]): void {
    const at = this.#room(bytes.length);
    for (const [index, byte] of bytes.entries()) this.#buffer[at + index] = byte;
  }

  /** Where so many bytes more begin. */
  #room(byteLength: number): number {
    const at = this.#length;
    this.#length += byteLength;
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(2 * this.#length);
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    return at;
  }
}
