import { didYouMean } from "../../did-you-mean.js";
import type { Fault } from "../../errors.js";
import { quote } from "../faults/quote.js";
import { bareTemplateIn, unquotedTemplate } from "../faults/yaml-faults.js";
import { hasKeys, type Shape } from "../shape.js";
import { type ConfigNode, isUnsafeKey, type Origin, placeOf } from "./tree.js";
import { readYamlValue } from "./yaml-source.js";

/**
 * Reads the text after `--set`: a path with dots, `=`, and a value: `scenarios.steady.profile=50/s`.
 * Scenarios, tasks and connections must exist in `tree`: a misspelt name must not make a new one.
 */
export function readSetting(
  text: string,
  shape: Shape,
  tree: ConfigNode,
): { path: readonly string[]; value: ConfigNode } | Fault {
  const [, dotted, valueText] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (dotted === undefined || valueText === undefined || !/^[\w-]+(\.[\w-]+)*$/.test(dotted)) {
    // Nothing of it is shown: what stands here may be a secret.
    return {
      place: "--set",
      message:
        "Cannot read the value of --set: must be path=value. Write --set scenarios.steady.profile=50/s.",
    };
  }
  const path = dotted.split(".");
  const place = `--set ${dotted}`;
  const target = walk(path, shape, tree);
  if (typeof target === "string") {
    return { place, message: `Cannot set ${quote(dotted)}: ${target}` };
  }
  const value = readSettingText(valueText, target, { kind: "flag", flag: place }, dotted);
  return "message" in value ? value : { path, value };
}

/**
 * Reads the value of a variable or of `--set`. Where text belongs it is taken as it stands (a
 * password may hold a `#`); elsewhere, in quotes, and where a URL begins as a list or mapping does, it is YAML,
 * so that numbers and lists work.
 */
export function readSettingText(
  text: string,
  shape: Shape,
  origin: Origin,
  subject: string,
): ConfigNode | Fault {
  const isYaml = shape.kind !== "text" || (hasKeys(shape) ? /^\s*["'[{]/ : /^["']/).test(text);
  if (!isYaml) {
    return { kind: "scalar", value: text, source: text, plain: false, origin };
  }
  const result = readYamlValue(text, origin);
  if (result.root !== undefined) return result.root;
  const template = bareTemplateIn(text);
  if (template !== undefined) {
    return { place: placeOf(origin), message: unquotedTemplate(template.text) };
  }
  return {
    place: placeOf(origin),
    message: `Cannot read the value for ${subject}: it is not valid YAML. Put the value in quotes, or write a list as [1, 2] and a mapping as {key: value}.`,
  };
}

/** The shape at the end of the path, or what is wrong with the path and what to do about it. */
function walk(path: readonly string[], shape: Shape, tree: ConfigNode): Shape | string {
  let here = shape;
  let node: ConfigNode | undefined = tree;
  for (const [index, key] of path.entries()) {
    const names: string[] = node?.kind === "map" ? [...node.entries.keys()] : [];
    const next = childOf(here, key, names);
    if (isUnsafeKey(key) || next === undefined) {
      const known = hasKeys(here) ? [...here.keys.keys()] : names;
      return unknownKey(here, key, known, path.slice(0, index));
    }
    here = next;
    node = node?.kind === "map" ? node.entries.get(key)?.value : undefined;
  }
  return here;
}

function childOf(shape: Shape, key: string, names: readonly string[]): Shape | undefined {
  if (hasKeys(shape)) return shape.keys.get(key);
  if (shape.kind === "names") return names.includes(key) ? shape.value : undefined;
  return shape.kind === "any" ? shape : undefined;
}

function unknownKey(
  shape: Shape,
  key: string,
  known: readonly string[],
  parent: readonly string[],
): string {
  const what = shape.kind === "names" ? `no ${parent.at(-1)?.replace(/s$/, "")}` : "no such key as";
  const meant = didYouMean(key, known);
  let remedy = known.length > 0 ? `Known here: ${known.join(", ")}.` : "Set the value as a whole.";
  if (meant !== undefined) remedy = `Did you mean ${quote([...parent, meant].join("."))}?`;
  return `there is ${what} ${quote(key)}. ${remedy}`;
}
