import type { Shape } from "../shape.js";
import type { ConfigNode, MapEntry } from "./tree.js";

/** What a key starts with that is the user's own: a place for anchors, as in Compose. */
export const EXTENSION_PREFIX = "x-";

/**
 * The tree without keys that start with `x-`, wherever keys are ours: names of tasks and the like, and
 * what is sent (arguments, headers), are the user's and stay. Pure.
 */
export function withoutExtensions(node: ConfigNode, shape: Shape): ConfigNode {
  if (node.kind === "list" && shape.kind === "list") {
    return { ...node, items: node.items.map((item) => withoutExtensions(item, shape.item)) };
  }
  if (node.kind !== "map" || (shape.kind !== "keys" && shape.kind !== "names")) return node;
  const entries = new Map<string, MapEntry>();
  for (const [key, entry] of node.entries) {
    if (shape.kind === "keys" && key.startsWith(EXTENSION_PREFIX)) continue;
    const child = shape.kind === "names" ? shape.value : shape.keys.get(key);
    const value = child === undefined ? entry.value : withoutExtensions(entry.value, child);
    entries.set(key, { ...entry, value });
  }
  return { ...node, entries };
}
