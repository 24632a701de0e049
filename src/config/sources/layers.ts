import type { Fault } from "../../errors.js";
import { withDefaults } from "../defaults.js";
import { PROFILE_SHAPES } from "../scenarios/profile-field.js";
import type { Shape } from "../shape.js";
import { type PlacedValue, readEnvironment } from "./environment.js";
import { withoutExtensions } from "./extensions.js";
import { readSetting } from "./setting.js";
import { substitute } from "./substitute.js";
import {
  type ConfigNode,
  emptyMap,
  type MapEntry,
  type MapNode,
  treeOf,
  withValueAt,
} from "./tree.js";
import type { Environment } from "./variables.js";

/** A value from the command line. */
export type GivenValue =
  | {
      /** Keys from the root. */
      readonly path: readonly string[];
      /** The value as a file would hold it. */
      readonly value: unknown;
      /** The flag that it came with, for messages: `--rate`. */
      readonly flag: string;
    }
  /** The text after `--set`: `scenarios.steady.profile=50/s`. */
  | { readonly set: string };

export interface Layers {
  /** Trees of the files in the order in which they were given. */
  readonly files: readonly ConfigNode[];
  readonly env: Environment;
  readonly overrides: readonly GivenValue[];
  /** `CELERY_LOAD_*` variables that are no configuration. */
  readonly reservedVariables: readonly string[];
  readonly shape: Shape;
}

/**
 * Lays files, `CELERY_LOAD_*` environment and command line over each other, later ones winning, and
 * then puts variables into what is left of the files. Files merge key by key and their lists
 * replace; the environment and the command line replace the value that they name. What is still
 * missing of a task or scenario is taken from `defaults`, to which the same layers apply. Pure.
 */
export function mergeLayers(layers: Layers): { root: ConfigNode; faults: readonly Fault[] } {
  const { shape } = layers;
  const faults: Fault[] = [];
  const created = layers.overrides.filter((override) => "path" in override);
  const files = layers.files
    .map((file) => withoutExtensions(file, shape))
    .reduce<ConfigNode | undefined>(
      (lower, higher) => (lower === undefined ? higher : merge(lower, higher, [])),
      undefined,
    );
  const base = files ?? emptyMap({ kind: "default" });
  // Names that the command line makes can also be meant by the environment, which lies below it.
  const named = created.reduce(applyOverride, base);

  // Keys inside of a value can be meant of a task that has the value from the defaults.
  const known = withDefaults(named);
  const environment = readEnvironment(layers.env, shape, known, layers.reservedVariables);
  faults.push(...environment.faults);
  const settings: PlacedValue[] = [];
  for (const override of layers.overrides) {
    if (!("set" in override)) continue;
    const setting = readSetting(override.set, shape, known);
    if ("message" in setting) faults.push(setting);
    else settings.push(setting);
  }
  const isDefault = ({ path }: PlacedValue) => path[0] === "defaults";
  const withOwn = (tree: ConfigNode, isApplied: (value: PlacedValue) => boolean) => {
    const own = (values: readonly PlacedValue[]) =>
      values.filter((value) => !isDefault(value) && isApplied(value));
    const above = own(environment.values).reduce(place, tree);
    return own(settings).reduce(place, created.reduce(applyOverride, above));
  };
  // Keys of a task first, which keep the defaults away; what is set inside of a value, then, must not
  // lose the rest of one that comes from the defaults.
  const withAll = [...environment.values, ...settings].filter(isDefault).reduce(place, named);
  const completed = withDefaults(withOwn(withAll, ({ path }) => path.length <= 3));
  const root = withDefaults(withOwn(completed, () => true));
  return { root: substitute(root, layers.env, faults), faults: withoutRepeats(faults) };
}

function place(root: ConfigNode, { path, value }: PlacedValue): ConfigNode {
  return withValueAt(root, path, value);
}

/** A fault in what several places took over is one. */
function withoutRepeats(faults: readonly Fault[]): Fault[] {
  return [...new Map(faults.map((fault) => [`${fault.place} ${fault.message}`, fault])).values()];
}

function applyOverride(root: ConfigNode, override: GivenValue): ConfigNode {
  if (!("path" in override)) return root;
  const value = treeOf(override.value, { kind: "flag", flag: override.flag });
  return withValueAt(root, override.path, value);
}

function merge(lower: ConfigNode, higher: ConfigNode, path: readonly string[]): ConfigNode {
  if (lower.kind !== "map" || higher.kind !== "map" || isOtherForm(lower, higher, path)) {
    return higher;
  }
  const entries = new Map<string, MapEntry>(lower.entries);
  for (const [key, entry] of higher.entries) {
    const below = entries.get(key);
    const value =
      below === undefined ? entry.value : merge(below.value, entry.value, [...path, key]);
    entries.set(key, { keyOrigin: entry.keyOrigin, value });
  }
  return { kind: "map", entries, origin: lower.origin };
}

/** A ramp over steps is a new profile and not one with both; so is a file over a URL and its password. */
function isOtherForm(lower: MapNode, higher: MapNode, path: readonly string[]): boolean {
  const isNew = (key: string) => higher.entries.has(key) && !lower.entries.has(key);
  if (path.length !== 3) return false;
  if (path[0] === "connections") {
    return isNew("urlFile") || (lower.entries.has("urlFile") && !higher.entries.has("urlFile"));
  }
  const isOfScenario =
    path[0] === "scenarios" || (path[0] === "defaults" && path[1] === "scenarios");
  return isOfScenario && path[2] === "profile" && [...PROFILE_SHAPES.keys()].some(isNew);
}
