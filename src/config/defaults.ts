import { ConfigError } from "../errors.js";
import {
  type ConfigNode,
  type MapEntry,
  type MapNode,
  nodeAt,
  placeOf,
  withEach,
} from "./sources/tree.js";
import { OWN_KEYS, WORKFLOW_KEYS } from "./tasks/task-schema.js";

/** Sections whose entries have defaults. */
const DEFAULTED_SECTIONS = ["tasks", "scenarios"] as const;

/** Values that tasks, or scenarios, take over from the defaults, all together: each is checked for each that has it. */
const MAX_INHERITED_VALUES = 200_000;

/**
 * The tree with `defaults.tasks` and `defaults.scenarios` put into every task and scenario that has not
 * the key itself. A key that is there replaces the default as a whole, as a job's does in GitLab CI. Pure.
 *
 * @throws {ConfigError} when few lines of defaults would come to more than can be held
 */
export function withDefaults(root: ConfigNode): ConfigNode {
  return DEFAULTED_SECTIONS.reduce((tree, section) => {
    const defaults = nodeAt(tree, ["defaults", section]);
    if (defaults?.kind !== "map") return tree;
    const inheritable = inheritableFrom(defaults, section);
    let values = 0;
    return withEach(tree, section, (own) => {
      if (own.kind !== "map") return own;
      const inherited = inheritable.filter(
        ({ key }) => !own.entries.has(key) && !OWN_KEYS.includes(key) && isFor(own, key),
      );
      for (const { size } of inherited) values += size;
      if (values > MAX_INHERITED_VALUES) throw tooMany(defaults, section);
      const entries = inherited.map(({ key, entry }) => [key, entry] as const);
      return { ...own, entries: new Map([...own.entries, ...entries]) };
    });
  }, root);
}

/** The tree without what has been put in. */
export function withoutDefaults(root: ConfigNode): ConfigNode {
  if (root.kind !== "map") return root;
  return { ...root, entries: new Map([...root.entries].filter(([key]) => key !== "defaults")) };
}

interface Inheritable {
  readonly key: string;
  /** One and the same for thousands of tasks. */
  readonly entry: MapEntry;
  /** How many values it has. */
  readonly size: number;
}

function inheritableFrom(defaults: MapNode, section: string): Inheritable[] {
  return [...defaults.entries].map(([key, { keyOrigin, value }]) => ({
    key,
    entry: { keyOrigin, value: inheritedFrom(value, `defaults.${section}`) },
    size: sizeOf(value),
  }));
}

function sizeOf(node: ConfigNode): number {
  if (node.kind === "scalar") return 1;
  const parts = node.kind === "list" ? node.items : [...node.entries.values()].map(nodeOf);
  return parts.reduce((sum, part) => sum + sizeOf(part), 1);
}

function nodeOf({ value }: MapEntry): ConfigNode {
  return value;
}

function tooMany({ origin }: MapNode, section: string): ConfigError {
  const most = MAX_INHERITED_VALUES.toLocaleString("en-US");
  const message = `Cannot use defaults.${section}: all ${section} together would take over more than ${most} values. Use fewer ${section}, or shorter defaults.`;
  return new ConfigError([{ place: placeOf(origin), message }]);
}

/** A workflow has no options but its timeout; what contradicts a task's own key is not for it. */
function isFor(own: MapNode, key: string): boolean {
  if (WORKFLOW_KEYS.some((kind) => own.entries.has(kind))) return key === "timeout";
  return !RIVALS.some((pair) => pair.includes(key) && pair.some((rival) => own.entries.has(rival)));
}

/** Keys of which a task has one at most. */
const RIVALS: readonly (readonly string[])[] = [
  ["priority", "urgency"],
  ["eta", "countdown"],
];

/** The value, saying of every place in a file that it is one of the defaults. */
function inheritedFrom(node: ConfigNode, section: string): ConfigNode {
  const origin =
    node.origin.kind === "file" ? { ...node.origin, inheritedFrom: section } : node.origin;
  if (node.kind === "scalar") return { ...node, origin };
  if (node.kind === "list") {
    return { ...node, items: node.items.map((item) => inheritedFrom(item, section)), origin };
  }
  const entries = [...node.entries].map(([key, entry]): [string, MapEntry] => [
    key,
    { ...entry, value: inheritedFrom(entry.value, section) },
  ]);
  return { ...node, entries: new Map(entries), origin };
}
