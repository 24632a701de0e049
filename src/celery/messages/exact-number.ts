/**
 * A number that JavaScript would change: a whole one beyond 2^53, whose last digits it loses, or one with a
 * point or an exponent that it takes for whole, so that Python would read an int where a float was written.
 * It is kept as its text, which is a number in JSON. An object of class String is what no other value of a
 * configuration is, and what arrives in another thread as it is.
 */
export interface ExactNumber {
  readonly [IS_EXACT]: true;
  toString(): string;
}
declare const IS_EXACT: unique symbol;

export function isExactNumber(value: unknown): value is ExactNumber {
  return value instanceof String;
}

/**
 * What Python reads in the text of a number, in JSON's form or that of YAML's core schema (`+1`, `0x1F`, `0o17`,
 * `.5`): JavaScript's own number where it is the same one.
 */
export function readNumber(text: string): number | ExactNumber {
  if (/^0[xo]|^[-+]?\d+$/.test(text)) return readWhole(text);
  const value = Number(text);
  // Python, too, takes what has neither point nor exponent for an int.
  if (!Number.isFinite(value) || /[.e]/.test(JSON.stringify(value))) return value;
  return exact(JSON_NUMBER.test(text) ? text : pythonFloat(value));
}

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/;

/**
 * What a line or a cell of a file is: a number where it is written as JSON writes one and Python can hold it, else the
 * text itself. `007`, `+1` and `1e400` are texts.
 */
export function readPlain(text: string): string | number | ExactNumber {
  if (!JSON_NUMBER.test(text)) return text;
  if (isWhole(text) ? text.replace("-", "").length > MOST_DIGITS : !Number.isFinite(Number(text)))
    return text;
  return readNumber(text);
}

/** Of whole numbers; Python reads no more since 3.10.7 (`sys.int_info.default_max_str_digits`). */
export const MOST_DIGITS = 4300;

function readWhole(text: string): number | ExactNumber {
  const value = Number(text);
  // In JSON there is no zero below zero but as a float.
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  const digits = text.replace(/^[-+]/, "");
  return exact(`${text.startsWith("-") ? "-" : ""}${BigInt(digits)}`);
}

function exact(text: string): ExactNumber {
  return Object(text) as ExactNumber;
}

/** JSON that Python reads as a float, with a point when it is whole. */
export function pythonFloat(value: number): string {
  if (/[.e]/.test(JSON.stringify(value))) return String(value);
  return `${Object.is(value, -0) ? "-0" : value}.0`;
}

/** The number as JavaScript has it, which may be another one. */
export function nearestNumber(value: number | ExactNumber): number {
  return Number(value);
}

/** A whole number of any size; undefined where Python reads a float. */
export function wholeOf(value: number | ExactNumber): bigint | undefined {
  if (isExactNumber(value)) return isWhole(String(value)) ? BigInt(String(value)) : undefined;
  // JSON writes out what is below 10^21, which Python reads as an int.
  return isWhole(JSON.stringify(value)) ? BigInt(value) : undefined;
}

function isWhole(text: string): boolean {
  return /^-?\d+$/.test(text);
}

/**
 * `JSON.parse`, with numbers as Python reads them.
 * @throws SyntaxError as JSON.parse does
 */
export function parseExactJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return MAY_CHANGE.test(text) ? new TokenReader(text).read() : value;
}

/**
 * Digits that are too many, a whole float such as `3.0`, and an exponent; also within texts, where it does no harm. Any
 * other float is the same one for Python, however it is written.
 */
const MAY_CHANGE = /[\d.]{16}|\.0+(?!\d)|\d[eE]/;

/** Reads JSON that is known to be right. */
class TokenReader {
  readonly #tokens: IterableIterator<RegExpExecArray>;

  constructor(text: string) {
    this.#tokens = text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g);
  }

  read(): unknown {
    return this.#valueOf(this.#next());
  }

  #next(): string {
    return this.#tokens.next().value![0];
  }

  #valueOf(token: string): unknown {
    if (token === "[") return this.#readList();
    if (token === "{") return this.#readMapping();
    return /^[-\d]/.test(token) ? readNumber(token) : JSON.parse(token);
  }

  #readList(): unknown[] {
    const items: unknown[] = [];
    for (let token = this.#next(); token !== "]"; token = this.#next()) {
      if (token !== ",") items.push(this.#valueOf(token));
    }
    return items;
  }

  #readMapping(): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    for (let token = this.#next(); token !== "}"; token = this.#next()) {
      if (token === ",") continue;
      this.#next(); // the colon
      entries.push([JSON.parse(token) as string, this.read()]);
    }
    return Object.fromEntries(entries);
  }
}
