import { beyondSerializer, validateTemplates } from "../celery/messages/arguments.js";
import { SERIALIZERS } from "../celery/messages/task-options.js";
import { brokerTraits } from "../celery/urls/server-url.js";
import { isMapping } from "../mapping.js";
import type { Choose } from "../plan/mix.js";
import type { ProfileSpec } from "../plan/profile.js";
import { mostUsers } from "../plan/profiles/users.js";
import { checkGuards } from "./check-guards.js";
import { checkRates } from "./check-rates.js";
import type { CodeFile } from "./code-file.js";
import { checkUrls } from "./connections/check-urls.js";
import type { ConnectionPart } from "./connections/connection-fields.js";
import { checkData } from "./data/check-data.js";
import type { DataConfig } from "./data/data-fields.js";
import { type ConfigIssue, issue, listNames, unknownName } from "./faults/config-issue.js";
import { quote } from "./faults/quote.js";
import type { GuardPart } from "./guard-fields.js";
import type { LimitsConfig } from "./limits-fields.js";
import { mappingIn } from "./mapping.js";
import { formatDuration } from "./quantities.js";
import { checkScript } from "./scenarios/check-script.js";
import { checkSlos } from "./slos/check-slos.js";
import { checkThresholds } from "./slos/check-thresholds.js";
import type { SloConfig } from "./slos/slo-fields.js";
import type { ThresholdConfig } from "./slos/threshold-fields.js";
import type { Path } from "./sources/tree.js";
import { checkChord, checkWorkflows } from "./tasks/check-workflows.js";
import { isWorkflow, type TaskConfig, type WorkflowConfig } from "./tasks/task-schema.js";

export type { ConfigIssue } from "./faults/config-issue.js";

/** Parts that are right by themselves, by name. */
export interface ValidParts {
  readonly connections: ReadonlyMap<string, ConnectionPart>;
  readonly tasks: ReadonlyMap<string, TaskConfig | WorkflowConfig>;
  readonly scenarios: ReadonlyMap<string, ScenarioPart>;
  readonly data: ReadonlyMap<string, DataConfig>;
  readonly limits: LimitsConfig | undefined;
  /** By their place in the list. */
  readonly slos: ReadonlyMap<number, SloConfig>;
  /** The same. */
  readonly guards: ReadonlyMap<number, GuardPart>;
  /** The same. */
  readonly thresholds: ReadonlyMap<number, ThresholdConfig>;
}

export interface ScenarioPart {
  /** Left out when there is only one. */
  readonly connection?: string | undefined;
  readonly profile: ProfileSpec;
  /** Weights of tasks by their keys; left out when there is only one. */
  readonly mix?: Readonly<Record<string, number>> | undefined;
  readonly choose: Choose;
  readonly startAfterMs: number;
  readonly warmupMs: number;
  readonly durationMs: number | null;
  readonly maxInFlight: number;
  readonly script: CodeFile | null;
  readonly data: string | null;
}

/** Checks what no single value shows: names that refer to others, templates, limits, allowed hosts. Pure. */
export function crossCheck(input: unknown, parts: ValidParts): ConfigIssue[] {
  const sections = {
    connections: mappingIn(input, "connections"),
    tasks: mappingIn(input, "tasks"),
    scenarios: mappingIn(input, "scenarios"),
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
    ...checkData(parts.tasks, parts.scenarios, parts.data, mappingIn(input, "data") ?? {}),
    ...checkRates(parts.scenarios, parts.limits?.maxRatePerSecond ?? null),
    ...[...parts.scenarios].flatMap(([name, scenario]) => [
      ...checkWarmup(name, scenario),
      ...checkUsers(name, scenario),
      ...checkScript(name, scenario, mappingIn(input, "data") ?? {}),
    ]),
    ...[...parts.connections].flatMap(([name, connection]) => checkUrls(name, connection)),
    ...checkSlos(parts, sections.scenarios ?? {}),
    ...checkThresholds(parts, sections),
    ...checkGuards(parts, sections),
  ];
}

/** Each user may have a task in flight. */
function checkUsers(name: string, { profile, maxInFlight }: ScenarioPart): ConfigIssue[] {
  const users = profile.kind === "users" ? mostUsers(profile) : 0;
  if (users <= maxInFlight) return [];
  return [
    issue(
      ["scenarios", name, "profile", "users"],
      `must be at most maxInFlight (${maxInFlight}), as each user waits for a task; there are up to ${users}`,
      { remedy: `Add maxInFlight: ${users} to the scenario.`, hidesValue: true },
    ),
  ];
}

type PlainRecord = Readonly<Record<string, unknown>>;

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
  const serializer = SERIALIZERS.find((each) => each === own(task, "serializer")) ?? "json";
  return ["args", "kwargs"].flatMap((key) => {
    const value = own(task, key) ?? null;
    const faults = [...validateTemplates(value), ...beyondSerializer(serializer, value)];
    return faults.map(({ path, message }) =>
      issue(["tasks", name, key, ...path], message, { hidesValue: true }),
    );
  });
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
