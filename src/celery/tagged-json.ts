import { parseTemplate } from "./argument-template.js";
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
  const { isReadable, form } = READABLE[type]!;
  if (isReadable(mapping.__value__)) return undefined;
  return `__value__ must be ${form} for __type__ ${type}, or Celery's worker cannot decode the message`;
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

interface TypedForm {
  readonly isReadable: (value: unknown) => boolean;
  readonly form: string;
}

/** The types that kombu registers, with the forms that every Python from 3.9 on can read. */
const READABLE: Readonly<Record<string, TypedForm>> = {
  datetime: {
    isReadable: (value) => isText(value, isDateTime),
    form: "a time such as 2030-01-02T03:04:05+00:00",
  },
  date: { isReadable: (value) => isText(value, isDate), form: "a date such as 2030-01-02" },
  time: {
    isReadable: (value) => isText(value, (text) => TIME.test(text)),
    form: "a time such as 03:04:05",
  },
  decimal: {
    isReadable: (value) =>
      isText(value, (text) => DECIMAL.test(text)) || isTemplateOf(value, "int", "float"),
    form: 'a number in quotes such as "1.50", or one template int or float',
  },
  uuid: {
    isReadable: (value) => isMappingOf(value, "hex", isUuid),
    form: "{hex: …} with 32 hexadecimal digits or the template {{ uuid }}",
  },
  bytes: {
    isReadable: (value) =>
      typeof value === "string" &&
      isWellFormed(value) &&
      (!hasTemplate(value) || isTextOnly(value)),
    form: "a text",
  },
  base64: {
    isReadable: (value) =>
      isText(value, (text) => BASE64.test(text)) || isTemplateOf(value, "bytes"),
    form: "base64 text, or one template bytes",
  },
};

function isText(value: unknown, test: (text: string) => boolean): boolean {
  return typeof value === "string" && !hasTemplate(value) && test(value);
}

function isDateTime(text: string): boolean {
  const [date = "", time = "", ...others] = text.split("T");
  return others.length === 0 && isDate(date) && TIME.test(time);
}

/** Day 31 of February is no date to Python. */
function isDate(text: string): boolean {
  if (!DATE.test(text) || text.startsWith("0000")) return false;
  return new Date(`${text}T00:00:00Z`).toISOString().startsWith(text);
}

function isUuid(value: unknown): boolean {
  return (
    isText(value, (text) => /^[0-9a-fA-F]{32}$/.test(text.replaceAll("-", ""))) ||
    isTemplateOf(value, "uuid")
  );
}

function isMappingOf(value: unknown, key: string, test: (item: unknown) => boolean): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return entries.length === 1 && entries[0]![0] === key && test(entries[0]![1]);
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

/** True when the templates give text and no number, as `{{ seq }}` alone would. */
function isTextOnly(value: string): boolean {
  return partsOf(value).length > 1 || isTemplateOf(value, "uuid", "bytes");
}

function partsOf(value: unknown) {
  if (typeof value !== "string") return [];
  const parsed = parseTemplate(value);
  return "fault" in parsed ? [] : parsed.parts;
}
