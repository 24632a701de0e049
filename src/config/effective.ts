import * as z from "zod";
import { defaultBackend } from "./connection-fields.js";
import { defaultOf, unwrap } from "./shape.js";
import { WORKFLOW_KEYS } from "./task-schema.js";
import {
  type ConfigNode,
  emptyMap,
  type MapEntry,
  type MapNode,
  type Origin,
  treeOf,
  withValueAt,
} from "./tree.js";

/**
 * The configuration with every default put in, in the order of the schema: what is in effect, each
 * value with its origin. `root` must have passed the schema.
 */
export function effectiveTree(root: ConfigNode, schema: z.core.$ZodType): ConfigNode {
  return complete(withDerivedValues(root), schema);
}

/** The origin of every value, by its path with dots; lists are one value. */
export function originsOf(node: ConfigNode, path = ""): Map<string, Origin> {
  if (node.kind !== "map" || node.entries.size === 0) return new Map([[path, node.origin]]);
  return new Map(
    [...node.entries].flatMap(([key, entry]) => [
      ...originsOf(entry.value, path === "" ? key : `${path}.${key}`),
    ]),
  );
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
      const entry =
        node.entries.get(key) ?? (hasDefault(node, key) ? defaultEntry(child) : undefined);
      if (entry !== undefined) entries.set(key, { ...entry, value: complete(entry.value, child) });
    }
  } else if (inner instanceof z.ZodRecord) {
    for (const [key, entry] of node.entries) {
      entries.set(key, { ...entry, value: complete(entry.value, inner.valueType) });
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

function defaultEntry(schema: z.core.$ZodType): MapEntry | undefined {
  const value = defaultOf(schema);
  const origin: Origin = { kind: "default" };
  return value === undefined ? undefined : { keyOrigin: origin, value: treeOf(value, origin) };
}

/** Defaults that are the value of another key, as `assemble` in `schema.ts` puts them in. */
function withDerivedValues(root: ConfigNode): ConfigNode {
  let tree = root;
  const derive = (section: string, name: string, key: string, value: ConfigNode | undefined) => {
    const isWritten = entriesOf(tree, section).get(name)?.entries.has(key) ?? true;
    if (!isWritten && value !== undefined) tree = withValueAt(tree, [section, name, key], value);
  };
  for (const [name, connection] of entriesOf(root, "connections")) {
    derive("connections", name, "backend", backendOf(connection));
  }
  for (const [name, task] of entriesOf(root, "tasks")) {
    if (!hasDefault(task, "expires")) continue;
    const timeout = defaultFrom(task, "timeout") ?? treeOf("60s", because("timeout"));
    derive("tasks", name, "expires", timeout);
  }
  const [connection = ""] = entriesOf(root, "connections").keys();
  const [task = ""] = entriesOf(root, "tasks").keys();
  for (const name of entriesOf(root, "scenarios").keys()) {
    derive("scenarios", name, "connection", treeOf(connection, because("the only connection")));
    derive("scenarios", name, "mix", treeOf({ [task]: 1 }, because("the only task")));
  }
  return tree;
}

function backendOf(connection: MapNode): ConfigNode | undefined {
  const broker = defaultFrom(connection, "broker");
  if (broker?.kind !== "scalar" || typeof broker.value !== "string") return broker;
  const backend = defaultBackend(broker.value);
  return backend === broker.value ? broker : treeOf(backend, broker.origin);
}

function entriesOf(root: ConfigNode, section: string): Map<string, MapNode> {
  const node = root.kind === "map" ? root.entries.get(section)?.value : undefined;
  const entries = node?.kind === "map" ? [...node.entries] : [];
  return new Map(
    entries.map(([name, { value }]) => [
      name,
      value.kind === "map" ? value : emptyMap(value.origin),
    ]),
  );
}

function defaultFrom(parent: MapNode, key: string): ConfigNode | undefined {
  const node = parent.entries.get(key)?.value;
  return node === undefined ? undefined : { ...node, origin: because(key) };
}

function because(reason: string): Origin {
  return { kind: "default", because: reason };
}
