import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  type YAMLParseError,
} from "yaml";
import { isExactNumber, readNumber } from "../../celery/messages/exact-number.js";
import { TYPE_NAMES } from "../../celery/messages/tagged-json.js";
import { didYouMean } from "../../did-you-mean.js";
import type { Fault } from "../../errors.js";
import { quote } from "../faults/quote.js";
import { bareTemplateIn, explain, unquotedTemplate } from "../faults/yaml-faults.js";
import { isMeantForUs, OTHER_FILE } from "./other-file.js";
import {
  type ConfigNode,
  isUnsafeKey,
  type MapEntry,
  type Origin,
  placeOf,
  type ScalarNode,
} from "./tree.js";

/** Longest text that is read. */
export const MAX_YAML_BYTES = 1024 * 1024;

/** A tree, or the faults that keep the text from being one. */
export type YamlResult =
  | { readonly root: ConfigNode; readonly faults: readonly [] }
  | { readonly root: undefined; readonly faults: readonly Fault[] };

/**
 * Reads the YAML text of a file into a tree (pure), merge keys (`<<`) put in. Refuses everything that could hurt before it is
 * built: nesting over 64 levels, aliases that multiply, keys that reach a prototype, unknown tags;
 * and what is most likely a mistake: duplicate keys, a second document, an empty text.
 */
export function readYamlFile(text: string, file: string): YamlResult {
  const lines = new LineCounter();
  const locate = (offset: number): Origin => {
    const { line, col } = lines.linePos(offset);
    return { kind: "file", file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const result = readYaml(text, locate, lines, isMeantForUs);
  return result ?? fail(locate(0), EMPTY);
}

/**
 * Reads the YAML text of one value from the environment or the command line, every part of which
 * has the same origin; an empty text is null.
 */
export function readYamlValue(text: string, origin: Origin): YamlResult {
  const empty: ConfigNode = { kind: "scalar", value: null, source: "", plain: true, origin };
  return readYaml(text, () => origin, new LineCounter()) ?? { root: empty, faults: [] };
}

const EMPTY =
  "Cannot read the configuration: this file is empty. Write connections, tasks and scenarios.";
const MAX_DEPTH = 64;
const TOO_DEEP = `Cannot read the configuration: it is nested more than ${MAX_DEPTH} levels deep. Flatten it.`;
/** Aliases inside of what aliases stand for: those in the text itself are as many as it has room for. */
const MAX_NESTED_ALIASES = 1_000;
const MAX_COPIED_NODES = 100_000;

type Locate = (offset: number) => Origin;

/** `isAccepted`: by the keys of a mapping, whether it is what is to be read; else none of its text is shown. */
function readYaml(
  text: string,
  locate: Locate,
  lines: LineCounter,
  isAccepted: (keys: readonly string[]) => boolean = () => true,
): YamlResult | undefined {
  if (text.length > MAX_YAML_BYTES) {
    return fail(
      locate(0),
      "Cannot read the configuration: it is larger than 1 MiB. Split it or shorten it.",
    );
  }
  const tokens = parse(text, lines);
  if (typeof tokens === "number") {
    return fail(locate(tokens), TOO_DEEP);
  }
  // Duplicate keys are found while the tree is built: the library's own check is quadratic.
  const composer = new Composer({ prettyErrors: false, uniqueKeys: false, strict: true });
  const [document, second] = [...composer.compose(tokens, false, text.length)];
  const first = firstError(document);
  if (first !== undefined) {
    const { offset, message } = explain(first, text);
    return fail(locate(offset), message);
  }
  if (second !== undefined) {
    const start = second.contents?.range?.[0] ?? second.range[0];
    return fail(
      locate(start),
      "Cannot read a second document: a configuration file holds one. Remove it and the --- line, or give it a file of its own.",
    );
  }
  const contents = document?.contents;
  if (!contents || (isScalar(contents) && contents.value === null && !contents.source)) {
    return undefined;
  }
  if (isMap(contents) && !isAccepted(contents.items.map(({ key }) => textOf(key)))) {
    return fail(locate(0), OTHER_FILE);
  }
  return buildTree(contents as Node, text, locate);
}

/** Of a key that is text. */
function textOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : "";
}

/**
 * The tokens of the text, or the offset where it is nested too deeply. Depth is watched token by
 * token, because composing deep nesting ends in an overflow of the stack.
 */
function parse(text: string, lines: LineCounter) {
  lines.addNewLine(0);
  const parser = new Parser(lines.addNewLine);
  const tokens = [];
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > MAX_DEPTH && collectionDepth(parser) > MAX_DEPTH) {
      return parser.offset - lexeme.length;
    }
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}

