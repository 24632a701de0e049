import * as z from "zod";
import type { Arrival } from "../plan/arrival.js";
import type { Windows } from "../plan/clock/windows.js";
import type { Choose } from "../plan/mix.js";
import type { ProfileSpec } from "../plan/profile.js";
import { type CodeFile, codeField } from "./code-file.js";
import {
  type ConnectionConfig,
  connectionSchema,
  resolveConnection,
} from "./connections/connection-fields.js";
import {
  type ControlConfig,
  checkControl,
  controlSchema,
  resolveControl,
} from "./control-fields.js";
import { type ConfigIssue, crossCheck, type ValidParts } from "./cross-check.js";
import { type DataConfig, dataSchema } from "./data/data-fields.js";
import { duration, durationOr, NAME_FORM, nameField, wholeNumber } from "./fields.js";
import {
  DEFAULT_GUARD_ENTRIES,
  type GuardConfig,
  guardSchema,
  withDefaultGuards,
} from "./guard-fields.js";
import { leaseField } from "./lease-field.js";
import { type LimitsConfig, limitsSchema } from "./limits-fields.js";
import { mappingIn } from "./mapping.js";
import { nullRecord } from "./null-record.js";
import { arrivalField } from "./scenarios/arrival-field.js";
import { mixField } from "./scenarios/mix-field.js";
import { profileField } from "./scenarios/profile-field.js";
import { windowsSchema } from "./scenarios/windows-field.js";
import {
  bucketsField,
  driftWindowField,
  hostsField,
  listenField,
  segmentField,
  tickField,
} from "./server/server-fields.js";
import { type StateConfig, stateSchema } from "./server/state-fields.js";
import { partialOf, type Shape, shapeOf } from "./shape.js";
import { type SloConfig, sloSchema, withThresholds } from "./slos/slo-fields.js";
import { type ThresholdConfig, thresholdField } from "./slos/threshold-fields.js";
import { EXTENSION_PREFIX } from "./sources/extensions.js";
import {
  type TaskConfig,
  taskDefaultsSchema,
  taskSchema,
  type WorkflowConfig,
} from "./tasks/task-schema.js";

export type { ConnectionConfig } from "./connections/connection-fields.js";
export type { ControlConfig } from "./control-fields.js";
export type { GuardConfig } from "./guard-fields.js";
export type { SloConfig } from "./slos/slo-fields.js";
export type { ThresholdConfig } from "./slos/threshold-fields.js";
export {
  isWorkflow,
  measuredName,
  type TaskConfig,
  type WorkflowConfig,
} from "./tasks/task-schema.js";

/** A whole, checked configuration; frozen. Times are milliseconds, rates starts a second. */
export interface Config {
  readonly connections: Readonly<Record<string, ConnectionConfig>>;
  readonly tasks: Readonly<Record<string, TaskConfig | WorkflowConfig>>;
  readonly scenarios: Readonly<Record<string, ScenarioConfig>>;
  readonly data: Readonly<Record<string, DataConfig>>;
  readonly server: {
    readonly listen: { readonly host: string; readonly port: number };
    /** Names that it is served under; null: see `onlyHosts`. */
    readonly hosts: readonly string[] | null;
    /** How long the server answers after the last scenario ended; null: the daemon decides. */
    readonly lingerMs: number | null;
  };
  readonly control: ControlConfig;
  readonly limits: LimitsConfig;
  readonly slos: readonly SloConfig[];
  readonly thresholds: readonly ThresholdConfig[];
  /** Those that are on by default first. */
  readonly guards: readonly GuardConfig[];
  readonly state: StateConfig;
  /** Upper bounds of the latency histograms, ascending; every SLO's latency is among them. */
  readonly bucketsMs: readonly number[];
  /** Upper bounds of the short phases' histograms: every second one of `buckets`. */
  readonly phaseBucketsMs: readonly number[];
  /** Over how long drift is looked for. */
  readonly driftWindowMs: number;
  readonly seed: number;
  /** Starts wait for the next multiple of this; null: each has its own time. */
  readonly tickMs: number | null;
  /** Threads of the engine: each does an equal share of the starts. */
  readonly threads: number;
  /** The share of all starts that this daemon does, of those whose number leaves the rest `index`. */
  readonly segment: { readonly index: number; readonly of: number };
}

