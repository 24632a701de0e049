import { type ParseOptions, parseDocument, type ScalarTag, type SchemaOptions } from "yaml";
import { Foreign, type PythonValue } from "./python-value.js";

/** Results of more characters are not parsed: it takes milliseconds. */
const MAX_PARSED = 16 * 1024;

/**
 * The members of a meta that PyYAML's `safe_dump` wrote, which parts them by lines: sorted, each at the beginning of
 * one, and what belongs to them further in. Null when it is none. `result` is parsed of a success that is not large;
 * else it is the class of the exception alone. Never throws.
 */
export function readYamlMeta(text: string): PythonValue {
  if (!STATUS.test(text)) return null;
  const meta = new Map<PythonValue, PythonValue>();
  for (const [name, line] of [
    ["status", STATUS],
    ["date_done", DATE_DONE],
  ] as const) {
    const found = line.exec(text)?.[1];
    if (found !== undefined) meta.set(name, scalar(found));
  }
  const section = resultSection(text);
  if (section !== null) meta.set("result", resultOf(section, meta.get("status") === "SUCCESS"));
  return meta;
}

const STATUS = /^status: (.+)$/m;
const DATE_DONE = /^date_done: (.+)$/m;
const RESULT = /^result:/m;
const NEXT_MEMBER = /^\w/gm;
const EXC_TYPE = /^ {2}exc_type: (.+)$/m;

function resultSection(text: string): string | null {
  const from = RESULT.exec(text)?.index;
  if (from === undefined) return null;
  NEXT_MEMBER.lastIndex = from + 1;
  return text.slice(from, NEXT_MEMBER.exec(text)?.index);
}

function resultOf(section: string, isAnswer: boolean): PythonValue {
  const parsed = isAnswer && section.length <= MAX_PARSED ? parsedResult(section) : undefined;
  if (parsed !== undefined) return parsed;
  const name = EXC_TYPE.exec(section)?.[1];
  return new Foreign(name === undefined ? "" : scalar(name));
}

/** Undefined where an anchor stands elsewhere, or a type has no JSON. */
function parsedResult(section: string): PythonValue | undefined {
  try {
    const document = parseDocument(section, PYYAML);
    if (document.errors.length > 0 || document.warnings.length > 0) return undefined;
    return (document.toJS({ mapAsMap: true }) as Map<string, PythonValue>).get("result");
  } catch {
    return undefined; // too deep, or aliases that make too much of it
  }
}

const plain = (name: string, test: RegExp, resolve: (text: string) => unknown): ScalarTag => ({
  ...{ tag: `tag:yaml.org,2002:${name}`, default: true, test, resolve },
});

/** How PyYAML writes what is no text (`yaml/representer.py`); texts that look like these are in quotes. */
const PYYAML: ParseOptions & SchemaOptions = {
  schema: "failsafe",
  customTags: [
    plain("null", /^null$/, () => null),
    plain("bool", /^(?:true|false)$/, (text) => text === "true"),
    plain("int", /^-?\d+$/, Number),
    plain("float", /^-?\d+\.\d*(?:e[+-]?\d+)?$/, Number),
    plain("float", /^(?:-?\.inf|\.nan)$/, () => new Foreign("float")),
    plain("timestamp", /^\d{4}-\d\d-\d\d/, () => new Foreign("datetime")),
  ],
};

/** A scalar of one line, as PyYAML quotes it. */
function scalar(text: string): string {
  if (text.startsWith("'") && text.endsWith("'")) return text.slice(1, -1).replaceAll("''", "'");
  if (!text.startsWith('"')) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}