function collectionDepth(parser: Parser): number {
  return parser.stack.filter(
    ({ type }) => type === "block-map" || type === "block-seq" || type === "flow-collection",
  ).length;
}

function firstError(document: Document.Parsed | undefined): YAMLParseError | undefined {
  const [first] = [...(document?.errors ?? [])].sort((a, b) => a.pos[0] - b.pos[0]);
  return first;
}

function fail(origin: Origin, message: string): YamlResult {
  return { root: undefined, faults: [{ place: placeOf(origin), message }] };
}

function buildTree(contents: Node, text: string, locate: Locate): YamlResult {
  const builder = new TreeBuilder(text, locate);
  const root = builder.build(contents);
  const { faults } = builder;
  return faults.length > 0 || root === undefined
    ? { root: undefined, faults }
    : { root, faults: [] };
}

/** Library nodes → tree. Collects the faults of what is valid YAML but not allowed here. */
class TreeBuilder {
  readonly faults: Fault[] = [];
  readonly #text: string;
  readonly #locate: Locate;
  /** Every anchor that has been passed; in YAML a later one of the same name replaces it. */
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();
  #nestedAliases = 0;
  #copying = 0;
  #copied = 0;
  #isAliasLimitTold = false;
  #isTooDeep = false;

  constructor(text: string, locate: Locate) {
    this.#text = text;
    this.#locate = locate;
  }

  build(node: Node | null): ConfigNode | undefined {
    if (isAlias(node)) return this.#buildAlias(node.source, this.#originOf(node));
    const origin = this.#originOf(node);
    if (node === null) return { kind: "scalar", value: null, source: "", plain: true, origin };
    if (node.tag !== undefined && TYPE_NAMES.includes(node.tag.slice(1))) {
      return this.#buildTyped(node, node.tag.slice(1), origin);
    }
    if (node.tag !== undefined && !KNOWN_TAGS.has(node.tag)) {
      // One that is known elsewhere is told by its name; any other may be no tag but a password.
      const [, known] = OTHER_TAG.exec(node.tag) ?? [];
      const name = known === undefined ? "" : ` !!${known}`;
      this.#fault(
        origin,
        `Cannot read this tag${name}: no such tag. Remove it, or put a value that starts with ! in quotes.`,
      );
      return undefined;
    }
    if ("anchor" in node && typeof node.anchor === "string") this.#anchors.set(node.anchor, node);
    if (this.#copying > 0 && ++this.#copied > MAX_COPIED_NODES) return undefined;
    if (this.#open.size >= MAX_DEPTH) {
      // Aliases nest what is flat in the text. Told once, as each level would be a fault.
      if (!this.#isTooDeep) this.#fault(origin, TOO_DEEP);
      this.#isTooDeep = true;
      return undefined;
    }
    this.#open.add(node);
    const built = this.#buildContent(node, origin);
    this.#open.delete(node);
    return built;
  }

  #buildContent(node: Node, origin: Origin): ConfigNode | undefined {
    if (isScalar(node)) return this.#buildScalar(node, origin);
    if (isSeq(node)) {
      const items = node.items.map((item) => this.build(item as Node | null));
      return { kind: "list", items: items.filter((item) => item !== undefined), origin };
    }
    if (!isMap(node)) return undefined;
    const entries = new Map<string, MapEntry>();
    let merged: Map<string, MapEntry> | undefined;
    for (const pair of node.items) {
      const key = this.#readKey(pair.key as Node | null, entries, origin);
      // Built also behind a bad key: the value may hold an anchor or a fault of its own.
      const value = this.build((pair.value ?? null) as Node | null);
      if (key === undefined || value === undefined) continue;
      // `{ key }` has no value that could be pointed at.
      const placed = pair.value === null ? { ...value, origin: key.origin } : value;
      entries.set(key.name, { keyOrigin: key.origin, value: placed });
      if (!isMergeKey(pair.key)) continue;
      merged = this.#mergedEntries(placed, this.#originOf(pair.value as Node | null));
    }
    if (merged === undefined) return { kind: "map", entries, origin };
    entries.delete(MERGE_KEY);
    return { kind: "map", entries: new Map([...merged, ...entries]), origin };
  }

