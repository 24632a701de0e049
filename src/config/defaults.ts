import { OWN_KEYS, WORKFLOW_KEYS } from "./task-schema.js";
import { type ConfigNode, type MapEntry, type MapNode, nodeAt, withEach } from "./tree.js";

/** Sections whose entries have defaults. */
const DEFAULTED_SECTIONS = ["tasks", "scenarios"] as const;

/**
 * The tree with `defaults.tasks` and `defaults.scenarios` put into every task and scenario that has not
 * the key itself. A key that is there replaces the default as a whole, as a job's does in GitLab CI. Pure.
 */
export function withDefaults(root: ConfigNode): ConfigNode {
  return DEFAULTED_SECTIONS.reduce((tree, section) => {
    const defaults = nodeAt(tree, ["defaults", section]);
    if (defaults?.kind !== "map") return tree;
    return withEach(tree, section, (own) => inherit(own, defaults, section));
  }, root);
}

/** The tree without what has been put in. */
export function withoutDefaults(root: ConfigNode): ConfigNode {
  if (root.kind !== "map") return root;
  return { ...root, entries: new Map([...root.entries].filter(([key]) => key !== "defaults")) };
}

function inherit(own: ConfigNode, defaults: MapNode, section: string): ConfigNode {
  if (own.kind !== "map") return own;
  const inherited = [...defaults.entries]
    .filter(([key]) => !own.entries.has(key) && !OWN_KEYS.includes(key) && isFor(own, key))
    .map(([key, { keyOrigin, value }]): [string, MapEntry] => [
      key,
      { keyOrigin, value: inheritedFrom(value, `defaults.${section}`) },
    ]);
  return { ...own, entries: new Map([...own.entries, ...inherited]) };
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
