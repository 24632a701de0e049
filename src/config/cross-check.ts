import { beyondMsgpack, validateTemplates } from "../celery/arguments.js";
import { brokerTraits } from "../celery/server-url.js";
import { type ProfileSpec, peakOf } from "../plan/profile.js";
import { checkSlos } from "./check-slos.js";
import { checkUrls } from "./check-urls.js";
import { checkChord, checkWorkflows } from "./check-workflows.js";
import { type ConfigIssue, issue, listNames, unknownName } from "./config-issue.js";
import type { ConnectionPart } from "./connection-fields.js";
import { isMapping } from "./mapping.js";
import { formatDuration, formatRate } from "./quantities.js";
import { quote } from "./quote.js";
import type { SloConfig } from "./slo-fields.js";
import { isWorkflow, type TaskConfig, type WorkflowConfig } from "./task-schema.js";
import type { Path } from "./tree.js";

export type { ConfigIssue } from "./config-issue.js";

/** Parts that are right by themselves, by name. */
export interface ValidParts {
  readonly connections: ReadonlyMap<string, ConnectionPart>;
  readonly tasks: ReadonlyMap<string, TaskConfig | WorkflowConfig>;
  readonly scenarios: ReadonlyMap<string, ScenarioPart>;
  readonly limits: { readonly maxRate: number | null } | undefined;
  /** By their place in the list. */
  readonly slos: ReadonlyMap<number, SloConfig>;
}

export interface ScenarioPart {
  /** Left out when there is only one. */
  readonly connection?: string | undefined;
  readonly profile: ProfileSpec;
  /** Weights of tasks by their keys; left out when there is only one. */
  readonly mix?: Readonly<Record<string, number>> | undefined;
  readonly warmupMs: number;
  readonly durationMs: number | null;
}

/** Checks what no single value shows: names that refer to others, templates, limits, allowed hosts. Pure. */
export function crossCheck(input: unknown, parts: ValidParts): ConfigIssue[] {
  const sections = {
    connections: recordOf(input, "connections"),
    tasks: recordOf(input, "tasks"),
    scenarios: recordOf(input, "scenarios"),
  };
  const connectionNames = Object.keys(sections.connections ?? {});
  const taskKeys = Object.keys(sections.tasks ?? {});
  return [
    ...Object.entries(sections).flatMap(([name, section]) => checkNotEmpty(name, section)),
    ...Object.entries(sections.scenarios ?? {}).flatMap(([name, scenario]) => [
      ...checkConnection(name, scenario, sections.connections ?? {}, connectionNames),
      ...checkMix(name, scenario, sections.tasks ?? {}, taskKeys),
      ...checkNeeds(name, scenario, parts),
    ]),
    ...Object.entries(sections.tasks ?? {}).flatMap(([name, task]) => checkTemplates(name, task)),
    ...checkWorkflows(parts.tasks, sections.tasks ?? {}),
    ...[...parts.scenarios].flatMap(([name, scenario]) => [
      ...checkPeak(name, scenario.profile, parts.limits?.maxRate ?? null),
      ...checkWarmup(name, scenario),
    ]),
    ...[...parts.connections].flatMap(([name, connection]) => checkUrls(name, connection)),
    ...checkSlos(parts, sections.scenarios ?? {}),
  ];
}

type PlainRecord = Readonly<Record<string, unknown>>;

function recordOf(input: unknown, key: string): PlainRecord | undefined {
  if (typeof input !== "object" || input === null || !Object.hasOwn(input, key)) return undefined;
  const value: unknown = Reflect.get(input, key);
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as PlainRecord)
    : undefined;
}

function checkNotEmpty(name: string, section: PlainRecord | undefined): ConfigIssue[] {
  if (section === undefined || Object.keys(section).length > 0) return [];
  return [issue([name], `must have at least one ${name.slice(0, -1)}`, { hidesValue: true })];
}

function checkConnection(
  name: string,
  scenario: unknown,
  connections: PlainRecord,
  names: readonly string[],
): ConfigIssue[] {
  const connection = own(scenario, "connection");
  if (!isMapping(scenario) || names.length === 0) return [];
  const path = ["scenarios", name, "connection"];
  if (connection === undefined) return checkOnlyOne(path, "connection", names);
  if (typeof connection !== "string" || Object.hasOwn(connections, connection)) return [];
  return [unknownName(path, "connection", connection, connections)];
}

function checkMix(
  name: string,
  scenario: unknown,
  tasks: PlainRecord,
  keys: readonly string[],
): ConfigIssue[] {
  const mix = own(scenario, "mix");
  // Without any task there is one fault, not one for each scenario.
  if (!isMapping(scenario) || keys.length === 0) return [];
  const path = ["scenarios", name, "mix"];
  if (mix === undefined) return checkOnlyOne(path, "task", keys);
  return taskNamesOf(mix)
    .filter(({ task }) => !Object.hasOwn(tasks, task))
    .map(({ task, step }) => unknownName([...path, ...step], "task", task, tasks));
}

