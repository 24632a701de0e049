import * as z from "zod";
import type { ProfileSpec } from "../plan/profile.js";
import { type ConnectionConfig, connectionSchema, resolveConnection } from "./connection-fields.js";
import { type ConfigIssue, crossCheck, type ValidParts } from "./cross-check.js";
import { EXTENSION_PREFIX } from "./extensions.js";
import {
  duration,
  durationOr,
  field,
  NAME_FORM,
  nameField,
  readRate,
  wholeNumber,
} from "./fields.js";
import { mixField } from "./mix-field.js";
import { nullRecord } from "./null-record.js";
import { profileField } from "./profile-field.js";
import { RATE_PATTERN } from "./quantities.js";
import {
  bucketsField,
  driftWindowField,
  hostsField,
  listenField,
  segmentField,
  tickField,
} from "./server-fields.js";
import { partialOf, type Shape, shapeOf } from "./shape.js";
import { type SloConfig, sloSchema, withThresholds } from "./slo-fields.js";
import {
  type TaskConfig,
  taskDefaultsSchema,
  taskSchema,
  type WorkflowConfig,
} from "./task-schema.js";

export type { ConnectionConfig } from "./connection-fields.js";
export type { SloConfig } from "./slo-fields.js";
export { isWorkflow, measuredName, type TaskConfig, type WorkflowConfig } from "./task-schema.js";

/** A whole, checked configuration; frozen. Times are milliseconds, rates starts a second. */
export interface Config {
  readonly connections: Readonly<Record<string, ConnectionConfig>>;
  readonly tasks: Readonly<Record<string, TaskConfig | WorkflowConfig>>;
  readonly scenarios: Readonly<Record<string, ScenarioConfig>>;
  readonly server: {
    readonly listen: { readonly host: string; readonly port: number };
    /** Names that it is served under; null: see `onlyHosts`. */
    readonly hosts: readonly string[] | null;
    /** How long the server answers after the last scenario ended; null: the daemon decides. */
    readonly lingerMs: number | null;
  };
  readonly limits: { readonly maxRatePerSecond: number | null; readonly series: number };
  readonly slos: readonly SloConfig[];
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
  readonly arrival: "even" | "poisson";
  /** Weight of each task, by its key; all above 0. */
  readonly mix: Readonly<Record<string, number>>;
  readonly startAfterMs: number;
  readonly warmupMs: number;
  /** null: for ever. */
  readonly durationMs: number | null;
  readonly maxInFlight: number;
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
  ];
  if (!result.success || issues.length > 0) return { issues };
  return { config: deepFreeze(assemble(result.data)) };
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
    "How many tasks to start when: a rate, max, steps, or a ramp; needed here or in defaults.",
  ),
  arrival: z
    .enum(["even", "poisson"], { error: "must be even or poisson" })
    .meta({ description: "Starts at even intervals, or at random ones with the same mean." })
    .prefault("even"),
  mix: mixField(
    "Weights of the tasks, a list of tasks, or one task; may be left out when there is only one.",
  ).optional(),
  startAfter: duration("Wait this long before the first start.").prefault("0s"),
  warmup: duration("Time at the start that is not in the latency histograms.").prefault("0s"),
  duration: durationOr("forever", "How long the scenario runs.").prefault("forever"),
  maxInFlight: wholeNumber(
    1,
    1_000_000,
    "Most tasks that wait for their result at the same time; starts beyond are dropped.",
  ).prefault(10_000),
  gracefulStop: duration("How long a stop waits for results.").prefault("30s"),
});

const scenarioSchema = scenarioFields.transform(
  ({ startAfter, warmup, duration, gracefulStop, ...scenario }) => ({
    ...scenario,
    startAfterMs: startAfter,
    warmupMs: warmup,
    durationMs: duration,
    gracefulStopMs: gracefulStop,
  }),
);

const limitsSchema = z
  .strictObject({
    maxRate: field(
      {
        description: "No scenario may reach a higher rate; none: no limit.",
        anyOf: [{ type: "string", pattern: RATE_PATTERN }, { const: "none" }],
        examples: ["none", "500/s"],
      },
      (value) => (value === "none" ? null : readRate(value)),
    ).prefault("none"),
    series: wholeNumber(1, 1_000_000, "Most time series on /metrics.").prefault(5000),
  })
  .meta({ description: "Ceilings that nothing may pass." });

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
const MAX_THREADS = 64;

const configSchema = z.strictObject({
  connections: named(connectionSchema, "Brokers with their result backends, by name."),
  tasks: named(taskSchema, "Tasks with their arguments, by a name of your own."),
  scenarios: named(scenarioSchema, "What to publish at which rate, by name."),
  defaults: defaultsSchema.optional(),
  slos: z
    .array(sloSchema)
    .max(MAX_SLOS, { error: `must have at most ${MAX_SLOS} entries` })
    .meta({
      description: "Service level objectives: what share of the events must be good.",
    })
    .prefault([]),
  server: serverSchema.prefault({}),
  limits: limitsSchema.prefault({}),
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
function allParts({ connections, tasks, scenarios, limits, slos }: ParsedConfig): ValidParts {
  return {
    connections: new Map(Object.entries(connections)),
    tasks: new Map(Object.entries(tasks)),
    scenarios: new Map(Object.entries(scenarios)),
    limits,
    slos: new Map(slos.entries()),
  };
}

/** The parts that are right by themselves. */
function validParts(input: unknown): ValidParts {
  return {
    connections: validEntries(input, "connections", connectionSchema),
    tasks: validEntries(input, "tasks", taskSchema),
    scenarios: validEntries(input, "scenarios", scenarioSchema),
    limits: limitsSchema.safeParse(sectionOf(input, "limits") ?? {}).data,
    slos: validSlos(input),
  };
}

/** By their place in the list. */
function validSlos(input: unknown): Map<number, SloConfig> {
  const written: unknown = (input as { slos?: unknown } | null)?.slos;
  const valid = new Map<number, SloConfig>();
  for (const [index, slo] of (Array.isArray(written) ? written : []).entries()) {
    const result = sloSchema.safeParse(slo);
    if (result.success) valid.set(index, result.data);
  }
  return valid;
}

function validEntries<T>(input: unknown, section: string, schema: z.ZodType<T>): Map<string, T> {
  const valid = new Map<string, T>();
  for (const [name, entry] of Object.entries(sectionOf(input, section) ?? {})) {
    const result = schema.safeParse(entry);
    if (result.success) valid.set(name, result.data);
  }
  return valid;
}

function sectionOf(input: unknown, section: string): object | undefined {
  if (typeof input !== "object" || input === null || !Object.hasOwn(input, section)) {
    return undefined;
  }
  const value: unknown = Reflect.get(input, section);
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
}

/** Puts in what depends on other parts; `crossCheck` has seen that it exists. */
function assemble(parsed: ParsedConfig): Config {
  const [onlyConnection = ""] = Object.keys(parsed.connections);
  const [onlyTask = ""] = Object.keys(parsed.tasks);
  return {
    connections: mapRecord(parsed.connections, resolveConnection),
    tasks: mapRecord(parsed.tasks, (task) => task),
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
    limits: { maxRatePerSecond: parsed.limits.maxRate, series: parsed.limits.series },
    slos: parsed.slos,
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