  /** What `<<` brings in: of several mappings the first that has a key wins, as YAML 1.1 has it. */
  #mergedEntries(value: ConfigNode, origin: Origin): Map<string, MapEntry> {
    const sources = value.kind === "list" ? value.items : [value];
    const merged = new Map<string, MapEntry>();
    for (const source of sources) {
      if (source.kind !== "map") {
        this.#fault(origin, MERGE_REFUSED);
        continue;
      }
      for (const [key, entry] of source.entries) if (!merged.has(key)) merged.set(key, entry);
    }
    return merged;
  }

  #buildScalar(
    node: { value: unknown; source?: string; type?: string; tag?: string },
    origin: Origin,
  ): ConfigNode | undefined {
    const { value, tag = "" } = node;
    const source = node.source ?? String(value);
    const type = TYPES.get(tag);
    if (type !== undefined && type !== typeof value) {
      const name = tag.replace(CORE_TAG, "!!");
      const message = `Cannot read this value as ${name}: it is written as something else. Write it as one, or remove the tag.`;
      this.#fault(origin, message);
      return undefined;
    }
    const plain = node.type === "PLAIN";
    const isKnown = value === null || ["string", "number", "boolean"].includes(typeof value);
    const known = isKnown ? (value as string | number | boolean | null) : source;
    const number = typeof value === "number" ? readNumber(source) : undefined;
    const exact = isExactNumber(number) ? { exact: number } : {};
    return { kind: "scalar", value: known, ...exact, source, plain, origin };
  }

  /** `!decimal 19.90` is short for the mapping that kombu has for it. */
  #buildTyped(node: Node, type: string, origin: Origin): ConfigNode | undefined {
    if (!isScalar(node)) {
      this.#fault(origin, `Cannot read !${type} of a list or mapping: must be before a text.`);
      return undefined;
    }
    const text = typedForm(type, String(node.source ?? node.value ?? ""));
    const scalar = (value: string): ScalarNode => {
      return { kind: "scalar", value, source: value, plain: false, origin };
    };
    const mapping = (items: Readonly<Record<string, ConfigNode>>): ConfigNode => {
      const entries = Object.entries(items).map(([key, value]): [string, MapEntry] => {
        return [key, { keyOrigin: origin, value }];
      });
      return { kind: "map", entries: new Map(entries), origin };
    };
    const built = type === "uuid" ? mapping({ hex: scalar(text) }) : scalar(text);
    const typed = mapping({ __type__: scalar(type), __value__: built });
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    return typed;
  }

  #buildAlias(name: string, origin: Origin): ConfigNode | undefined {
    const target = this.#anchors.get(name);
    if (target === undefined || this.#open.has(target)) {
      this.#fault(
        origin,
        target === undefined
          ? this.#withoutAnchor(name)
          : `Cannot read the alias ${quote(name)} inside of what it stands for. Remove it.`,
      );
      return undefined;
    }
    if (this.#copying > 0) this.#nestedAliases++;
    if (this.#nestedAliases > MAX_NESTED_ALIASES) return this.#refuseAliases(origin);
    this.#copying++;
    const copy = this.build(target);
    this.#copying--;
    return this.#copied > MAX_COPIED_NODES ? this.#refuseAliases(origin) : copy;
  }

  /** What has no anchor may be no alias but a password: its own name is not told. */
  #withoutAnchor(name: string): string {
    const meant = didYouMean(name, this.#anchors.keys());
    const nearest = meant === undefined ? "" : ` Did you mean *${meant}?`;
    return `Cannot find the anchor of this alias.${nearest} Define the anchor (&) above it, or put a value that starts with * in quotes.`;
  }

  /** Told once: behind the first alias too many there may be thousands. */
  #refuseAliases(origin: Origin): undefined {
    if (!this.#isAliasLimitTold) {
      this.#fault(
        origin,
        `Cannot read aliases that stand for more than ${MAX_NESTED_ALIASES} other aliases or for very large ones. Write the values out.`,
      );
    }
    this.#isAliasLimitTold = true;
  }

  #readKey(
    node: Node | null,
    entries: ReadonlyMap<string, MapEntry>,
    parent: Origin,
  ): { name: string; origin: Origin } | undefined {
    const origin = node === null ? parent : this.#originOf(node);
    const template = this.#templateAt(node);
    if (template !== undefined) {
      this.#fault(parent, unquotedTemplate(template));
      return undefined;
    }
    if (!isScalar(node) || node.value === null) {
      this.#fault(
        origin,
        "Cannot read this key: keys must be text. Write a name before the colon.",
      );
      return undefined;
    }
    const name = typeof node.value === "string" ? node.value : (node.source ?? String(node.value));
    const earlier = entries.get(name);
    if (isUnsafeKey(name)) {
      this.#fault(origin, `Cannot read key ${quote(name)}: there is no such key. Remove it.`);
      return undefined;
    }
    if (earlier !== undefined) {
      const remedy = isMergeKey(node)
        ? "Write <<: [*first, *second]."
        : "Remove one of them or rename it.";
      this.#fault(
        origin,
        `Cannot read key ${quote(name)} twice: it is already at ${placeOf(earlier.keyOrigin)}. ${remedy}`,
      );
      return undefined;
    }
    return { name, origin };
  }

  /** `{{ uuid }}` is, as YAML, a mapping whose key is a mapping. */
  #templateAt(key: Node | null): string | undefined {
    if (!isMap(key) || key.range == null) return undefined;
    const start = key.range[0] - 1;
    const template = bareTemplateIn(this.#text.slice(start, start + MAX_TEMPLATE_LENGTH));
    return template?.at === 0 ? template.text : undefined;
  }

  #originOf(node: Node | null): Origin {
    return this.#locate(node?.range?.[0] ?? 0);
  }

  #fault(origin: Origin, message: string): void {
    this.faults.push({ place: placeOf(origin), message });
  }
}

