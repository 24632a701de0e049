import { didYouMean } from "../../did-you-mean.js";
import type { Fault } from "../../errors.js";
import { quote } from "../faults/quote.js";
import { hasKeys, type Shape } from "../shape.js";
import { readSettingText } from "./setting.js";
import { shownSecret } from "./shown-secret.js";
import { type ConfigNode, type Origin, withShown } from "./tree.js";
import { type Environment, FILE_SUFFIX } from "./variables.js";

/** A value and the keys that lead to it. */
export interface PlacedValue {
  readonly path: readonly string[];
  readonly value: ConfigNode;
}

/**
 * Reads the variables that override single values: `CELERY_LOAD_` and the keys in upper snake case,
 * joined by `__`: `CELERY_LOAD_SCENARIOS__STEADY__MAX_IN_FLIGHT=500`. Names of scenarios, tasks and
 * connections are those of `tree`, upper and lower case, `-` and `_` being alike. With `_FILE` behind it
 * the value is in the file of that name. A variable that names nothing is a fault, unless it is reserved
 * or one that Kubernetes makes for a service.
 */
export function readEnvironment(
  env: Environment,
  shape: Shape,
  tree: ConfigNode,
  reserved: readonly string[],
): { values: readonly PlacedValue[]; faults: readonly Fault[] } {
  const values: PlacedValue[] = [];
  const faults: Fault[] = [];
  for (const variable of Object.keys(env.variables).sort()) {
    const text = env.variables[variable];
    if (!variable.startsWith(PREFIX) || text === undefined || reserved.includes(variable)) continue;
    const named = namedBy(variable, shape, tree);
    const [target, other] = named.targets;
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
    const read = named.isFile
      ? readSecretValue(named.name, target, env)
      : readValue(variable, text, target);
    if (read === undefined) continue;
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

/** What a variable means: a key of this name, or else the file of a key's value. */
function namedBy(variable: string, shape: Shape, tree: ConfigNode) {
  const targets = (name: string) => targetsOf(name.slice(PREFIX.length).toUpperCase(), shape, tree);
  const name = variable.slice(0, -FILE_SUFFIX.length);
  const isKey = targets(variable).length > 0;
  return !isKey && variable.toUpperCase().endsWith(FILE_SUFFIX)
    ? { name, targets: targets(name), isFile: true }
    : { name: variable, targets: targets(variable), isFile: false };
}

function readValue(variable: string, text: string, target: Target): ConfigNode | Fault {
  const origin: Origin = { kind: "environment", variable };
  return readSettingText(text, target.shape, origin, target.path.join("."));
}

/** undefined: the name of the file is empty, which is as good as none. */
function readSecretValue(
  name: string,
  target: Target,
  env: Environment,
): ConfigNode | Fault | undefined {
  const found = env.lookUp(name);
  if (found === undefined || ("value" in found && !found.isSecret)) return undefined;
  if ("problem" in found) return { place: `${name}${FILE_SUFFIX}`, message: found.problem };
  const read = readValue(found.name, found.value, target);
  return "message" in read ? read : withShown(read, shownSecret);
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
  if (hasKeys(shape)) {
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
  const words = hasKeys(shape) ? key.replace(/([a-z])([A-Z])/g, "$1_$2") : key;
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
