import { didYouMean } from "../../did-you-mean.js";
import type { Fault } from "../../errors.js";
import type { ConfigIssue } from "../cross-check.js";
import { PROFILE_SHAPES } from "../scenarios/profile-field.js";
import { hasKeys, type Shape } from "../shape.js";
import {
  type ConfigNode,
  keyOriginAt,
  nodeAt,
  type Origin,
  originAt,
  type Path,
  placeOf,
  sourcesOf,
} from "../sources/tree.js";
import { isIdleKey } from "../tasks/option-fields.js";
import { remedyForKey } from "./known-mistakes.js";
import { quote } from "./quote.js";
import { suggest } from "./suggest.js";

/** The first faults, and how many more there are. */
export interface Faults {
  readonly told: readonly Fault[];
  readonly untold: number;
}

/** A mistake that is repeated a thousand times needs no thousand lines. */
export const MAX_FAULTS = 100;

/**
 * Turns what is wrong at a path into what is wrong at a place, in words for the user, in the order
 * of the files. Values whose place is in `known` are left out: their fault has been told. Words are made
 * for the first ones only: finding what was meant is what takes long.
 */
export function faultsOf(
  issues: readonly ConfigIssue[],
  root: ConfigNode,
  shape: Shape,
  files: readonly string[],
  known: ReadonlySet<string>,
): Faults {
  const ofDefaults = issues
    .filter(({ path }) => path[0] === "defaults")
    .flatMap((issue) => locate(issue, root, shape));
  // What is wrong in defaults is so in every task that took it over.
  const wrongDefaults = new Set(ofDefaults.map(({ origin }) => placeOf(origin)));
  const others = issues
    .filter(({ path }) => path[0] !== "defaults")
    .flatMap((issue) => locate(issue, root, shape))
    .filter(({ origin }) => !wrongDefaults.has(placeOf(origin)));
  const told = new Map<string, Fault>();
  const untold = new Set<string>();
  const sorted = [...ofDefaults, ...others].sort((a, b) =>
    compareOrigins(a.origin, b.origin, files),
  );
  for (const { origin, issue, describe } of sorted) {
    const place = placeOf(origin);
    if (known.has(place)) continue;
    if (told.size < MAX_FAULTS) {
      const message = describe();
      told.set(`${place} ${message}`, { place, message });
    } else {
      untold.add(`${place} ${issue.code}`);
    }
  }
  return { told: [...told.values()], untold: untold.size };
}

interface LocatedFault {
  readonly origin: Origin;
  readonly issue: ConfigIssue;
  readonly describe: () => string;
}

function locate(issue: ConfigIssue, root: ConfigNode, shape: Shape): LocatedFault[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      origin: keyOriginAt(root, [...path, key]),
      issue,
      describe: () => unknownKey([...path, key], key, root, shape),
    }));
  }
  return [
    {
      origin: originOf(issue, root),
      issue,
      describe: () => messageOf(withFoundRemedy(issue), root, shape),
    },
  ];
}

function originOf({ code, path }: ConfigIssue, root: ConfigNode): Origin {
  if (code === "invalid_key") return keyOriginAt(root, path);
  const isKey =
    code === "unknown_name" && path.length > 3 && nodeAt(root, path.slice(0, -1))?.kind === "map";
  return isKey ? keyOriginAt(root, path) : originAt(root, path);
}

function withFoundRemedy(issue: ConfigIssue): ConfigIssue {
  const { details, findRemedy } = issue;
  return findRemedy === undefined
    ? issue
    : { ...issue, details: { ...details, remedy: findRemedy() } };
}

function messageOf(issue: ConfigIssue, root: ConfigNode, shape: Shape): string {
  const { path } = issue;
  if (issue.code === "invalid_key") {
    return `Cannot read name ${quote(String(path.at(-1)))} in ${subjectOf(path.slice(0, -1))}: ${issue.message}. Rename it.`;
  }
  if (issue.code === "unknown_name") return sentence(subjectOf(path.slice(0, 3)), issue, "");
  if (issue.code === "unfit") {
    return `Cannot use ${subjectOf(path)}: ${issue.message}. ${issue.details.remedy}`;
  }
  return messageFor(issue, root, shape);
}

function messageFor(issue: ConfigIssue, root: ConfigNode, shape: Shape): string {
  const node = nodeAt(root, issue.path);
  const { noun, remedy, hidesValue } = issue.details;
  if (node === undefined) {
    const isSaid = issue.message.startsWith("it is missing");
    const [section, last] = [String(issue.path[0]), String(issue.path.at(-1))];
    const example = EXAMPLES[`${section}.${last}`] ?? EXAMPLES[last];
    const text = isSaid ? issue.message : "it is missing";
    const write = isSaid || example === undefined ? remedy : `Write ${example}.`;
    return `Cannot read ${subjectOf(issue.path)}: ${text}.${write === undefined ? "" : ` ${write}`}`;
  }
  const section = SINGULAR[String(issue.path[0])];
  if (section !== undefined && issue.path.length === 1 && isNothing(node)) {
    return `Cannot read ${subjectOf(issue.path)}: there is no ${section} yet. Uncomment one, or write ${EXAMPLES[String(issue.path[0])]}.`;
  }
  const found = hidesValue ? "" : `; found ${describe(node, issue.path)}`;
  const sources = sourcesOf(node.origin);
  const from = sources.length > 0 ? ` (from ${sources.join(", ")})` : "";
  return sentence(`${subjectOf(issue.path, noun)}${from}`, withRemedy(issue, node, shape), found);
}