/** Times as people write them, in the form that Python's `fromisoformat` reads. */
function typedForm(type: string, text: string): string {
  if (type !== "datetime" && type !== "time") return text;
  return text
    .replace(/^(\d{4}-\d\d-\d\d)[ t](?=\d)/, "$1T")
    .replace(/(:\d\d(?:\.\d+)?) ?[Zz]$/, "$1+00:00");
}

/** Without quotes it merges; in quotes it is a key like any other. */
const MERGE_KEY = "<<";
const MERGE_REFUSED =
  "Cannot merge this: << takes a mapping or a list of mappings. Write <<: *name, where &name stands before a mapping.";

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.type === "PLAIN" && key.value === MERGE_KEY;
}

/** Longer ones are told without their text. */
const MAX_TEMPLATE_LENGTH = 64;

const CORE_TAG = "tag:yaml.org,2002:";
/** Of YAML 1.1, and PyYAML's. */
const OTHER_TAG =
  /^tag:yaml\.org,2002:(binary|timestamp|omap|pairs|set|merge|value|python\/[\w/:.]+)$/;
/** What a value with a tag becomes. */
const TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries({ int: "number", float: "number", bool: "boolean", str: "string" }).map(
    ([name, type]) => [`${CORE_TAG}${name}`, type],
  ),
);
const KNOWN_TAGS = new Set(
  ["str", "int", "float", "bool", "null", "seq", "map"].map((name) => `${CORE_TAG}${name}`),
);
