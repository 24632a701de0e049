import * as z from "zod";
import { defaultBackend } from "../connections/connection-fields.js";
import { defaultOf, unwrap } from "../shape.js";
import {
  type ConfigNode,
  emptyMap,
  type MapEntry,
  type MapNode,
  nodeAt,
  type Origin,
  treeOf,
  withEach,
  withValueAt,
} from "../sources/tree.js";
import { WORKFLOW_KEYS } from "../tasks/task-schema.js";

/**
 * The configuration with every default put in, in the order of the schema: what is in effect, each
 * value with its origin. `root` must have passed the schema.
 */
export function effectiveTree(root: ConfigNode, schema: z.core.$ZodType): ConfigNode {
  return complete(withDerivedValues(root), schema);
}

function complete(node: ConfigNode, schema: z.core.$ZodType): ConfigNode {
  const inner = unwrap(schema);
  if (node.kind === "list" && inner instanceof z.ZodArray) {
    return { ...node, items: node.items.map((item) => complete(item, inner.element)) };
  }
  if (node.kind !== "map") return node;
  const entries = new Map<string, MapEntry>();
  if (inner instanceof z.ZodObject) {
    const shape = inner.shape as Record<string, z.core.$ZodType>;
    for (const [key, child] of Object.entries(shape)) {
      const own = node.entries.get(key);
      const entry =
        own === undefined
          ? hasDefault(node, key) && defaultEntry(child)
          : { ...own, value: complete(own.value, child) };
      if (entry) entries.set(key, entry);
    }
  } else if (inner instanceof z.ZodRecord) {
    for (const [key, { keyOrigin, value }] of node.entries) {
      // When it is looked at: all of thousands of tasks with their defaults take more memory than all else.
      const completed = () => complete(value, inner.valueType);
      entries.set(key, {
        keyOrigin,
        get value() {
          return completed();
        },
      });
    }
  } else {
    return node;
  }
  return { ...node, entries };
}

/** Most options of a task mean nothing for a workflow, and are refused there. */
function hasDefault(node: MapNode, key: string): boolean {
  return key === "timeout" || !WORKFLOW_KEYS.some((kind) => node.entries.has(kind));
}

/** The default of a key, which is one and the same for thousands of tasks. */
function defaultEntry(schema: z.core.$ZodType): MapEntry | undefined {
  const known = DEFAULT_ENTRIES.get(schema);
  if (known !== undefined) return known;
  const value = defaultOf(schema);
  if (value === undefined) return undefined;
  const origin: Origin = { kind: "default" };
  const entry = { keyOrigin: origin, value: complete(treeOf(value, origin), schema) };
  DEFAULT_ENTRIES.set(schema, entry);
  return entry;
}

const DEFAULT_ENTRIES = new WeakMap<z.core.$ZodType, MapEntry>();

/** Defaults that are the value of another key, as `assemble` in `schema.ts` puts them in. */
function withDerivedValues(root: ConfigNode): ConfigNode {
  const connection = treeOf(firstIn(root, "connections"), because("the only connection"));
  const mix = treeOf({ [firstIn(root, "tasks")]: 1 }, because("the only task"));
  const withBackends = withEach(root, "connections", (each) =>
    withMissing(each, (own) => ({ backend: backendOf(own) })),
  );
  const withExpiry = withEach(withBackends, "tasks", (each) =>
    withMissing(each, (own) => ({ expires: expiryOf(own) })),
  );
  return withEach(withExpiry, "scenarios", (each) =>
    withMissing(each, () => ({ connection, mix })),
  );
}

function firstIn(root: ConfigNode, section: string): string {
  const node = nodeAt(root, [section]);
  const [first = ""] = node?.kind === "map" ? node.entries.keys() : [];
  return first;
}

/** A copy of a mapping with those of the values whose keys it has not; of nothing, a mapping of them. */
function withMissing(
  node: ConfigNode,
  valuesOf: (own: MapNode) => Readonly<Record<string, ConfigNode | undefined>>,
): ConfigNode {
  const own = node.kind === "map" ? node : emptyMap(node.origin);
  return Object.entries(valuesOf(own)).reduce<ConfigNode>(
    (tree, [key, value]) =>
      value === undefined || own.entries.has(key) ? tree : withValueAt(tree, [key], value),
    own,
  );
}

function expiryOf(task: MapNode): ConfigNode | undefined {
  if (!hasDefault(task, "expires")) return undefined;
  return defaultFrom(task, "timeout") ?? treeOf("60s", because("timeout"));
}

function backendOf(connection: MapNode): ConfigNode | undefined {
  const broker = defaultFrom(connection, "broker");
  if (broker?.kind !== "scalar" || typeof broker.value !== "string") return broker;
  const backend = defaultBackend(broker.value);
  return backend === broker.value ? broker : treeOf(backend, broker.origin);
}

function defaultFrom(parent: MapNode, key: string): ConfigNode | undefined {
  const node = parent.entries.get(key)?.value;
  return node === undefined ? undefined : { ...node, origin: because(key) };
}

function because(reason: string): Origin {
  return { kind: "default", because: reason };
}
