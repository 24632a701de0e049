import { wholeOf } from "../../celery/messages/exact-number.js";
import type { Fault } from "../../errors.js";
import { type ConfigNode, placeOf, plainValue, type ScalarNode } from "../sources/tree.js";

/** Keys of a task whose values Python reads: their numbers are sent as they were written. */
const SENT_KEYS: readonly string[] = ["args", "kwargs", "headers", "stamps"];

/**
 * The plain value of a configuration. Numbers of arguments and headers are kept as they were written where JavaScript's are
 * others; elsewhere a whole number that it cannot hold is a fault.
 */
export function configValue(root: ConfigNode, faults: Fault[]): unknown {
  const own = (node: ConfigNode) => plainValue(node, (scalar) => ownValue(scalar, faults));
  const ofTask = (task: ConfigNode) =>
    mapped(task, own, (key, value) =>
      SENT_KEYS.includes(key) ? plainValue(value, sentValue) : own(value),
    );
  return mapped(root, own, (section, value) => {
    if (section === "tasks") return mapped(value, own, (_, task) => ofTask(task));
    if (section !== "defaults") return own(value);
    return mapped(value, own, (of, each) => (of === "tasks" ? ofTask(each) : own(each)));
  });
}

function mapped(
  node: ConfigNode,
  otherwise: (node: ConfigNode) => unknown,
  read: (key: string, value: ConfigNode) => unknown,
): unknown {
  if (node.kind !== "map") return otherwise(node);
  return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, read(key, value)]));
}

function sentValue({ value, exact }: ScalarNode): unknown {
  return exact ?? value;
}

function ownValue({ value, exact, origin }: ScalarNode, faults: Fault[]): unknown {
  if (exact !== undefined && wholeOf(exact) !== undefined) {
    const message =
      "Cannot read a whole number beyond 2^53 exactly. Put it in quotes or write a smaller one.";
    faults.push({ place: placeOf(origin), message });
  }
  return value;
}
