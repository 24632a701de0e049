import { UserError } from "../../errors.js";
import { isMapping } from "../../mapping.js";
import { parseTemplate, type Scalar, type TemplateCall } from "./argument-template.js";
import { indexBy, logNormal, normal, zipf } from "./distributions.js";
import { isExactNumber, pythonFloat, readPlain } from "./exact-number.js";
import { assertReadable, isTagged, typedText } from "./tagged-json.js";
import { offsetMs, timeFormat } from "./time-text.js";

/** What a template can draw on when a message is made. */
export interface RenderContext {
  /** Number of the start. */
  readonly seq: number;
  readonly plannedUnixSeconds: number;
  readonly nowUnixSeconds: number;
  /** The task's own id, and the texts of its ETA and expiry as in its headers. */
  readonly id: string;
  readonly eta: string;
  readonly expires: string;
  /** Of a workflow: its own id, which is also the one of its group, and the ids of its members. */
  readonly group: string;
  readonly memberIds: readonly string[];
  /** Values by column, of the row that this start has; null: it has none. */
  readonly row: Row | null;
  /** JSON text `args, kwargs` that code has made; null: none has. */
  readonly given?: string | null;
}

/** One row of data: a value for each column, or its only value. Texts that are `plain` may be numbers. */
export type Row = readonly unknown[];

/** What is known of the rows that a task takes. */
export interface RowShape {
  /** Names; null: a row is one value. */
  readonly columns: readonly string[] | null;
  /** By column: whether a text that is written as a number is one. */
  readonly isPlain: readonly boolean[];
}

/** Where a body gets lines and random numbers from: this module has neither files nor chance. */
export interface BodySources {
  /** The lines of a file that `{{ file("name") }}` names. */
  readonly readLines: (name: string) => readonly string[];
  /** A seeded generator of numbers in [0, 1). */
  readonly random: () => number;
  /** Of the data that the task names. */
  readonly rows?: RowShape | null;
}

/** JSON text of which some values are known only when a message is made. */
export interface CompiledText {
  /** True when there is nothing to fill in: `render` then gives the same text every time. */
  readonly isStatic: boolean;
  /** The JSON text, pure ASCII. */
  render(context: RenderContext): string;
}

/** Stands in a value for a text that the context has. */
export class Filled {
  readonly textOf: (context: RenderContext) => string;

  constructor(textOf: (context: RenderContext) => string) {
    this.textOf = textOf;
  }
}

/**
 * Prepares a JSON value whose strings may hold templates, with the separators and escapes of Python's
 * json. All that is known beforehand is encoded once; rendering joins it with the values of the
 * templates and of what is `Filled`.
 *
 * A string that is one template becomes the template's value, numbers staying numbers; inside a
 * longer string its text is put in. A file's lines are taken in turn, by each template for itself. In a typed value
 * (`tagged-json.ts`) all that templates give is text.
 *
 * @throws UserError for a faulty template, and for a file without lines
 */
export function compileText(value: unknown, sources: BodySources): CompiledText {
  const pieces = new Pieces();
  encode(value, pieces, sources);
  return {
    isStatic: pieces.holes.length === 0,
    render: (context) => join(pieces, context),
  };
}

/** Gives the JSON of one template's value, or its escaped text for the inside of a string. */
type Hole = (context: RenderContext) => string;

/** Texts and holes in turn, beginning and ending with a text. */
class Pieces {
  readonly texts: string[] = [""];
  readonly holes: Hole[] = [];

  text(text: string): void {
    this.texts[this.texts.length - 1] += text;
  }

  hole(hole: Hole): void {
    this.holes.push(hole);
    this.texts.push("");
  }
}

function join({ texts, holes }: Pieces, context: RenderContext): string {
  let body = texts[0]!;
  for (let index = 0; index < holes.length; index++) {
    body += holes[index]!(context) + texts[index + 1]!;
  }
  return body;
}

function encode(value: unknown, pieces: Pieces, sources: BodySources): void {
  if (value instanceof Filled) pieces.hole((context) => asciiJson(value.textOf(context)));
  else if (typeof value === "string") encodeString(value, pieces, sources);
  else if (isMapping(value) && isTagged(value) && hasTemplate(value)) {
    encodeTyped(value, pieces, sources);
  } else encodeWith(value, pieces, (item) => encode(item, pieces, sources));
}

/** Writes what is no text; `encodeItem` what it holds. */
function encodeWith(value: unknown, pieces: Pieces, encodeItem: (item: unknown) => void): void {
  if (isExactNumber(value)) pieces.text(String(value));
  else if (Array.isArray(value)) {
    pieces.text("[");
    for (const [index, item] of value.entries()) {
      if (index > 0) pieces.text(", ");
      encodeItem(item);
    }
    pieces.text("]");
  } else if (typeof value === "object" && value !== null) {
    pieces.text("{");
    for (const [index, [key, item]] of Object.entries(value).entries()) {
      pieces.text(`${index > 0 ? ", " : ""}${asciiJson(key)}: `);
      encodeItem(item);
    }
    pieces.text("}");
  } else pieces.text(JSON.stringify(value));
}

