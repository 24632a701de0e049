import * as z from "zod";
import { quote } from "./faults/quote.js";
import {
  duration,
  field,
  nameField,
  percentageMeta,
  ReadError,
  readDuration,
  readPercentage,
} from "./fields.js";
import { WATCH_FORMS, WATCHES, type Watch, type WatchForm } from "./guard-watches.js";
import { DURATION_PATTERN, PERCENTAGE_PATTERN } from "./quantities.js";

/** Watches one thing, and holds the load back while there is too much of it. Times are milliseconds. */
export interface GuardConfig {
  readonly name: string;
  readonly watch: Watch;
  /** What it is narrowed down to; null: all of ours, each by itself. */
  readonly queue: string | null;
  readonly connection: string | null;
  readonly scenario: string | null;
  readonly task: string | null;
  /** Of the watch `latency`: 0.95. */
  readonly quantile: number;
  /** It fires above this: messages, a share, or milliseconds. */
  readonly limit: number;
  /** It lets go below this. */
  readonly resumeBelow: number;
  /** How long it must be too much. */
  readonly forMs: number;
  /** How long it must be little enough before the load goes on. */
  readonly coolDownMs: number;
  readonly action: GuardAction;
  /** The scenarios that it holds back; null: all that what is watched concerns. */
  readonly scenarios: readonly string[] | null;
}

const GUARD_ACTIONS = ["warn", "throttle", "pause", "stop"] as const;
export type GuardAction = (typeof GUARD_ACTIONS)[number];

/** A guard as it is written, by itself. */
export interface GuardPart extends Omit<GuardConfig, "action"> {
  readonly action: GuardAction | "off";
}

/** Those that are there without being written; an entry of the same name changes one. */
const DEFAULT_GUARDS: Readonly<
  Record<string, { watch: Watch; above?: unknown; resumeBelow?: unknown }>
> = {
  "default-broker-memory": { watch: "brokerMemory", above: "90%", resumeBelow: "80%" },
  "default-queue-length": { watch: "queueLength", above: 100_000, resumeBelow: 50_000 },
  "default-broker-blocked": { watch: "brokerBlocked" },
};

const DEFAULT_GUARD_NAMES = Object.keys(DEFAULT_GUARDS);

/** The same as they would be written. */
export const DEFAULT_GUARD_ENTRIES = Object.entries(DEFAULT_GUARDS).map(([name, guard]) => ({
  name,
  ...guard,
}));

const COOL_DOWN_MS = 30_000;
const QUANTILE = 0.95;

const LIMIT_FORMS = {
  anyOf: [
    { type: "integer", minimum: 1 },
    { type: "string", pattern: PERCENTAGE_PATTERN },
    { type: "string", pattern: DURATION_PATTERN },
  ],
};

const guardFields = z.strictObject({
  name: nameField().meta({
    description: `Name of the guard, the label guard of its metrics. An entry that is called ${list(DEFAULT_GUARD_NAMES, "or")} changes the guard of that name, which is on by default.`,
  }),
  watch: z
    .enum(WATCHES, { error: `must be one of ${list(WATCHES, "and")}` })
    .meta({
      description: `What is watched: ${WATCHES.map((watch) => `${watch} (${WATCH_FORMS[watch].words})`).join("; ")}.`,
    })
    .optional(),
  queue: z
    .string({ error: "must be the name of a queue" })
    .meta({
      description:
        "Of queueLength and share: the queue, which must be one of our tasks'; left out: all of ours, each by itself.",
    })
    .optional(),
  connection: z
    .string({ error: "must be the name of a connection" })
    .meta({
      description:
        "Of queueLength, share, brokerMemory and brokerBlocked: the connection; left out: all, each by itself.",
    })
    .optional(),
  scenario: z
    .string({ error: "must be the name of a scenario" })
    .meta({
      description:
        "Of backlogSlope, failedShare and latency: the scenario; left out: all, each by itself.",
    })
    .optional(),
  task: z
    .string({ error: "must be the name of a task" })
    .meta({
      description:
        "Of backlogSlope, failedShare and latency: the task, by its registered name, or a workflow by its key; left out: all of the scenario.",
    })
    .optional(),
  quantile: field(
    percentageMeta("Of latency: which share of the tasks must be faster; default: 95%.", "99%"),
    readPercentage,
  ).optional(),
  above: field(
    {
      description:
        "It fires when the value is above this: messages of queueLength, a duration of latency and scrapeAge, else a percentage. Default: 90% of brokerMemory, 2% of backlogSlope; else it must be said, but for brokerBlocked, which has none.",
      ...LIMIT_FORMS,
      examples: [50_000],
    },
    (value) => value,
  ).optional(),
  for: duration(
    "How long the value must be above before it fires; default: 5s of brokerBlocked, 10s of queueLength and brokerMemory, 30s of backlogSlope, failedShare and latency, else 0s.",
  ).optional(),
  resumeBelow: field(
    {
      description:
        "Below this the load goes on, after coolDown; between the two nothing changes. Default: half of above; 80% of latency's, 90% of brokerMemory's and share's.",
      ...LIMIT_FORMS,
      examples: [10_000],
    },
    (value) => value,
  ).optional(),
  coolDown: duration(
    "How long the value must be below resumeBelow before the load goes on; default: 30s.",
  ).optional(),
  do: z
    .enum([...GUARD_ACTIONS, "off"], { error: "must be warn, throttle, pause, stop or off" })
    .meta({
      description:
        "warn: say so; throttle: lower the rates until our share holds (share only, and its default); pause: start nothing until it is over (default); stop: end the scenarios for good; off: no such guard.",
    })
    .optional(),
  scenarios: z
    .array(z.string({ error: "must be the name of a scenario" }), {
      error: "must be a list of scenarios such as [steady]",
    })
    .min(1, { error: "must have at least one scenario" })
    .meta({
      description:
        "The scenarios that are held back; left out: all that send to the queue or through the connection, or that the value is of.",
    })
    .optional(),
});