/** A traffic profile over a mix of tasks on one connection. */
export interface ScenarioConfig {
  readonly connection: string;
  readonly profile: ProfileSpec;
  readonly arrival: Arrival;
  readonly choose: Choose;
  /** When it may start anything; null: always. */
  readonly windows: Windows | null;
  /** Weight of each task, by its key; all above 0. */
  readonly mix: Readonly<Record<string, number>>;
  readonly startAfterMs: number;
  readonly warmupMs: number;
  /** null: for ever. */
  readonly durationMs: number | null;
  readonly maxInFlight: number;
  /** What each of its users does; null: starts a task of the mix. */
  readonly script: CodeFile | null;
  /** Name of the data of which its script takes rows. */
  readonly data: string | null;
  /** The lease time; null: no lease. */
  readonly leaseMs: number | null;
  readonly gracefulStopMs: number;
}

/** Checks a merged configuration: the frozen value, or everything that is wrong with it. */
export function readConfig(
  input: unknown,
): { readonly config: Config } | { readonly issues: readonly ConfigIssue[] } {
  const result = configSchema.safeParse(input);
  // References between parts are checked even if a part is wrong, so that all faults come at once.
  const parts = result.success ? allParts(result.data) : validParts(input);
  const issues = [
    ...(result.success ? [] : result.error.issues.map(toConfigIssue)),
    ...crossCheck(input, parts),
    ...checkControl(controlSchema.safeParse(mappingIn(input, "control") ?? {}).data),
  ];
  if (!result.success || issues.length > 0) return { issues };
  return { config: deepFreeze(assemble(result.data, input)) };
}

/**
 * JSON Schema of what may be written in a file, variables aside. In draft 7: the language server for YAML
 * and many validators know no later one, and it has all that is needed.
 */
export function jsonSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(configSchema, {
      io: "input",
      target: "draft-7",
      override: describeForEditors,
    }),
    title: "Configuration of celery-load",
    ...PROFILE_IS_SOMEWHERE,
  };
}

/** Each scenario needs a profile unless the defaults have one, which no keyword of a scenario could say. */
const PROFILE_IS_SOMEWHERE = {
  if: {
    properties: {
      defaults: { properties: { scenarios: { required: ["profile"] } }, required: ["scenarios"] },
    },
    required: ["defaults"],
  },
  else: { properties: { scenarios: { additionalProperties: { required: ["profile"] } } } },
};

/** Examples, which zod drops where a value is transformed, keys of the user's own. */
function describeForEditors(context: {
  zodSchema: z.core.$ZodType;
  jsonSchema: z.core.JSONSchema.BaseSchema;
}): void {
  const examples = z.globalRegistry.get(context.zodSchema)?.examples;
  const { jsonSchema } = context;
  if (Array.isArray(examples)) jsonSchema.examples = examples;
  if (context.zodSchema === scenarioFields) delete jsonSchema.required;
  if (jsonSchema.type === "object" && jsonSchema.additionalProperties === false) {
    jsonSchema.patternProperties = { [`^${EXTENSION_PREFIX}`]: {} };
  }
}

/** A mapping by names of the user's: of connections, tasks and scenarios. */
function named<T extends z.ZodType>(value: T, description: string) {
  return z.record(nameField(), value).meta({ description });
}

const scenarioFields = z.strictObject({
  connection: z
    .string({ error: "must be the name of a connection" })
    .meta({ description: "Name of the connection; may be left out when there is only one." })
    .optional(),
  profile: profileField(
    "How many tasks to start when: a rate, max, steps, a ramp, a sine, a week, a replay, a backlog, topUp, or users; needed here or in defaults.",
  ),
  arrival: arrivalField.prefault("even"),
  choose: z
    .enum(["exact", "random"], { error: "must be exact or random" })
    .meta({
      description:
        "Which task of the mix a start is: exact interleaves them, so that each has its share at any time; random draws each start with the probability of its weight.",
    })
    .prefault("exact"),
  mix: mixField(
    "Weights of the tasks, a list of tasks, or one task; may be left out when there is only one.",
  ).optional(),
  windows: windowsSchema.optional(),
  script: codeField(
    "With users: module whose default async function says what each of them does; it runs in a thread of its own.",
  ).optional(),
  data: z
    .string({ error: "must be a name of data" })
    .meta({ description: "Name of the data of which each run of the script takes a row." })
    .optional(),
  startAfter: duration("Wait this long before the first start.").prefault("0s"),
  warmup: duration("Time at the start that is not in the latency histograms.").prefault("0s"),
  duration: durationOr("forever", "How long the scenario runs.").prefault("forever"),
  maxInFlight: wholeNumber(
    1,
    1_000_000,
    "Most tasks that wait for their result at the same time; starts beyond are dropped.",
  ).prefault(10_000),
  lease: leaseField(
    "true, or a lease time: of all daemons that run this scenario and segment on this broker one starts tasks, and another takes over within the lease time (true: 15s) when that is gone.",
  ).prefault(false),
  gracefulStop: duration("How long a stop waits for results.").prefault("30s"),
});