type Mapping = Readonly<Record<string, unknown>>;

function hasTemplate(typed: Mapping): boolean {
  return typedText(typed).text.includes("{{");
}

/** What a worker cannot read makes it drop the whole message, so that is looked at before it is sent. */
function encodeTyped(typed: Mapping, pieces: Pieces, sources: BodySources): void {
  const { text, isSure } = typedText(typed);
  const type = String(typed.__type__);
  const inside = new Pieces();
  encodeInside(text, inside, sources);
  const [before, after] = type === "uuid" ? ['{"hex": "', '"}'] : ['"', '"'];
  pieces.text(`{"__type__": "${type}", "__value__": ${before}`);
  pieces.hole((context) => {
    const json = join(inside, context);
    if (!isSure) assertReadable(type, JSON.parse(`"${json}"`) as string);
    return json;
  });
  pieces.text(`${after}}`);
}

function encodeString(text: string, pieces: Pieces, sources: BodySources): void {
  const parsed = parseTemplate(text);
  if ("fault" in parsed) throw new UserError(parsed.fault);
  const [first, ...others] = parsed.parts;
  if (first?.kind === "call" && others.length === 0) {
    pieces.hole(holeFor(first.call, asciiJson, sources));
    return;
  }
  pieces.text('"');
  encodeInside(text, pieces, sources);
  pieces.text('"');
}

function encodeInside(text: string, pieces: Pieces, sources: BodySources): void {
  const parsed = parseTemplate(text);
  if ("fault" in parsed) throw new UserError(parsed.fault);
  for (const part of parsed.parts) {
    if (part.kind === "text") pieces.text(insideString(part.text));
    else pieces.hole(holeFor(part.call, insideString, sources));
  }
}

/**
 * How a value goes into the body: as JSON, or as text inside a string. Numbers and texts without special characters are
 * the same in both but for the quotes.
 */
type Put = (value: Scalar) => string;

function holeFor(call: TemplateCall, put: Put, sources: BodySources): Hole {
  const { random } = sources;
  const quote = put("").slice(1);
  switch (call.name) {
    case "uuid":
      return () => quote + randomUuid(random) + quote;
    case "seq":
      return ({ seq }) => String(seq);
    case "planned":
      return ({ plannedUnixSeconds }) => pythonFloat(plannedUnixSeconds);
    case "now":
      return ({ nowUnixSeconds }) => pythonFloat(nowUnixSeconds);
    case "int": {
      const [low, high] = call.args.map(Number) as [number, number];
      return () => String(low + Math.floor(random() * (high - low + 1)));
    }
    case "float": {
      const [low, high] = call.args.map(Number) as [number, number];
      return () => pythonFloat(low + random() * (high - low));
    }
    case "choice": {
      const values = call.args.map(put);
      return () => values[Math.floor(random() * values.length)]!;
    }
    case "normal":
    case "logNormal":
    case "zipf": {
      const [first, second] = call.args.map(Number) as [number, number];
      if (call.name === "zipf") {
        const draw = zipf(first, second);
        return () => String(draw(random));
      }
      const draw = call.name === "normal" ? normal(first, second) : logNormal(first, second);
      return () => pythonFloat(draw(random));
    }
    case "weighted": {
      const values = call.args.filter((_, index) => index % 2 === 0).map(put);
      const draw = indexBy(call.args.filter((_, index) => index % 2 === 1).map(Number));
      return () => values[draw(random)]!;
    }
    case "digits": {
      const count = Number(call.args[0]);
      return () => quote + digits(count, random) + quote;
    }
    case "words": {
      const count = Number(call.args[0]);
      return () => quote + words(count, random) + quote;
    }
    case "datetime":
    case "date":
    case "time": {
      const [offset = "+0s", format = TIME_FORMATS[call.name]] = call.args.map(String);
      const textOf = timeFormat(format);
      const seconds = offsetMs(offset)! / 1000;
      return ({ nowUnixSeconds }) => put(textOf(nowUnixSeconds + seconds));
    }
    case "bytes": {
      const bytes = Buffer.alloc(Number(call.args[0]));
      return () => quote + fillRandomly(bytes, random).toString("base64") + quote;
    }
    case "file":
      return linesInTurn(String(call.args[0]), put, sources);
    case "row":
      return ofRow(call.args[0], put, sources.rows ?? null);
  }
}

/** @param column null: all of them as a mapping; undefined: the only value */
function ofRow(column: Scalar | undefined, put: Put, shape: RowShape | null): Hole {
  if (shape === null) throw new UserError("Cannot take a row, as the task names no data");
  const { columns, isPlain } = shape;
  if (columns === null || column === undefined) {
    if (columns !== null) {
      throw new UserError(
        `Cannot send a row of several columns. Write {{ row.${columns[0]} }} or {{ row | json }}`,
      );
    }
    return ({ row }) => putCell(row![0], isPlain[0] === true, put);
  }
  if (column === null) return wholeRow(columns, isPlain, put);
  const index = columns.indexOf(String(column));
  if (index < 0)
    throw new UserError(`Cannot find the column ${JSON.stringify(column)} of the data`);
  const isPlainColumn = isPlain[index] === true;
  return ({ row }) => putCell(row![index], isPlainColumn, put);
}

