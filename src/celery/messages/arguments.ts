import { isMapping } from "../../mapping.js";
import { parseTemplate, type TemplateCall } from "./argument-template.js";
import { type ExactNumber, isExactNumber, MOST_DIGITS, wholeOf } from "./exact-number.js";
import { fitsMsgpack } from "./msgpack-body.js";
import { hasType, isTagged, taggedFault } from "./tagged-json.js";
import type { Serializer } from "./task-options.js";
import { isWellFormed } from "./well-formed.js";

/** Something in the arguments that cannot be sent, and where. */
export interface ArgumentFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * Everything in arguments that cannot be sent: templates that are wrong, numbers that JSON does not
 * have, halves of characters, and typed values that kombu could not read.
 */
export function validateTemplates(value: unknown): ArgumentFault[] {
  const faults: ArgumentFault[] = [];
  walk(value, [], (part, path) => {
    const message = faultOf(part);
    if (message !== undefined) faults.push({ path, message });
  });
  return faults;
}

/** What a serializer has no form for: whole numbers, also among the values of templates, and typed values. */
export function beyondSerializer(serializer: Serializer, value: unknown): ArgumentFault[] {
  const faults: ArgumentFault[] = [];
  walk(value, [], (part, path) => {
    const message = serializer === "msgpack" ? beyondMsgpack(part) : undefined;
    if (message !== undefined) faults.push({ path, message });
    if (!isMapping(part) || !isTagged(part) || hasType(serializer, part.__type__)) return;
    const { __type__: type } = part;
    faults.push({
      path,
      message: `a ${type} cannot be sent as ${serializer}, which has no such type. Use serializer json, or write it as a text`,
    });
  });
  return faults;
}

function beyondMsgpack(part: unknown): string | undefined {
  const numbers = [part, ...callsIn(part).flatMap(({ args }) => args)];
  const large = numbers.find((each) => {
    const whole = typeof each === "number" || isExactNumber(each) ? wholeOf(each) : undefined;
    return whole !== undefined && !fitsMsgpack(whole);
  });
  if (large === undefined) return undefined;
  return `a whole number beyond 64 bits (${large}) cannot be sent as msgpack. Write a smaller one, or use serializer json or yaml`;
}

/** A file whose lines a template takes, and where the template stands. */
export interface TemplateFile {
  readonly name: string;
  readonly path: readonly (string | number)[];
}

/** The files whose lines the templates in a value take, as often as they are named. */
export function templateFiles(value: unknown): TemplateFile[] {
  const files: TemplateFile[] = [];
  walk(value, [], (part, path) => {
    for (const { name, args } of callsIn(part)) {
      if (name === "file") files.push({ name: String(args[0]), path });
    }
  });
  return files;
}

/** The columns that templates take of a row, and where: null for the whole row, undefined for its only value. */
export interface RowUse {
  readonly column: string | null | undefined;
  readonly path: readonly (string | number)[];
}

export function rowUses(value: unknown): RowUse[] {
  const uses: RowUse[] = [];
  walk(value, [], (part, path) => {
    for (const { name, args } of callsIn(part)) {
      if (name === "row") uses.push({ column: args[0] as RowUse["column"], path });
    }
  });
  return uses;
}

function walk(
  value: unknown,
  path: readonly (string | number)[],
  visit: (part: unknown, path: readonly (string | number)[]) => void,
): void {
  visit(value, path);
  if (isExactNumber(value)) return;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) walk(item, [...path, index], visit);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) walk(item, [...path, key], visit);
  }
}

/** What of a value of the data, in which nothing is a template, no worker could read; undefined when all is well. */
export function unsendable(value: unknown): string | undefined {
  // Nearly all are these.
  if (typeof value === "string") return isWellFormed(value) ? undefined : HALF_CHARACTER;
  let found: string | undefined;
  walk(value, [], (part) => {
    found ??=
      typeof part === "string" ? (isWellFormed(part) ? undefined : HALF_CHARACTER) : faultOf(part);
  });
  return found;
}

function faultOf(part: unknown): string | undefined {
  if (typeof part === "string") {
    const parsed = parseTemplate(part);
    if ("fault" in parsed) return parsed.fault;
    const texts = [part, ...callsIn(part).flatMap(({ args }) => args.map(String))];
    if (!texts.every(isWellFormed)) return HALF_CHARACTER;
    return numbersIn(part).every(isReadableByPython) ? undefined : TOO_LONG;
  }
  if (typeof part === "number") {
    return Number.isFinite(part) ? undefined : `${part} is not a number that JSON can carry`;
  }
  if (isExactNumber(part)) return isReadableByPython(part) ? undefined : TOO_LONG;
  if (typeof part === "object" && part !== null) return faultOfContainer(part);
  if (typeof part === "boolean" || part === null) return undefined;
  return `a value of type ${typeof part} cannot be sent as JSON. Write a string, number, list or mapping`;
}

const TOO_LONG = `a whole number of more than ${MOST_DIGITS} digits cannot be read by Python. Write it as a text, in quotes`;

function isReadableByPython(number: ExactNumber): boolean {
  return wholeOf(number) === undefined || String(number).replace("-", "").length <= MOST_DIGITS;
}

function numbersIn(part: unknown): ExactNumber[] {
  return callsIn(part).flatMap(({ args }) => args.filter(isExactNumber));
}

const HALF_CHARACTER =
  "a text with half a surrogate pair cannot be sent as UTF-8. Write the whole character";

function faultOfContainer(container: object): string | undefined {
  if (Array.isArray(container)) return undefined;
  const prototype: unknown = Object.getPrototypeOf(container);
  if (prototype !== null && prototype !== Object.prototype) {
    return `a ${container.constructor.name} cannot be sent as JSON. Write it as a string`;
  }
  const fault = taggedFault(container as Readonly<Record<string, unknown>>);
  if (fault !== undefined) return fault;
  if (!Object.keys(container).every(isWellFormed)) return HALF_CHARACTER;
  const templated = Object.keys(container).find((key) => key.includes("{{"));
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
