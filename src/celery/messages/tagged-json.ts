import { parseTemplate } from "./argument-template.js";
import type { Serializer } from "./task-options.js";
import { isWellFormed } from "./well-formed.js";

/**
 * What is wrong with a mapping that kombu (5.3 and later) takes for a typed value, one whose keys are
 * exactly `__type__` and `__value__` (`kombu/utils/json.py object_hook`); undefined when it can read it,
 * or when the mapping is none. A value that it cannot read makes the whole message undecodable: the
 * worker drops it with a line in its log, and no result ever comes.
 */
export function taggedFault(mapping: Readonly<Record<string, unknown>>): string | undefined {
  if (!isTagged(mapping)) return undefined;
  const type = mapping.__type__;
  if (typeof type !== "string" || !Object.hasOwn(READABLE, type)) {
    return `a mapping of exactly __type__ and __value__ is read by Celery's worker as a typed value, and an unknown type makes the message undecodable. Use one of ${Object.keys(READABLE).join(", ")}, or rename one of the keys`;
  }
  const { form } = READABLE[type]!;
  if (isReadable(type, mapping.__value__)) return undefined;
  return `a ${type} must be ${form}, or Celery's worker cannot decode the message`;
}

/**
 * Whether a serializer has a form for a type, as Celery's own producers have it: msgpack has bytes, and PyYAML's safe
 * loader times and bytes.
 */
export function hasType(serializer: Serializer, type: unknown): boolean {
  return serializer === "json" || TYPES_OF[serializer].includes(type as string);
}

const TYPES_OF: Readonly<Record<"msgpack" | "yaml", readonly string[]>> = {
  msgpack: ["bytes", "base64"],
  yaml: ["bytes", "base64", "datetime", "date"],
};

/** The bytes of a value of type bytes or base64. */
export function typedBytes(mapping: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(String(mapping.__value__), mapping.__type__ === "base64" ? "base64" : "utf8");
}

/** What a typed value with templates has in place of its text, and whether that is right without a look at it. */
export interface TypedText {
  readonly text: string;
  readonly isSure: boolean;
}

export function typedText(mapping: Readonly<Record<string, unknown>>): TypedText {
  const { __type__: type, __value__: value } = mapping;
  const text = String(type === "uuid" ? (value as { hex: unknown }).hex : value);
  return { text, isSure: type === "bytes" || isTemplateOf(text, ...SURE[String(type)]!) };
}

/** @throws {Error} for a text that kombu could not read */
export function assertReadable(type: string, text: string): void {
  if (READABLE[type]!.isReadable(text)) return;
  const { form } = READABLE[type]!;
  throw new Error(`a ${type} must be ${form}, not ${JSON.stringify(text.slice(0, 60))}`);
}

/** True for a mapping that kombu takes for a typed value. */
export function isTagged(mapping: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(mapping);
  return keys.length === 2 && keys.includes("__type__") && keys.includes("__value__");
}

const DATE = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{3}(\d{3})?)?)?([+-]([01]\d|2[0-3]):[0-5]\d)?$/;
const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,6})?$/;
const BASE64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Of a value as it is written; one that only a message has is looked at there. */
function isReadable(type: string, value: unknown): boolean {
  const text = type === "uuid" ? onlyItemOf(value, "hex") : value;
  if (typeof text !== "string") return false;
  if (!hasTemplate(text)) return READABLE[type]!.isReadable(text);
  const calls = partsOf(text).flatMap((part) => (part.kind === "call" ? [part.call.name] : []));
  return (
    (type === "bytes" && isWellFormed(text) && calls.length > 0) ||
    isTemplateOf(text, ...SURE[type]!) ||
    calls.some((name) => OPEN_TEMPLATES.includes(name))
  );
}

function onlyItemOf(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value);
  return entries.length === 1 && entries[0]![0] === key ? entries[0]![1] : undefined;
}

/** Templates that always give what a type takes, when they are all there is. */
const SURE: Readonly<Record<string, readonly string[]>> = {
  datetime: [],
  date: [],
  time: [],
  decimal: ["int", "float", "zipf"],
  uuid: ["uuid"],
  bytes: [],
  base64: ["bytes"],
};

/** Templates that may give anything. */
const OPEN_TEMPLATES: readonly string[] = [
  ...["choice", "file", "row", "weighted", "digits", "normal", "logNormal"],
  ...["datetime", "date", "time"],
];

interface TypedForm {
  readonly isReadable: (text: string) => boolean;
  readonly form: string;
}

/** The types that kombu registers, with the forms that every Python from 3.9 on can read. */
const READABLE: Readonly<Record<string, TypedForm>> = {
  datetime: { isReadable: isDateTime, form: "a time such as 2030-01-02T03:04:05+00:00" },
  date: { isReadable: isDate, form: "a date such as 2030-01-02" },
  time: { isReadable: (text) => TIME.test(text), form: "a time such as 03:04:05" },
  decimal: { isReadable: (text) => DECIMAL.test(text), form: 'a number in quotes such as "1.50"' },
  uuid: { isReadable: isUuid, form: "{hex: …} with 32 hexadecimal digits" },
  bytes: { isReadable: isWellFormed, form: "a text" },
  base64: { isReadable: (text) => BASE64.test(text), form: "base64 text" },
};

/** The names of all types. */
export const TYPE_NAMES: readonly string[] = Object.keys(READABLE);

function isDateTime(text: string): boolean {
  const [date = "", time = "", ...others] = text.split("T");
  return others.length === 0 && isDate(date) && TIME.test(time);
}

/** Day 31 of February is no date to Python. */
function isDate(text: string): boolean {
  if (!DATE.test(text) || text.startsWith("0000")) return false;
  return new Date(`${text}T00:00:00Z`).toISOString().startsWith(text);
}

function isUuid(text: string): boolean {
  return /^[0-9a-fA-F]{32}$/.test(text.replaceAll("-", ""));
}

function hasTemplate(text: string): boolean {
  return text.includes("{{");
}

/** True when the whole value is one template of these names. */
function isTemplateOf(value: unknown, ...names: string[]): boolean {
  const parts = partsOf(value);
  const [first] = parts;
  return parts.length === 1 && first?.kind === "call" && names.includes(first.call.name);
}

function partsOf(value: unknown) {
  if (typeof value !== "string") return [];
  const parsed = parseTemplate(value);
  return "fault" in parsed ? [] : parsed.parts;
}
