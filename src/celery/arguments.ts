import { UserError } from "../errors.js";
import { parseTemplate, type Scalar, type TemplateCall } from "./argument-template.js";
import { pythonRepr } from "./repr.js";

/** What a template can draw on when a message is made. */
export interface RenderContext {
  /** Number of the start. */
  readonly seq: number;
  readonly plannedUnixSeconds: number;
  readonly nowUnixSeconds: number;
}

/** Where a body gets lines and random numbers from: this module has neither files nor chance. */
export interface BodySources {
  /** The lines of a file that `{{ file("name") }}` names. */
  readonly readLines: (name: string) => readonly string[];
  /** A seeded generator of numbers in [0, 1). */
  readonly random: () => number;
}

/** The body of a task message, ready to be filled in. */
export interface CompiledBody {
  /** True when there is no template in it: `render` then gives the same text every time. */
  readonly isStatic: boolean;
  /** The JSON text, pure ASCII. */
  render(context: RenderContext): string;
  /** For the headers of the same names; templates are shown as they are written. */
  readonly argsrepr: string;
  readonly kwargsrepr: string;
}

/** Something in the arguments that cannot be sent, and where. */
export interface ArgumentFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * Prepares the body of protocol version 2, `[args, kwargs, embed]` (`celery/app/amqp.py as_task_v2`),
 * with the separators and escapes of Python's json. All that is known beforehand is encoded once;
 * rendering joins it with the values of the templates.
 *
 * A string that is one template becomes the template's value, numbers staying numbers; inside a
 * longer string its text is put in. A file's lines are taken in turn, by each template for itself.
 *
 * @throws UserError for what `validateTemplates` finds, and for a file without lines
 */
export function compileBody(
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
  sources: BodySources,
): CompiledBody {
  refuseFaults(args, kwargs);
  const pieces = new Pieces();
  pieces.text("[");
  encode(args, pieces, sources);
  pieces.text(", ");
  encode(kwargs, pieces, sources);
  pieces.text(', {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]');
  return {
    isStatic: pieces.holes.length === 0,
    render: (context) => join(pieces, context),
    argsrepr: pythonRepr(args, "tuple"),
    kwargsrepr: pythonRepr(kwargs),
  };
}

/**
 * Everything in arguments that cannot be sent: templates that are wrong, numbers that JSON does not
 * have, and objects that kombu would take for its own typed values (`kombu/utils/json.py`).
 */
export function validateTemplates(value: unknown): ArgumentFault[] {
  const faults: ArgumentFault[] = [];
  walk(value, [], (part, path) => {
    const message = faultOf(part);
    if (message !== undefined) faults.push({ path, message });
  });
  return faults;
}

/** The names of the files whose lines the templates in a value take, each once. */
export function templateFiles(value: unknown): string[] {
  const names = new Set<string>();
  walk(value, [], (part) => {
    for (const { name, args } of callsIn(part)) {
      if (name === "file") names.add(String(args[0]));
    }
  });
  return [...names];
}

function walk(
  value: unknown,
  path: readonly (string | number)[],
  visit: (part: unknown, path: readonly (string | number)[]) => void,
): void {
  visit(value, path);
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) walk(item, [...path, index], visit);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) walk(item, [...path, key], visit);
  }
}

function faultOf(part: unknown): string | undefined {
  if (typeof part === "string") {
    const parsed = parseTemplate(part);
    return "fault" in parsed ? parsed.fault : undefined;
  }
  if (typeof part === "number") {
    return Number.isFinite(part) ? undefined : `${part} is not a number that JSON can carry`;
  }
  if (typeof part === "object" && part !== null) return faultOfContainer(part);
  if (typeof part === "boolean" || part === null) return undefined;
  return `a value of type ${typeof part} cannot be sent as JSON. Write a string, number, list or mapping`;
}

function faultOfContainer(container: object): string | undefined {
  if (Array.isArray(container)) return undefined;
  const prototype: unknown = Object.getPrototypeOf(container);
  if (prototype !== null && prototype !== Object.prototype) {
    return `a ${container.constructor.name} cannot be sent as JSON. Write it as a string`;
  }
  const keys = Object.keys(container);
  if (keys.length === 2 && keys.includes("__type__") && keys.includes("__value__")) {
    return "a mapping of exactly __type__ and __value__ is read by Celery's worker as a typed value, and an unknown type makes the message undecodable. Rename one of the keys";
  }
  const templated = keys.find((key) => key.includes("{{"));
  return templated === undefined
    ? undefined
    : `the key ${JSON.stringify(templated)} has a template, which works in values only. Move it into a value`;
}

function callsIn(part: unknown): TemplateCall[] {
  if (typeof part !== "string") return [];
  const parsed = parseTemplate(part);
  if ("fault" in parsed) return [];
  return parsed.parts.flatMap((piece) => (piece.kind === "call" ? [piece.call] : []));
}

function refuseFaults(args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>): void {
  const faults = validateTemplates({ args, kwargs });
  if (faults.length === 0) return;
  const lines = faults.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new UserError(`Cannot make a message body:\n${lines.join("\n")}`);
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
  if (typeof value === "string") encodeString(value, pieces, sources);
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
      const [low, high] = call.args as readonly [number, number];
      return () => String(low + Math.floor(random() * (high - low + 1)));
    }
    case "float": {
      const [low, high] = call.args as readonly [number, number];
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
  return JSON.stringify(value).replaceAll(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The value's text, escaped for the inside of a JSON string. */
function insideString(value: Scalar): string {
  return asciiJson(String(value)).slice(1, -1);
}

/** With a point when it is whole, so that Python reads a float and not now and then an int. */
function pythonFloat(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value);
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
