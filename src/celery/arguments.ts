import { parseTemplate, type TemplateCall } from "./argument-template.js";
import { isExactNumber, wholeOf } from "./exact-number.js";
import { fitsMsgpack } from "./msgpack-body.js";
import { taggedFault } from "./tagged-json.js";
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

/** Whole numbers that msgpack has no form for, also among the values of templates. */
export function beyondMsgpack(value: unknown): ArgumentFault[] {
  const faults: ArgumentFault[] = [];
  walk(value, [], (part, path) => {
    const numbers = [part, ...callsIn(part).flatMap(({ args }) => args)];
    const large = numbers.find((each) => {
      const whole = typeof each === "number" || isExactNumber(each) ? wholeOf(each) : undefined;
      return whole !== undefined && !fitsMsgpack(whole);
    });
    if (large === undefined) return;
    const message = `a whole number beyond 64 bits (${large}) cannot be sent as msgpack. Write a smaller one, or use serializer json or yaml`;
    faults.push({ path, message });
  });
  return faults;
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

function faultOf(part: unknown): string | undefined {
  if (typeof part === "string") {
    const parsed = parseTemplate(part);
    if ("fault" in parsed) return parsed.fault;
    const texts = [part, ...callsIn(part).flatMap(({ args }) => args.map(String))];
    return texts.every(isWellFormed) ? undefined : HALF_CHARACTER;
  }
  if (typeof part === "number") {
    return Number.isFinite(part) ? undefined : `${part} is not a number that JSON can carry`;
  }
  if (isExactNumber(part)) return undefined;
  if (typeof part === "object" && part !== null) return faultOfContainer(part);
  if (typeof part === "boolean" || part === null) return undefined;
  return `a value of type ${typeof part} cannot be sent as JSON. Write a string, number, list or mapping`;
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
