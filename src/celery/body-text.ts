import { UserError } from "../errors.js";
import { parseTemplate, type Scalar, type TemplateCall } from "./argument-template.js";
import { isExactNumber, pythonFloat } from "./exact-number.js";

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
}

/** Where a body gets lines and random numbers from: this module has neither files nor chance. */
export interface BodySources {
  /** The lines of a file that `{{ file("name") }}` names. */
  readonly readLines: (name: string) => readonly string[];
  /** A seeded generator of numbers in [0, 1). */
  readonly random: () => number;
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
 * longer string its text is put in. A file's lines are taken in turn, by each template for itself.
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
  else if (isExactNumber(value)) pieces.text(String(value));
  else if (typeof value === "string") encodeString(value, pieces, sources);
  else if (Array.isArray(value)) {
    pieces.text("[");
    for (const [index, item] of value.entries()) {
      if (index > 0) pieces.text(", ");
      encode(item, pieces, sources);
    }
    pieces.text("]");
  } else if (typeof value === "object" && value !== null) {
    pieces.text("{");
    for (const [index, [key, item]] of Object.entries(value).entries()) {
      pieces.text(`${index > 0 ? ", " : ""}${asciiJson(key)}: `);
      encode(item, pieces, sources);
    }
    pieces.text("}");
  } else pieces.text(JSON.stringify(value));
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
  for (const part of parsed.parts) {
    if (part.kind === "text") pieces.text(insideString(part.text));
    else pieces.hole(holeFor(part.call, insideString, sources));
  }
  pieces.text('"');
}

/**
 * @param put how a value goes into the body: as JSON, or as text inside a string. Numbers and texts
 * without special characters are the same in both but for the quotes.
 */
function holeFor(call: TemplateCall, put: (value: Scalar) => string, sources: BodySources): Hole {
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
    case "bytes": {
      const bytes = Buffer.alloc(Number(call.args[0]));
      return () => quote + fillRandomly(bytes, random).toString("base64") + quote;
    }
    case "file":
      return linesInTurn(String(call.args[0]), put, sources);
  }
}

function linesInTurn(name: string, put: (value: Scalar) => string, sources: BodySources): Hole {
  const lines = sources.readLines(name).map(put);
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

/** JSON in ASCII, the rest as \uXXXX, as Python's `json.dumps` writes it. */
function asciiJson(value: Scalar): string {
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