function wholeRow(columns: readonly string[], isPlain: readonly boolean[], put: Put): Hole {
  const keys = columns.map((column, index) => `${index > 0 ? ", " : "{"}${asciiJson(column)}: `);
  return ({ row }) => {
    let json = keys.length === 0 ? "{" : "";
    for (let index = 0; index < keys.length; index++) {
      json += keys[index]! + putCell(row![index], isPlain[index] === true, asciiJson);
    }
    return put === asciiJson ? `${json}}` : insideString(`${json}}`);
  };
}

function putCell(value: unknown, isPlain: boolean, put: Put): string {
  if (typeof value === "string") return isPlain ? putPlain(value, put) : put(value);
  if (typeof value !== "object" || value === null || isExactNumber(value)) {
    return put(value as Scalar);
  }
  const pieces = new Pieces();
  encodeValue(value, pieces);
  return put === asciiJson ? pieces.texts[0]! : insideString(pieces.texts[0]!);
}

/** A value of the data: there are no templates in it. */
function encodeValue(value: unknown, pieces: Pieces): void {
  encodeWith(value, pieces, (item) =>
    typeof item === "string" ? pieces.text(asciiJson(item)) : encodeValue(item, pieces),
  );
}

function linesInTurn(name: string, put: Put, sources: BodySources): Hole {
  const lines = sources.readLines(name).map((line) => putPlain(line, put));
  if (lines.length === 0) {
    throw new UserError(`Cannot take lines from ${name}, as it has none. Write one value a line`);
  }
  let next = 0;
  return () => {
    const line = lines[next]!;
    next = next + 1 === lines.length ? 0 : next + 1;
    return line;
  };
}

const SMALL_WHOLE = /^[1-9]\d{0,14}$/;
/** A float of JSON that needs no look: Python reads what is written. */
const SMALL_DECIMAL = /^-?(?:0|[1-9]\d{0,14})\.\d{1,15}$/;
/** ASCII that JSON writes as it is. */
const UNESCAPED = /^[ !#-[\]-~]*$/;

/** What a file has: a number or a text, which inside of a longer text is as it was written. */
function putPlain(text: string, put: Put): string {
  if (SMALL_WHOLE.test(text) || SMALL_DECIMAL.test(text)) return text; // nearly all numbers
  return put(put === insideString ? text : readPlain(text));
}

/** JSON in ASCII, the rest as \uXXXX, as Python's `json.dumps` writes it. */
function asciiJson(value: Scalar): string {
  if (typeof value === "string" && UNESCAPED.test(value)) return `"${value}"`; // a third of the time
  if (isExactNumber(value)) return String(value);
  return JSON.stringify(value).replaceAll(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The value's text, escaped for the inside of a JSON string. */
function insideString(value: Scalar): string {
  return asciiJson(String(value)).slice(1, -1);
}

/** As Python's `isoformat` writes them. */
const TIME_FORMATS = { datetime: "%Y-%m-%dT%H:%M:%S.%f+00:00", date: "%Y-%m-%d", time: "%H:%M:%S" };

function digits(count: number, random: () => number): string {
  let text = "";
  for (let index = 0; index < count; index++) text += Math.floor(random() * 10);
  return text;
}

/** Of no language that anybody could take for their own. */
const WORDS =
  "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna aliqua enim ad minim veniam quis nostrud exercitation ullamco laboris nisi aliquip ex ea commodo consequat".split(
    " ",
  );

function words(count: number, random: () => number): string {
  let text = "";
  for (let index = 0; index < count; index++) {
    text += (index > 0 ? " " : "") + WORDS[Math.floor(random() * WORDS.length)]!;
  }
  return text;
}

/** A random UUID, version 4, variant 1 (RFC 9562, section 5.4). */
function randomUuid(random: () => number): string {
  const first = Math.floor(random() * 2 ** 32);
  const second = ((random() * 2 ** 32) & 0xffff_0fff) | 0x4000;
  const third = ((random() * 2 ** 32) & 0x3fff_ffff) | 0x8000_0000;
  const fourth = Math.floor(random() * 2 ** 32);
  return `${high(first)}${low(first)}-${high(second)}-${low(second)}-${high(third)}-${low(third)}${high(fourth)}${low(fourth)}`;
}

function high(word: number): string {
  return HEX[(word >>> 24) & 0xff]! + HEX[(word >>> 16) & 0xff]!;
}

function low(word: number): string {
  return HEX[(word >>> 8) & 0xff]! + HEX[word & 0xff]!;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function fillRandomly(bytes: Buffer, random: () => number): Buffer {
  const wholeWords = bytes.length - (bytes.length % 4);
  for (let offset = 0; offset < wholeWords; offset += 4) {
    bytes.writeUInt32LE(Math.floor(random() * 2 ** 32), offset);
  }
  for (let offset = wholeWords; offset < bytes.length; offset++) {
    bytes[offset] = Math.floor(random() * 256);
  }
  return bytes;
}