/** What was written of a guard, or is meant by a default one. */
type WrittenGuard = Partial<Omit<z.output<typeof guardFields>, "name">>;

/** A guard as it is written. */
export const guardSchema = guardFields.transform((written, context): GuardPart => {
  const { name, ...own } = written;
  const guard: WrittenGuard = { ...DEFAULT_GUARDS[name], ...own };
  const { watch } = guard;
  const add = (path: keyof WrittenGuard, error: ReadError) =>
    context.addIssue({
      code: "custom",
      path: [path],
      message: error.message,
      params: error.details,
    });
  if (watch === undefined) {
    const remedy = "Write watch: queueLength.";
    add(
      "watch",
      new ReadError("it is missing, and only the guards that are on by default have one", {
        remedy,
        hidesValue: true,
      }),
    );
    return z.NEVER;
  }
  const form: WatchForm = WATCH_FORMS[watch];
  for (const [key, isFor] of Object.entries(NARROWED_BY)) {
    if (own[key as keyof WrittenGuard] === undefined || isFor(form, watch)) continue;
    const remedy = "Remove it, or watch something else.";
    const message = `must be left out with watch: ${watch}`;
    add(key as keyof WrittenGuard, new ReadError(message, { remedy, hidesValue: true }));
  }
  const action = guard.do ?? form.action;
  if (action === "throttle" && form.action !== "throttle") {
    const remedy = "Write do: pause.";
    add("do", new ReadError("must be warn, pause, stop or off unless watch: share", { remedy }));
  }
  const limits = readLimits(guard, form, watch, add);
  if (limits === null) return z.NEVER;
  return {
    name,
    watch,
    queue: guard.queue ?? null,
    connection: guard.connection ?? null,
    scenario: guard.scenario ?? null,
    task: guard.task ?? null,
    quantile: guard.quantile ?? QUANTILE,
    ...limits,
    forMs: guard.for ?? form.forMs,
    coolDownMs: guard.coolDown ?? COOL_DOWN_MS,
    action,
    scenarios: guard.scenarios ?? null,
  };
});

/** Keys that mean something for some watches only. */
const NARROWED_BY: Readonly<Record<string, (form: WatchForm, watch: Watch) => boolean>> = {
  queue: ({ subject }) => subject === "queue",
  connection: ({ subject }) => subject === "queue" || subject === "connection",
  scenario: ({ subject }) => subject === "tasks",
  task: ({ subject }) => subject === "tasks",
  quantile: (_form, watch) => watch === "latency",
  above: ({ unit }) => unit !== null,
  resumeBelow: ({ unit }) => unit !== null,
};

/** Of what is so or not: 1 is above, 0 below. */
const SO_OR_NOT = { limit: 0.5, resumeBelow: 0.5 };

function readLimits(
  guard: WrittenGuard,
  form: WatchForm,
  watch: Watch,
  add: (key: "above" | "resumeBelow", error: ReadError) => void,
): { limit: number; resumeBelow: number } | null {
  const { unit } = form;
  if (unit === null) return SO_OR_NOT;
  const above = guard.above ?? form.above;
  if (above === null) {
    const remedy = `Write above: ${UNITS[unit].example}.`;
    add("above", new ReadError(`it is missing, and watch: ${watch} needs it`, { remedy }));
    return null;
  }
  const read = (key: "above" | "resumeBelow", value: unknown): number | null => {
    try {
      return UNITS[unit].read(value);
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
      add(key, error);
      return null;
    }
  };
  const limit = read("above", above);
  const { resumeBelow: written } = guard;
  const resumeBelow =
    written === undefined
      ? limit && (unit === "messages" ? Math.max(1, limit * form.resumeAt) : limit * form.resumeAt)
      : read("resumeBelow", written);
  if (limit === null || resumeBelow === null) return null;
  if (written === undefined || resumeBelow < limit) return { limit, resumeBelow };
  const message = `must be below above (${String(above)}), or the load would be paused and resumed in turns`;
  add("resumeBelow", new ReadError(message, { remedy: "Write half of it." }));
  return null;
}

const UNITS = {
  messages: { read: readMessages, example: "50000" },
  percentage: { read: readPercentage, example: "10%" },
  duration: { read: (value: unknown) => readDuration(value, true), example: "2s" },
} as const;

function readMessages(value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 1) return value as number;
  const digits = typeof value === "string" ? value.replace(/[_,](?=\d{3})/g, "") : "";
  const remedy = `Write ${/^[1-9]\d{0,14}$/.test(digits) ? digits : "50000"}.`;
  throw new ReadError("must be a whole number of messages from 1 on", { remedy });
}

/** Those that are written and those that are on by default, without those that are switched off. */
export function withDefaultGuards(written: readonly GuardPart[]): readonly GuardConfig[] {
  const names = new Set(written.map(({ name }) => name));
  const defaults = DEFAULT_GUARD_NAMES.filter((name) => !names.has(name)).map((name) =>
    guardSchema.parse({ name }),
  );
  return [...defaults, ...written].flatMap(({ action, ...guard }) =>
    action === "off" ? [] : { ...guard, action },
  );
}

function list(words: readonly string[], last: string): string {
  const quoted = words.map((word) => (word.includes(" ") ? quote(word) : word));
  return `${quoted.slice(0, -1).join(", ")} ${last} ${quoted.at(-1)}`;
}
