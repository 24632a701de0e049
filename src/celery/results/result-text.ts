import { compressionOf, decompressed } from "./compressed-result.js";
import { isUntold, metaText } from "./result-formats.js";

/**
 * Text of results of any size: of one that is larger than `MAX_RESULT_BYTES` only what its state, its exception's
 * class and its time are read from, so that no size holds the engine up. Celery writes the state first and the time
 * near the end (`celery/backends/base.py _get_result_meta`, `_store_result`). The text is JSON, however the worker
 * wrote it (`result_serializer`, `result_compression`).
 */

/** What is larger is cut. */
export const MAX_RESULT_BYTES = 1024 * 1024;
const HEAD_BYTES = 64 * 1024;
const TAIL_BYTES = 4 * 1024;
/** Stands for what is left out: JSON has no such character, not even in its strings. */
const CUT = "\u0000";
const OPEN_BRACE = 0x7b;
const NOTHING = Buffer.alloc(0);
const CAUSE_LENGTH = 48;
/** UTF-8 takes at most so many bytes for a character of JavaScript's. */
const MAX_BYTES_PER_CHARACTER = 3;

/** A result from its bytes, `from` to `to` (exclusive). */
export function resultText(data: Buffer, from = 0, to = data.length): string {
  if (to - from > MAX_RESULT_BYTES) {
    return textOf(data.subarray(from, from + HEAD_BYTES), data.subarray(to - TAIL_BYTES, to));
  }
  // Nearly all are JSON, and whole.
  if (data[from] === OPEN_BRACE) return data.toString("utf8", from, to);
  return textOf(data.subarray(from, to), null);
}

/** `tail` is the end of a result whose middle is left out, null of a whole one. */
function textOf(head: Buffer, tail: Buffer | null): string {
  const plain = decompressed(head, MAX_RESULT_BYTES);
  if (plain === null) return plainText(head, tail);
  if (!plain.isCut && tail === null) return plainText(plain.bytes, null);
  return plainText(plain.bytes.subarray(0, HEAD_BYTES), NOTHING);
}

function plainText(head: Buffer, tail: Buffer | null): string {
  const text = head[0] === OPEN_BRACE ? null : metaText(head, tail);
  return text ?? (tail === null ? head.toString() : `${head}${CUT}${tail}`);
}

/** The same of a text that is a string already; it may be the beginning of a longer one. */
export function cutText(text: string): string {
  const mayBeLarge = text.length > MAX_RESULT_BYTES / MAX_BYTES_PER_CHARACTER;
  if (!mayBeLarge || Buffer.byteLength(text) <= MAX_RESULT_BYTES) return text;
  // Enough characters for the bytes of both ends.
  const head = Buffer.from(text.slice(0, HEAD_BYTES)).toString("utf8", 0, HEAD_BYTES);
  const tail = Buffer.from(text.slice(-TAIL_BYTES)).subarray(-TAIL_BYTES).toString();
  return `${head}${CUT}${tail}`;
}

/** The same of base64 text. */
export function decodedText(base64: string): string {
  const bytesOf = (text: string) => Buffer.from(text, "base64");
  if (base64.length <= base64Length(MAX_RESULT_BYTES)) return resultText(bytesOf(base64));
  const head = bytesOf(base64.slice(0, base64Length(HEAD_BYTES)));
  return textOf(head, bytesOf(base64.slice(-base64Length(TAIL_BYTES))));
}

/** True when a part of the text is left out, or has no JSON: its answer cannot be checked. */
export function isCut(text: string): boolean {
  const isLarge = text.length > HEAD_BYTES / MAX_BYTES_PER_CHARACTER;
  return (isLarge && text.includes(CUT)) || isUntold(text);
}

/** Why no state can be read of a text, for a log. */
export function unreadableCause(text: string): string {
  const compression = compressionOf(Buffer.from(text.slice(0, CAUSE_LENGTH)));
  if (compression !== null) return `it is compressed as ${compression}, which is not read here`;
  return `it begins with ${JSON.stringify(text.slice(0, CAUSE_LENGTH))}`;
}

/** Four characters for three bytes. */
function base64Length(bytes: number): number {
  return Math.floor(bytes / 3) * 4;
}

/** A result whose bytes come in pieces: of a large one only both ends are kept. */
export class ResultPieces {
  readonly #isLarge: boolean;
  readonly #pieces: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer = Buffer.alloc(0);

  /** `bytes`: how many there are in all. */
  constructor(bytes: number) {
    this.#isLarge = bytes > MAX_RESULT_BYTES;
  }

  /** `piece` is copied. */
  add(piece: Buffer): void {
    if (!this.#isLarge) {
      this.#pieces.push(Buffer.from(piece));
      return;
    }
    if (this.#headBytes < HEAD_BYTES) {
      const part = Buffer.from(piece.subarray(0, HEAD_BYTES - this.#headBytes));
      this.#headBytes += part.length;
      this.#pieces.push(part);
    }
    const tail = piece.subarray(-TAIL_BYTES);
    this.#tail = Buffer.concat([this.#tail, tail]).subarray(-TAIL_BYTES);
  }

  /** What has been added, as by `resultText`. */
  text(): string {
    const head = Buffer.concat(this.#pieces);
    return this.#isLarge ? textOf(head, this.#tail) : resultText(head);
  }
}
