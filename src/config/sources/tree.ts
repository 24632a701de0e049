import { type ExactNumber, isExactNumber } from "../../celery/messages/exact-number.js";

/**
 * A configuration before it is checked: values as they were written, each with its origin. Files,
 * environment and command line all become such trees; the schema sees the plain values.
 */
export type ConfigNode = ScalarNode | ListNode | MapNode;

export interface ScalarNode {
  readonly kind: "scalar";
  readonly value: string | number | boolean | null;
  /** The number as Python reads it, where `value` is another: it is what is sent. */
  readonly exact?: ExactNumber;
  /** The value as it was written, for messages: `077`, `1e999`. */
  readonly source: string;
  /** Written without quotes: then what a variable is replaced by may become a number. */
  readonly plain: boolean;
  /** What is shown in its place, as the value holds what came from a file for secrets. */
  readonly shown?: string;
  readonly origin: Origin;
}

export interface ListNode {
  readonly kind: "list";
  readonly items: readonly ConfigNode[];
  readonly origin: Origin;
}

export interface MapNode {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, MapEntry>;
  readonly origin: Origin;
}

export interface MapEntry {
  readonly keyOrigin: Origin;
  readonly value: ConfigNode;
}

/** Where a value comes from. */
export type Origin = Place & {
  /** Path of the file for secrets whose content it is. */
  readonly secretFile?: string;
};

type Place =
  | {
      readonly kind: "file";
      readonly file: string;
      readonly line: number;
      readonly column: number;
      /** Names of the variables that were put in. */
      readonly variables?: readonly string[];
      /** The section of `defaults` that the value was taken over from. */
      readonly inheritedFrom?: string;
    }
  | { readonly kind: "environment"; readonly variable: string }
  | { readonly kind: "flag"; readonly flag: string }
  | { readonly kind: "default"; readonly because?: string };

/** Steps from the root to a value: keys of maps, indexes of lists. */
export type Path = readonly (string | number)[];

/** The origin as messages name it: `load.yml:14:12`, `CELERY_LOAD_SEED`, `--rate`. */
export function placeOf(origin: Origin): string {
  if (origin.kind === "file") return `${origin.file}:${origin.line}:${origin.column}`;
  if (origin.kind === "environment") return origin.variable;
  return origin.kind === "flag" ? origin.flag : "configuration";
}

/** Where a value comes from when it does not stand where it is used: defaults, variables, files. */
export function sourcesOf(origin: Origin): readonly string[] {
  const { inheritedFrom, variables = [] } = origin.kind === "file" ? origin : {};
  return [inheritedFrom, ...variables, origin.secretFile].filter((source) => source !== undefined);
}

/** Keys that must never become a property name: they reach the prototype of the object. */
export function isUnsafeKey(key: string): boolean {
  return key === "__proto__" || key === "constructor" || key === "prototype";
}

/** The value at a path, or undefined when there is none. */
export function nodeAt(root: ConfigNode, path: Path): ConfigNode | undefined {
  let node: ConfigNode | undefined = root;
  for (const step of path) node = node && childOf(node, step);
  return node;
}

/** Where to point for a path: the value, or else the key of the nearest parent that exists. */
export function originAt(root: ConfigNode, path: Path): Origin {
  const node = nodeAt(root, path);
  if (node !== undefined) return node.origin;
  return keyOriginAt(root, path.slice(0, -1));
}

/** Where the key at the end of a path stands; items of lists and the root stand for themselves. */
export function keyOriginAt(root: ConfigNode, path: Path): Origin {
  if (path.length === 0) return root.origin;
  const parent = nodeAt(root, path.slice(0, -1));
  const last = path.at(-1);
  if (parent?.kind === "map") {
    const entry = parent.entries.get(String(last));
    if (entry !== undefined) return entry.keyOrigin;
  }
  const item = parent?.kind === "list" ? parent.items[Number(last)] : undefined;
  return item?.origin ?? keyOriginAt(root, path.slice(0, -1));
}

/**
 * The plain value of a tree, by default with JavaScript's numbers. Keys are safe: `isUnsafeKey` was refused when
 * the tree was read.
 */
export function plainValue(
  node: ConfigNode,
  read: (scalar: ScalarNode) => unknown = ({ value }) => value,
): unknown {
  if (node.kind === "scalar") return read(node);
  if (node.kind === "list") return node.items.map((item) => plainValue(item, read));
  return Object.fromEntries(
    [...node.entries].map(([key, entry]) => [key, plainValue(entry.value, read)]),
  );
}

/** A plain JSON value as a tree whose every part has the same origin. */
export function treeOf(value: unknown, origin: Origin): ConfigNode {
  if (isExactNumber(value)) {
    const source = String(value);
    return { kind: "scalar", value: Number(source), exact: value, source, plain: false, origin };
  }
  if (Array.isArray(value)) {
    return { kind: "list", items: value.map((item) => treeOf(item, origin)), origin };
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, item]): [string, MapEntry] => [
      key,
      { keyOrigin: origin, value: treeOf(item, origin) },
    ]);
    return { kind: "map", entries: new Map(entries), origin };
  }
  const scalar = typeof value === "number" || typeof value === "boolean" ? value : null;
  const known = typeof value === "string" ? value : scalar;
  return { kind: "scalar", value: known, source: String(known), plain: false, origin };
}

/** A copy of the tree with the value put at a path; what is no map on the way becomes one. */
export function withValueAt(
  root: ConfigNode,
  path: readonly string[],
  value: ConfigNode,
): ConfigNode {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const entries = new Map(root.kind === "map" ? root.entries : []);
  const present = entries.get(key);
  const child = present?.value ?? emptyMap(value.origin);
  entries.set(key, {
    keyOrigin: present?.keyOrigin ?? value.origin,
    value: withValueAt(child, rest, value),
  });
  return { kind: "map", entries, origin: root.kind === "map" ? root.origin : value.origin };
}

/** A copy of the tree with another value of every key of a section. */
export function withEach(
  root: ConfigNode,
  section: string,
  change: (value: ConfigNode, name: string) => ConfigNode,
): ConfigNode {
  const named = nodeAt(root, [section]);
  if (named?.kind !== "map") return root;
  const entries = [...named.entries].map(([name, entry]): [string, MapEntry] => [
    name,
    { ...entry, value: change(entry.value, name) },
  ]);
  return withValueAt(root, [section], { ...named, entries: new Map(entries) });
}

/** A copy of the tree of whose every value `shownOf` says what is shown. */
export function withShown(node: ConfigNode, shownOf: (text: string) => string): ConfigNode {
  if (node.kind === "scalar") return { ...node, shown: shownOf(String(node.value)) };
  if (node.kind === "list") {
    return { ...node, items: node.items.map((item) => withShown(item, shownOf)) };
  }
  const entries = [...node.entries].map(([key, entry]): [string, MapEntry] => [
    key,
    { ...entry, value: withShown(entry.value, shownOf) },
  ]);
  return { ...node, entries: new Map(entries) };
}

/** A copy of the mapping without a key. */
export function withoutKey(node: MapNode, key: string): MapNode {
  return { ...node, entries: new Map([...node.entries].filter(([each]) => each !== key)) };
}

export function emptyMap(origin: Origin): MapNode {
  return { kind: "map", entries: new Map(), origin };
}

function childOf(node: ConfigNode, step: string | number): ConfigNode | undefined {
  if (node.kind === "map") return node.entries.get(String(step))?.value;
  return node.kind === "list" ? node.items[Number(step)] : undefined;
}
