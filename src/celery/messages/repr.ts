import {
  type ExactNumber,
  isExactNumber,
  nearestNumber,
  pythonFloat,
  wholeOf,
} from "./exact-number.js";

/** The limit of `argsrepr` and `kwargsrepr` (`argsrepr_maxsize`, `kwargsrepr_maxsize` in `celery/app/amqp.py`). */
const LONGEST = 1024;

/** Containers inside more than this many others are shown as `[...]`. */
const DEEPEST = 3;

/**
 * The Python repr of a JSON value, as Celery's producers put it into `argsrepr` and `kwargsrepr`
 * (`celery/utils/saferepr.py saferepr`, releases 5.2 to 5.6): for display in logs and events only.
 *
 * Only `'` is escaped in strings. Beyond 1024 characters a value is cut and closing brackets follow,
 * so that the text may be a few characters longer, and may lack a bracket, exactly as Celery's.
 *
 * @param value a JSON value
 * @param outermost how to show an array that is the whole value; `apply_async` sends a tuple
 */
export function pythonRepr(value: unknown, outermost: "list" | "tuple" = "list"): string {
  const writer = new LimitedWriter(LONGEST);
  if (outermost === "tuple" && Array.isArray(value)) {
    writeSequence(writer, value, "(", value.length === 1 ? ",)" : ")", 0);
  } else {
    writeValue(writer, value, 0);
  }
  return writer.text;
}

function writeValue(writer: LimitedWriter, value: unknown, depth: number): void {
  if (writer.isFull) return;
  if (typeof value === "string") writer.quoted(value);
  else if (Array.isArray(value)) writeSequence(writer, value, "[", "]", depth);
  else if (typeof value === "object" && value !== null && !isExactNumber(value)) {
    writeMapping(writer, value, depth);
  } else writer.plain(scalarRepr(value));
}

function writeSequence(
  writer: LimitedWriter,
  values: readonly unknown[],
  open: string,
  close: string,
  depth: number,
): void {
  if (depth >= DEEPEST) {
    writer.plain(`${open}...${close}`);
    return;
  }
  writer.literal(open);
  for (const [index, value] of values.entries()) {
    if (writer.isFull) break;
    if (index > 0) writer.literal(", ");
    writeValue(writer, value, depth + 1);
  }
  writer.closingBracket(close);
}

function writeMapping(writer: LimitedWriter, mapping: object, depth: number): void {
  if (depth >= DEEPEST) {
    writer.plain("{...}");
    return;
  }
  writer.literal("{");
  for (const [index, [key, value]] of Object.entries(mapping).entries()) {
    if (writer.isFull) break;
    if (index > 0) writer.literal(", ");
    writer.quoted(key);
    writer.literal(": ");
    writeValue(writer, value, depth + 1);
  }
  writer.closingBracket("}");
}

/**
 * Takes piece after piece until the limit is used up. The first piece after that, whatever it is,
 * is left out in favour of `, ...`, and of those that follow only closing brackets are written.
 */
class LimitedWriter {
  text = "";
  #left: number;
  #isFull = false;

  constructor(limit: number) {
    this.#left = limit;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** Never cut. */
  literal(piece: string): void {
    this.#write(() => piece);
  }

  plain(piece: string): void {
    this.#write((left) => truncated(piece, left));
  }

  quoted(value: string): void {
    this.#write((left) => `'${truncated(value, left).replaceAll("'", "\\'")}'`);
  }

  closingBracket(piece: string): void {
    if (this.#isFull) this.text += piece;
    else this.#write(() => piece);
  }

  #write(pieceFor: (left: number) => string): void {
    if (this.#isFull) return;
    if (this.#left <= 0) {
      this.#isFull = true;
      this.text += ", ...";
      return;
    }
    const piece = pieceFor(this.#left);
    this.text += piece;
    this.#left -= lengthInPython(piece);
  }
}

/** Cut before the limit, at a space if there is one (`celery/utils/text.py truncate`). */
function truncated(text: string, limit: number): string {
  // At most two UTF-16 units a character: no more than that is ever looked at.
  const characters = Array.from(text.slice(0, 2 * limit));
  if (characters.length < limit) return text;
  const start = characters.slice(0, limit).join("");
  const lastSpace = start.lastIndexOf(" ");
  return `${lastSpace < 0 ? start : start.slice(0, lastSpace)}...`;
}

/** Python counts characters where JavaScript counts UTF-16 units. */
function lengthInPython(text: string): number {
  let length = 0;
  for (const _character of text) length += 1;
  return length;
}

function scalarRepr(value: unknown): string {
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "number" || isExactNumber(value)) return numberRepr(value);
  return "None";
}

/**
 * A number as the worker's Python shows it after reading our JSON: one without point and exponent
 * arrives as an int, any other as a float, whose repr has an exponent below 1e-4 and from 1e16 on,
 * of two digits at least.
 */
function numberRepr(number: number | ExactNumber): string {
  const whole = wholeOf(number);
  if (whole !== undefined) return String(whole);
  const value = nearestNumber(number);
  const magnitude = Math.abs(value);
  if (value === 0 || (magnitude >= 1e-4 && magnitude < 1e16)) return pythonFloat(value);
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}