const scenarioSchema = scenarioFields.transform(
  ({ startAfter, warmup, duration, lease, gracefulStop, ...scenario }) => ({
    ...scenario,
    windows: scenario.windows ?? null,
    script: scenario.script ?? null,
    data: scenario.data ?? null,
    startAfterMs: startAfter,
    warmupMs: warmup,
    durationMs: duration,
    leaseMs: lease,
    gracefulStopMs: gracefulStop,
  }),
);

const serverSchema = z
  .strictObject({
    listen: listenField(
      "Address and port of /metrics, /healthz, /readyz and /api/v1/status.",
    ).prefault("0.0.0.0:9809"),
    hosts: hostsField(
      "Names that a request's Host may have, beside localhost on loopback; every other one is 421. auto: on loopback only those of loopback, elsewhere all.",
    ).prefault("auto"),
    linger: durationOr(
      "auto",
      "How long to answer after the last scenario ended; auto: the daemon decides.",
      { positive: false },
    ).prefault("auto"),
  })
  .meta({ description: "The HTTP server, read-only." });

const defaultsSchema = z
  .strictObject({
    tasks: taskDefaultsSchema
      .meta({ description: "For every task; of a workflow only its timeout." })
      .optional(),
    scenarios: partialOf(scenarioFields).meta({ description: "For every scenario." }).optional(),
  })
  .meta({ description: "Values for all tasks and scenarios that have not the key themselves." });

const MAX_SLOS = 100;
const MAX_GUARDS = 100;
const MAX_THRESHOLDS = 100;
const MAX_THREADS = 64;

const configSchema = z.strictObject({
  connections: named(connectionSchema, "Brokers with their result backends, by name."),
  tasks: named(taskSchema, "Tasks with their arguments, by a name of your own."),
  scenarios: named(scenarioSchema, "What to publish at which rate, by name."),
  data: named(dataSchema, "Files whose rows the templates of tasks take, by name.").prefault({}),
  defaults: defaultsSchema.optional(),
  slos: z
    .array(sloSchema)
    .max(MAX_SLOS, { error: `must have at most ${MAX_SLOS} entries` })
    .meta({
      description: "Service level objectives: what share of the events must be good.",
    })
    .prefault([]),
  thresholds: z
    .array(thresholdField)
    .max(MAX_THRESHOLDS, { error: `must have at most ${MAX_THRESHOLDS} entries` })
    .meta({
      description:
        "What a whole run is held against, as in k6; one that is missed makes its exit code 99. Each is a text such as p95(resize) < 800ms, or a mapping that says more.",
    })
    .prefault([]),
  guards: z
    .array(guardSchema)
    .max(MAX_GUARDS, { error: `must have at most ${MAX_GUARDS} entries` })
    .meta({
      description:
        "What holds the load back when too much of something is there, beside those guards that are on by default.",
    })
    .prefault(DEFAULT_GUARD_ENTRIES),
  server: serverSchema.prefault({}),
  control: controlSchema.prefault({}),
  limits: limitsSchema.prefault({}),
  state: stateSchema.prefault({}),
  buckets: bucketsField(
    "Upper bounds of the latency histograms, ascending; the latency of every SLO is added.",
  ).prefault("5ms 10ms 25ms 50ms 100ms 250ms 500ms 1s 2.5s 5s 10s 30s 1m 5m 30m".split(" ")),
  driftWindow: driftWindowField(
    "Over how long drift is looked for; nothing is said before a third of it.",
  ).prefault("6h"),
  seed: wholeNumber(0, 2 ** 32 - 1, "Seed of everything random.").prefault(1),
  tick: tickField(
    "Starts are sent together this often, for about half the CPU at 1,000/s and as much more dispatch lag; none: each when it is due.",
  ).prefault("none"),
  threads: wholeNumber(
    1,
    MAX_THREADS,
    "Threads that share every rate, each with an exact part of the starts and of maxInFlight. For rates that one cannot keep: each needs a core of its own.",
  ).prefault(1),
  segment: segmentField(
    "Which part of all starts this daemon does, when several with the same configuration share the work: 2/4 is the second of four, an exact quarter of every rate and of maxInFlight.",
  ).prefault("1/1"),
});

type ParsedConfig = z.output<typeof configSchema>;

/** The schema, for defaults and the printed configuration. */
export const CONFIG_SCHEMA: z.ZodType = configSchema;

/** What may stand where. */
export const CONFIG_SHAPE: Shape = shapeOf(configSchema);