/** What a scenario's tasks ask of its broker and its result backend. */
function checkNeeds(
  name: string,
  scenario: unknown,
  { connections, tasks }: ValidParts,
): ConfigIssue[] {
  const [onlyConnection] = connections.size === 1 ? connections.keys() : [];
  const connection = own(scenario, "connection") ?? onlyConnection;
  const part = typeof connection === "string" ? connections.get(connection) : undefined;
  if (part === undefined) return [];
  // Of several tasks none is the scenario's, and that is told.
  const mix = own(scenario, "mix") ?? (tasks.size === 1 ? [...tasks.keys()] : []);
  return taskNamesOf(mix).flatMap(({ task }) => [
    ...checkDelayedDelivery(name, task, tasks.get(task), part),
    ...checkChord(name, task, tasks.get(task), part),
    ...checkExpect(name, task, tasks.get(task), part),
  ]);
}

/** Events tell that a task has succeeded, and not with what. */
function checkExpect(
  scenario: string,
  task: string,
  entry: TaskConfig | WorkflowConfig | undefined,
  { backend }: ConnectionPart,
): ConfigIssue[] {
  const expects = entry !== undefined && !isWorkflow(entry) && entry.expect !== undefined;
  if (!expects || backend !== "disabled") return [];
  return [
    issue(
      ["tasks", task, "expect"],
      `must be left out for scenario ${quote(scenario)}, whose result backend is disabled`,
      { remedy: "Remove it, or name the result backend." },
    ),
  ];
}

/** Redis has nothing that could hold a message back. */
function checkDelayedDelivery(
  scenario: string,
  task: string,
  entry: TaskConfig | WorkflowConfig | undefined,
  { broker }: ConnectionPart,
): ConfigIssue[] {
  const isNative = entry !== undefined && !isWorkflow(entry) && entry.nativeDelayedDelivery;
  if (!isNative || brokerTraits(broker)?.holdsDelayedTasks !== false) return [];
  return [
    issue(
      ["tasks", task, "nativeDelayedDelivery"],
      `must be false for scenario ${quote(scenario)}, whose broker is not RabbitMQ`,
      { remedy: "Remove it: the worker then holds the task for its countdown." },
    ),
  ];
}

/** The names in a mix, each with its place in the mix. */
function taskNamesOf(mix: unknown): { task: string; step: (string | number)[] }[] {
  if (typeof mix === "string") return [{ task: mix, step: [] }];
  if (Array.isArray(mix)) {
    return mix.flatMap((task, index) =>
      typeof task === "string" ? [{ task, step: [index] }] : [],
    );
  }
  return isMapping(mix) ? Object.keys(mix).map((task) => ({ task, step: [task] })) : [];
}

function checkOnlyOne(path: Path, kind: string, names: readonly string[]): ConfigIssue[] {
  if (names.length <= 1) return [];
  const remedy = `Write ${path.at(-1)}: ${names[0]}.`;
  return [
    issue(path, `it is missing, and there is more than one ${kind} (${listNames(names)})`, {
      remedy,
      hidesValue: true,
    }),
  ];
}

function checkTemplates(name: string, task: unknown): ConfigIssue[] {
  const isMsgpack = own(task, "serializer") === "msgpack";
  return ["args", "kwargs"].flatMap((key) => {
    const value = own(task, key) ?? null;
    const faults = [...validateTemplates(value), ...(isMsgpack ? beyondMsgpack(value) : [])];
    return faults.map(({ path, message }) =>
      issue(["tasks", name, key, ...path], message, { hidesValue: true }),
    );
  });
}

function checkPeak(name: string, profile: ProfileSpec, maxRate: number | null): ConfigIssue[] {
  const peak = peakOf(profile);
  if (maxRate === null || peak <= maxRate) return [];
  const limit = `limits.maxRate (${formatRate(maxRate)})`;
  const message =
    peak === Number.POSITIVE_INFINITY
      ? `must be a rate, because max has no upper bound and ${limit} is set`
      : `must stay at or below ${limit}; its highest rate is ${formatRate(peak)}`;
  const remedy = "Lower the rate or raise limits.maxRate.";
  return [issue(["scenarios", name, "profile"], message, { remedy, hidesValue: true })];
}

function checkWarmup(name: string, { warmupMs, durationMs }: ScenarioPart): ConfigIssue[] {
  if (durationMs === null || warmupMs < durationMs) return [];
  const message = `must be shorter than the duration (${formatDuration(durationMs)})`;
  const remedy = "Shorten the warmup or run longer.";
  return [issue(["scenarios", name, "warmup"], message, { remedy })];
}

function own(value: unknown, key: string): unknown {
  return isMapping(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}
