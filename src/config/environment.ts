import type { Fault } from "../errors.js";
import { didYouMean } from "./did-you-mean.js";
import { quote } from "./quote.js";
import { readSettingText } from "./setting.js";
import type { Shape } from "./shape.js";
import type { Variables } from "./substitute.js";
import type { ConfigNode, Origin } from "./tree.js";

/** A value and the keys that lead to it. */
export interface PlacedValue {
  readonly path: readonly string[];
  readonly value: ConfigNode;
}

/**
 * Reads the variables that override single values: `CELERY_LOAD_` and the keys in upper snake case,
 * joined by `__`: `CELERY_LOAD_SCENARIOS__STEADY__MAX_IN_FLIGHT=500`. Names of scenarios, tasks and
 * connections are those of `tree`, upper and lower case, `-` and `_` being alike. A variable that
 * names nothing is a fault, unless it is reserved or one that Kubernetes makes for a service.
 */
export function readEnvironment(
  env: Variables,
  shape: Shape,
  tree: ConfigNode,
  reserved: readonly string[],
): { values: readonly PlacedValue[]; faults: readonly Fault[] } {
  const values: PlacedValue[] = [];
  const faults: Fault[] = [];
  for (const variable of Object.keys(env).sort()) {
    const text = env[variable];
    if (!variable.startsWith(PREFIX) || text === undefined || reserved.includes(variable)) continue;
    const targets = targetsOf(variable.slice(PREFIX.length).toUpperCase(), shape, tree);
    const [target, other] = targets;
    if (target === undefined) {
      if (!isServiceLink(variable, text)) faults.push(unknownVariable(variable, shape, tree));
      continue;
    }
    if (other !== undefined) {
      faults.push({
        place: variable,
        message: `Cannot tell which value this variable means: ${target.path.join(".")} or ${other.path.join(".")}. Use --set, or rename one.`,
      });
      continue;
    }
    const origin: Origin = { kind: "environment", variable };
    const read = readSettingText(text, target.shape, origin, target.path.join("."));
    if ("message" in read) faults.push(read);
    else values.push({ path: target.path, value: read });
  }
  // Parents first, so that one value inside of a mapping can be set apart from it.
  return { values: values.sort((a, b) => a.path.length - b.path.length), faults };
}

const PREFIX = "CELERY_LOAD_";

interface Child {
  readonly key: string;
  readonly shape: Shape;
  readonly node: ConfigNode | undefined;
}

interface Target {
  readonly path: readonly string[];
  readonly shape: Shape;
}

/** Every value that the rest of a variable's name can mean: names may hold `__` themselves. */
function targetsOf(rest: string, shape: Shape, node: ConfigNode | undefined): Target[] {
  return childrenOf(shape, node).flatMap((child) => {
    const name = upperSnake(child.key, shape);
    if (rest === name) return [{ path: [child.key], shape: child.shape }];
    if (!rest.startsWith(`${name}__`)) return [];
    return targetsOf(rest.slice(name.length + 2), child.shape, child.node).map((target) => ({
      ...target,
      path: [child.key, ...target.path],
    }));
  });
}

function childrenOf(shape: Shape, node: ConfigNode | undefined): Child[] {
  const entries = node?.kind === "map" ? node.entries : new Map<string, never>();
  if (shape.kind === "keys") {
    return [...shape.keys].map(([key, child]) => ({
      key,
      shape: child,
      node: entries.get(key)?.value,
    }));
  }
  if (shape.kind === "text") return [];
  const child: Shape = shape.kind === "names" ? shape.value : { kind: "any" };
  return [...entries].map(([key, entry]) => ({ key, shape: child, node: entry.value }));
}

/** Our keys are camel case (maxInFlight → MAX_IN_FLIGHT); names are the user's and stay whole. */
function upperSnake(key: string, shape: Shape): string {
  const words = shape.kind === "keys" ? key.replace(/([a-z])([A-Z])/g, "$1_$2") : key;
  return words.replaceAll("-", "_").toUpperCase();
}

function unknownVariable(variable: string, shape: Shape, tree: ConfigNode): Fault {
  const known = variableNames(PREFIX, shape, tree);
  const meant = didYouMean(variable.slice(PREFIX.length), known.map(withoutPrefix));
  const remedy =
    meant === undefined
      ? "Unset it, or see the configuration reference for the names."
      : `Did you mean ${PREFIX}${meant}?`;
  return {
    place: variable,
    message: `Cannot use the variable ${quote(variable)}: there is no such key. ${remedy}`,
  };
}

function withoutPrefix(variable: string): string {
  return variable.slice(PREFIX.length);
}

function variableNames(prefix: string, shape: Shape, node: ConfigNode | undefined): string[] {
  return childrenOf(shape, node).flatMap((child) => {
    const name = `${prefix}${upperSnake(child.key, shape)}`;
    return [name, ...variableNames(`${name}__`, child.shape, child.node)];
  });
}

/**
 * Kubernetes gives every pod the addresses of all services as variables: a service called
 * `celery-load` makes CELERY_LOAD_SERVICE_HOST, CELERY_LOAD_PORT=tcp://… and more.
 */
function isServiceLink(variable: string, text: string): boolean {
  if (/_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$/.test(variable)) return true;
  if (/_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(variable)) return true;
  return variable.endsWith("_PORT") && /^(tcp|udp|sctp):\/\//.test(text);
}