/** All parts, for the checks between them. */
function allParts(parsed: ParsedConfig): ValidParts {
  const { connections, tasks, scenarios, data, limits, slos, guards, thresholds } = parsed;
  return {
    connections: new Map(Object.entries(connections)),
    tasks: new Map(Object.entries(tasks)),
    scenarios: new Map(Object.entries(scenarios)),
    data: new Map(Object.entries(data)),
    limits,
    slos: new Map(slos.entries()),
    guards: new Map(guards.entries()),
    thresholds: new Map(thresholds.entries()),
  };
}

/** The parts that are right by themselves. */
function validParts(input: unknown): ValidParts {
  return {
    connections: validEntries(input, "connections", connectionSchema),
    tasks: validEntries(input, "tasks", taskSchema),
    scenarios: validEntries(input, "scenarios", scenarioSchema),
    data: validEntries(input, "data", dataSchema),
    limits: limitsSchema.safeParse(mappingIn(input, "limits") ?? {}).data,
    slos: validItems(input, "slos", sloSchema),
    guards: validItems(input, "guards", guardSchema),
    thresholds: validItems(input, "thresholds", thresholdField),
  };
}

/** By their place in the list. */
function validItems<T>(
  input: unknown,
  section: "slos" | "guards" | "thresholds",
  schema: z.ZodType<T>,
): Map<number, T> {
  const written: unknown = (input as Record<string, unknown> | null)?.[section];
  const valid = new Map<number, T>();
  for (const [index, item] of (Array.isArray(written) ? written : []).entries()) {
    const result = schema.safeParse(item);
    if (result.success) valid.set(index, result.data);
  }
  return valid;
}

function validEntries<T>(input: unknown, section: string, schema: z.ZodType<T>): Map<string, T> {
  const valid = new Map<string, T>();
  for (const [name, entry] of Object.entries(mappingIn(input, section) ?? {})) {
    const result = schema.safeParse(entry);
    if (result.success) valid.set(name, result.data);
  }
  return valid;
}

/** Puts in what depends on other parts; `crossCheck` has seen that it exists. */
function assemble(parsed: ParsedConfig, input: unknown): Config {
  const [onlyConnection = ""] = Object.keys(parsed.connections);
  const [onlyTask = ""] = Object.keys(parsed.tasks);
  return {
    connections: mapRecord(parsed.connections, resolveConnection),
    tasks: mapRecord(parsed.tasks, (task) => task),
    data: mapRecord(parsed.data, (data) => data),
    scenarios: mapRecord(parsed.scenarios, (scenario) => ({
      ...scenario,
      connection: scenario.connection ?? onlyConnection,
      mix: scenario.mix ?? nullRecord([[onlyTask, 1]]),
    })),
    server: {
      listen: parsed.server.listen,
      hosts: parsed.server.hosts,
      lingerMs: parsed.server.linger,
    },
    control: resolveControl(
      parsed.control,
      Object.hasOwn(mappingIn(input, "control") ?? {}, "listen"),
    ),
    limits: parsed.limits,
    slos: parsed.slos,
    thresholds: parsed.thresholds,
    guards: withDefaultGuards(parsed.guards),
    state: parsed.state,
    bucketsMs: withThresholds(parsed.buckets, parsed.slos),
    phaseBucketsMs: parsed.buckets.filter((_, index) => index % 2 === 0),
    driftWindowMs: parsed.driftWindow,
    seed: parsed.seed,
    tickMs: parsed.tick,
    threads: parsed.threads,
    segment: parsed.segment,
  };
}

function mapRecord<T, U>(record: Record<string, T>, map: (value: T) => U): Record<string, U> {
  return nullRecord(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

function toConfigIssue(issue: z.core.$ZodIssue): ConfigIssue {
  const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  const params = issue.code === "custom" ? issue.params : undefined;
  return {
    code: issue.code,
    path,
    message: messageFor(issue),
    details: params ?? {},
    keys: issue.code === "unrecognized_keys" ? issue.keys : [],
    ...choicesOf(issue),
  };
}

function choicesOf(issue: z.core.$ZodIssue): { choices?: readonly unknown[] } {
  if (issue.code === "invalid_value") return { choices: issue.values };
  const isBoolean = issue.code === "invalid_type" && issue.expected === "boolean";
  return isBoolean ? { choices: [true, false] } : {};
}

function messageFor(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_key") return issue.issues[0]?.message ?? NAME_FORM;
  if (issue.code !== "invalid_type" || !issue.message.startsWith("Invalid")) return issue.message;
  return issue.expected === "array" ? "must be a list" : "must be a mapping";
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const item of Object.values(value)) deepFreeze(item);
  return Object.freeze(value);
}