/** As of a section in which all lines are comments. */
function isNothing(node: ConfigNode): boolean {
  return node.kind === "scalar" && node.value === null;
}

/** What to write is said by the issue, or by what was most likely meant, or else by the example in the schema. */
function withRemedy(issue: ConfigIssue, node: ConfigNode, shape: Shape): ConfigIssue {
  const here = shapeAt(shape, issue.path);
  const suggestion = issue.details.remedy === undefined ? suggest(issue, node) : undefined;
  if (suggestion !== undefined) {
    return { ...issue, details: { ...issue.details, remedy: suggestion } };
  }
  const isSaid = issue.details.remedy !== undefined || /[.?]/.test(issue.message.slice(-1));
  if (isSaid || !("example" in here)) return issue;
  return { ...issue, details: { ...issue.details, remedy: `Write it like ${here.example}.` } };
}

function shapeAt(shape: Shape, path: Path): Shape {
  return path.reduce<Shape>((here, step) => {
    if (hasKeys(here)) return here.keys.get(String(step)) ?? { kind: "any" };
    if (here.kind === "names") return here.value;
    return here.kind === "list" ? here.item : { kind: "any" };
  }, shape);
}

function sentence(subject: string, issue: ConfigIssue, found: string): string {
  const { remedy } = issue.details;
  const end = remedy === undefined ? "" : ` ${remedy}`;
  const text = `Cannot read ${subject}: ${issue.message}${found}`;
  return `${text}${/[.?]$/.test(text) ? "" : "."}${end}`;
}

/** What to write where something is missing, by section and key or by key alone. */
const EXAMPLES: Readonly<Record<string, string>> = {
  connections: "connections: {main: {broker: redis://127.0.0.1:6379/0}}",
  tasks: "tasks: {add: {name: app.add}}",
  scenarios: "scenarios: {steady: {profile: 20/s}}",
  broker: "broker: redis://127.0.0.1:6379/0",
  name: "name: app.tasks.resize",
  profile: "profile: 20/s",
  stages: "stages: [{to: 200/s, over: 15m}]",
  mean: "mean: 50/s",
  amplitude: "amplitude: 30/s",
  period: "period: 24h",
  "guards.name": "name: deep-queue",
  "slos.name": "name: resize-latency",
  "slos.objective": "objective: 99.9%",
};

function unknownKey(path: Path, key: string, root: ConfigNode, shape: Shape): string {
  const parent = path.slice(0, -1);
  const section = parent[0] === "defaults" ? String(parent[1]) : undefined;
  if (section !== undefined && knownKeys([section, ""], shape, root).includes(key)) {
    return `Cannot read key ${quote(key)} in ${subjectOf(parent)}: each ${SINGULAR[section]} has its own. Write it there.`;
  }
  const known = knownKeys(parent, shape, root);
  const meant = didYouMean(key, known);
  const useful = known.filter((each) => !isIdleKey([...parent, each]));
  const remedy =
    remedyForKey(parent, key) ??
    (meant === undefined ? `Known here: ${useful.join(", ")}.` : `Did you mean ${quote(meant)}?`);
  const where = parent.length === 0 ? "" : ` in ${subjectOf(parent)}`;
  return `Cannot read key ${quote(key)}${where}: there is no such key. ${remedy}`;
}

function knownKeys(path: Path, shape: Shape, root: ConfigNode): readonly string[] {
  const here = shapeAt(shape, path);
  if (hasKeys(here)) return [...here.keys.keys()];
  return profileKeys(path.slice(3), root, path);
}

/** Inside of a profile the keys depend on its form. */
function profileKeys(below: Path, root: ConfigNode, path: Path): readonly string[] {
  const isThere = (form: string) => nodeAt(root, [...path, form]) !== undefined;
  const form = below[0] ?? [...PROFILE_SHAPES.keys()].find(isThere) ?? "steps";
  const shape = PROFILE_SHAPES.get(String(form));
  const here = shape === undefined ? undefined : shapeAt(shape, below);
  return here !== undefined && hasKeys(here) ? [...here.keys.keys()] : [];
}

const SINGULAR: Readonly<Record<string, string>> = {
  connections: "connection",
  tasks: "task",
  scenarios: "scenario",
};

/** `timeout of task "resize"`, `server.listen`, `rate of scenario "steady"`. */
function subjectOf(path: Path, noun?: string): string {
  const [section, name, ...rest] = path;
  const singular = SINGULAR[String(section)];
  if (section === undefined) return "the configuration";
  if (section === "defaults" && noun !== undefined) return `${noun} of ${dotted(path.slice(0, 2))}`;
  if (singular === undefined || name === undefined) return noun ?? dotted(path);
  const owner = `${singular} ${quote(String(name))}`;
  return rest.length === 0 ? owner : `${noun ?? dotted(rest)} of ${owner}`;
}

function dotted(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === "number") return `[${step}]`;
      const text = /^[\w-]+$/.test(step) ? step : quote(step);
      return index === 0 ? text : `.${text}`;
    })
    .join("");
}

function describe(node: ConfigNode, path: Path): string {
  // A file that is one text is no configuration, and may be a secret.
  if (path.length === 0 && node.kind === "scalar") return "text";
  if (node.kind === "list") return "a list";
  if (node.kind === "map") return "a mapping";
  if (node.value === null) return "nothing";
  return typeof node.value === "string" ? quote(node.value) : node.source;
}

/** Files in their order, line by line, then everything else. */
function compareOrigins(a: Origin, b: Origin, files: readonly string[]): number {
  if (a.kind !== "file" || b.kind !== "file") {
    return Number(a.kind !== "file") - Number(b.kind !== "file");
  }
  return files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column;
}
