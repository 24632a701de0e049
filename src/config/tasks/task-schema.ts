import * as z from "zod";
import { HAS_ZSTD } from "../../celery/messages/body-encoding.js";
import { MAX_DELAY_MS, MAX_DELAYED_KEY_BYTES } from "../../celery/messages/delayed-delivery.js";
import type { TaskOptions } from "../../celery/messages/task-options.js";
import { COMPRESSIONS, type Compression, SERIALIZERS } from "../../celery/messages/task-options.js";
import { type CodeFile, codeField } from "../code-file.js";
import { duration, durationOr, wholeNumber } from "../fields.js";
import { partialOf } from "../shape.js";
import { headersField, stampsField } from "./header-fields.js";
import {
  argsField,
  etaField,
  exchangeField,
  expectField,
  kwargsField,
  queueField,
  reprField,
  taskNameField,
} from "./task-fields.js";
import { chainField, chordField, type MemberRef, membersField } from "./workflow-fields.js";

const PICKLE_REFUSED =
  "must be json, msgpack or yaml: pickle is code that the worker would run, and workers refuse it unless told otherwise";
const COMPRESSION_REFUSED = `must be ${COMPRESSIONS.join(", ")} or none: bzip2 and lzma have no well-kept library for Node`;
const ZSTD_REFUSED = `must not be zstd on Node ${process.versions.node}, which has it since 22.15`;

const timeLimit = (description: string) => durationOr("none", description).prefault("none");

/** An entry of `tasks`; where Celery has a name for an option, that is its name. */
const taskFields = z.strictObject({
  name: taskNameField("Name under which the workers registered the task.").optional(),
  chain: chainField(
    "Instead of name: tasks that run one after the other, each with the result of the one before.",
  ).optional(),
  group: membersField("Instead of name: tasks that run side by side.").optional(),
  chord: chordField(
    "Instead of name: tasks that run side by side, and one that gets the list of their results.",
  ).optional(),
  args: argsField("Positional arguments; texts may hold templates.").prefault([]),
  kwargs: kwargsField("Keyword arguments; texts may hold templates.").prefault({}),
  payload: codeField(
    "Module whose default function gives args and kwargs for each start, instead of them; it runs in a thread of its own.",
  ).optional(),
  data: z
    .string({ error: "must be a name of data" })
    .meta({
      description: "Name of the data of which each start takes a row, for {{ row.column }}.",
    })
    .optional(),
  queue: queueField(
    "Queue that the task is sent to, or ends in when an exchange is named.",
  ).prefault("celery"),
  exchange: exchangeField(
    "Exchange that the task is published to, with routingKey; left out: straight to the queue.",
  ).optional(),
  routingKey: exchangeField("Routing key for the exchange; default: the queue's name.").optional(),
  priority: wholeNumber(
    0,
    9,
    "The number that Celery's producers send: on RabbitMQ 9 is served first, on Redis 0.",
  ).prefault(0),
  urgency: wholeNumber(
    0,
    9,
    "Priority with one meaning on every broker, instead of priority: 9 is served first.",
  ).optional(),
  deliveryMode: z
    .enum(["persistent", "transient"], { error: "must be persistent or transient" })
    .meta({ description: "Whether the broker writes the message to disk, where it can." })
    .prefault("persistent"),
  timeout: duration("When to stop waiting for the result.", { positive: true }).prefault("60s"),
  expires: durationOr(
    "none",
    "When workers discard the message unread; default: timeout; none: never.",
  ).optional(),
  countdown: durationOr(
    "none",
    "Workers start the task this long after it was sent; it is part of the latency.",
  ).prefault("none"),
  eta: etaField("Workers start the task at this time, instead of after a countdown.").optional(),
  nativeDelayedDelivery: z
    .boolean({ error: "must be true or false" })
    .meta({
      description:
        "RabbitMQ holds the message for its countdown, as Celery 5.5 does for quorum queues; needs an exchange that is not direct.",
    })
    .prefault(false),
  timeLimit: timeLimit("The worker kills the task after this time."),
  softTimeLimit: timeLimit("The worker raises SoftTimeLimitExceeded in the task after this time."),
  retries: wholeNumber(0, 1_000_000, "Attempts that the task claims to have behind it.").prefault(
    0,
  ),
  ignoreResult: z
    .boolean({ error: "must be true or false, or left out for what the task itself says" })
    .nullable()
    .meta({
      description:
        "Whether workers store no result; null: what the task itself says. With true the end is known by task events alone (events of the connection); without them the task ends as unknown at its timeout.",
    })
    .prefault(null),
  expect: expectField(
    "What the task must return; any other answer is a failure (exception check). Left out: any success will do.",
  ).optional(),
  shadow: reprField("Name that logs and events show instead of the task's.").optional(),
  link: membersField("Tasks that workers send when this one succeeds.").optional(),
  linkError: membersField(
    "Tasks that workers send when this one fails; they are not measured.",
  ).optional(),
  headers: headersField("Message headers of your own.").prefault({}),
  stamps: stampsField("Stamps (Celery 5.3 and later): value by name.").prefault({}),
  serializer: z
    .enum(SERIALIZERS, {
      error: ({ input }) => (input === "pickle" ? PICKLE_REFUSED : "must be json, msgpack or yaml"),
    })
    .meta({ description: "How the arguments are written; workers must accept it." })
    .prefault("json"),
  compression: z
    .enum([...COMPRESSIONS, "none"], { error: COMPRESSION_REFUSED })
    .refine((name) => name !== "zstd" || HAS_ZSTD, { error: ZSTD_REFUSED })
    .meta({ description: "How the body is compressed." })
    .prefault("none"),
  protocol: z
    .union([z.literal(1), z.literal(2)], { error: "must be 1 or 2" })
    .meta({ description: "Version of Celery's message protocol (task_protocol)." })
    .prefault(2),
  argsrepr: reprField("Text for args in logs and events; default: made from args.").optional(),
  kwargsrepr: reprField(
    "Text for kwargs in logs and events; default: made from kwargs.",
  ).optional(),
});

/** Keys that make a task that one and no other: they have no place in `defaults`. */
export const OWN_KEYS: readonly string[] = [
  ...["name", "chain", "group", "chord"],
  ...["link", "linkError"],
];

/** What can be written once for all tasks. */
export const taskDefaultsSchema = partialOf(taskFields, OWN_KEYS);

export const taskSchema = taskFields
  .superRefine(checkTogether)
  .transform((task): TaskConfig | WorkflowConfig => {
    const { timeout: timeoutMs, chain, group, chord } = task;
    const stages = chain ?? chord ?? (group === undefined ? undefined : [group]);
    return stages === undefined ? readTask(task) : { stages, timeoutMs };
  });

/** Keys that make a workflow of an entry; beside them there is only its timeout. */
export const WORKFLOW_KEYS = ["chain", "group", "chord"] as const;

/** A task with its arguments and options, and how long its result is awaited. */
export interface TaskConfig extends TaskOptions {
  readonly timeoutMs: number;
  /** Replaces `priority` when it is set: 9 is served first on every broker. */
  readonly urgency: number | null;
  /** Name of what it takes rows of. */
  readonly data: string | null;
  /** Makes the arguments; null: they are `args` and `kwargs`. */
  readonly payload: CodeFile | null;
  /** Sent by the worker on success, and on failure. */
  readonly link: readonly MemberRef[];
  readonly linkError: readonly MemberRef[];
  /** What it must return; without it any success will do. */
  readonly expect?: { readonly result: unknown } | undefined;
}

/** Tasks that follow on each other: stages one after the other, the members of one side by side. */
export interface WorkflowConfig {
  readonly stages: readonly (readonly MemberRef[])[];
  /** How long the results of all are awaited. */
  readonly timeoutMs: number;
}

export function isWorkflow(entry: TaskConfig | WorkflowConfig): entry is WorkflowConfig {
  return "stages" in entry;
}

/**
 * The name under which the metrics show an entry of `tasks`: that of the registered task, or its key
 * when it is a workflow, as a task with callbacks is too.
 */
export function measuredName(key: string, entry: TaskConfig | WorkflowConfig): string {
  return isWorkflow(entry) || entry.link.length > 0 ? key : entry.name;
}

/** Each key by its name: what a rest of keys is spread into takes several times the memory and the time. */
function readTask(task: ReadTask): TaskConfig {
  return {
    name: task.name!,
    args: task.args,
    kwargs: task.kwargs,
    queue: task.queue,
    exchange: task.exchange ?? null,
    routingKey: task.routingKey ?? null,
    priority: task.priority,
    urgency: task.urgency ?? null,
    data: task.data ?? null,
    payload: task.payload ?? null,
    isPersistent: task.deliveryMode === "persistent",
    timeoutMs: task.timeout,
    expiresMs: task.expires === undefined ? task.timeout : task.expires,
    countdownMs: task.countdown,
    eta: task.eta ?? null,
    nativeDelayedDelivery: task.nativeDelayedDelivery,
    timeLimitSeconds: secondsOf(task.timeLimit),
    softTimeLimitSeconds: secondsOf(task.softTimeLimit),
    retries: task.retries,
    ignoreResult: task.ignoreResult,
    expect: task.expect,
    shadow: task.shadow ?? null,
    link: task.link ?? [],
    linkError: task.linkError ?? [],
    headers: task.headers,
    stamps: task.stamps,
    serializer: task.serializer,
    compression: task.compression === "none" ? null : (task.compression as Compression),
    protocol: task.protocol,
    argsrepr: task.argsrepr ?? null,
    kwargsrepr: task.kwargsrepr ?? null,
  };
}

/** The fields as they were read one by one. */
type ReadTask = z.output<typeof taskFields>;

/** Options that contradict each other: the task could never run, or not as it is written. */
function checkTogether(task: ReadTask, context: z.RefinementCtx): void {
  const refuse: Refuse = (key, message, remedy) =>
    context.addIssue({ code: "custom", path: [key], message, params: { remedy } });

  checkKind(task, refuse);
  if (task.priority !== 0 && task.urgency !== undefined) {
    refuse("urgency", "must not be set together with priority", "Keep one of them.");
  }
  if (task.routingKey !== undefined && task.exchange === undefined) {
    refuse("routingKey", "must come with an exchange", "Name the exchange, or set queue instead.");
  }
  if (task.eta !== undefined && task.countdown !== null) {
    refuse("eta", "must not be set together with countdown", "Keep one of them.");
  }
  const { countdown, timeout, expires = timeout } = task;
  if (countdown !== null && countdown >= timeout) {
    refuse(
      "countdown",
      "must be shorter than timeout, or no result comes in time",
      "Raise timeout.",
    );
  } else if (countdown !== null && expires !== null && countdown >= expires) {
    refuse(
      "countdown",
      "must be shorter than expires, or the task is always revoked",
      "Raise expires.",
    );
  }
  checkPayload(task, refuse);
  checkDelayedDelivery(task, refuse);
  checkExpect(task, refuse);
  if (
    task.timeLimit !== null &&
    task.softTimeLimit !== null &&
    task.softTimeLimit >= task.timeLimit
  ) {
    refuse("softTimeLimit", "must be shorter than timeLimit, or it never acts", "Raise timeLimit.");
  }
  if (task.protocol === 1) {
    const isOfVersion2 =
      Object.keys(task.stamps).length > 0 ||
      task.shadow !== undefined ||
      task.ignoreResult !== null;
    if (isOfVersion2) {
      refuse(
        "protocol",
        "must be 2 for stamps, shadow and ignoreResult",
        "Remove them or protocol.",
      );
    }
  }
}

/** Arguments are made for one message, in the form that it has of itself. */
function checkPayload({ payload, args, kwargs, protocol, link }: ReadTask, refuse: Refuse): void {
  if (payload === undefined) return;
  if (args.length > 0 || Object.keys(kwargs).length > 0) {
    refuse("payload", "must not be set together with args or kwargs", "Keep one of them.");
  }
  if (protocol === 1) refuse("payload", "must not be set with protocol 1", "Remove protocol.");
  if (link !== undefined && link.length > 0) {
    refuse("payload", "must not be set together with link", "Make a task without link.");
  }
}

/** An answer that is never read cannot be checked; that of a workflow's step decides nothing any more. */
function checkExpect({ expect, ignoreResult, link = [] }: ReadTask, refuse: Refuse): void {
  if (expect === undefined) return;
  if (ignoreResult === true) {
    refuse("expect", "must not be set together with ignoreResult", "Keep one of them.");
  }
  if (link.length > 0) {
    refuse("expect", "must not be set together with link", "Make a task without link.");
  }
}

type Refuse = (key: keyof ReadTask, message: string, remedy: string) => void;

function checkKind(task: ReadTask, refuse: Refuse): void {
  const [first, ...others] = (["name", ...WORKFLOW_KEYS] as const).filter(
    (key) => task[key] !== undefined,
  );
  if (first === undefined) refuse("name", "it is missing", "Write name: app.tasks.resize.");
  for (const key of others) {
    refuse(key, `must not be set together with ${first}`, "Make two tasks of it.");
  }
}

function checkDelayedDelivery(
  { nativeDelayedDelivery, exchange, countdown, queue, routingKey = queue }: ReadTask,
  refuse: Refuse,
): void {
  if (!nativeDelayedDelivery) return;
  const key = "nativeDelayedDelivery";
  if (countdown === null) refuse(key, "must come with a countdown", "Set countdown.");
  else if (countdown > MAX_DELAY_MS) {
    refuse(key, "must come with a countdown of at most 3106d", "Shorten countdown.");
  }
  if (exchange === undefined) {
    refuse(
      key,
      "must come with an exchange: through the anonymous one the worker holds the task",
      "Name the queue's topic exchange.",
    );
  }
  if (Buffer.byteLength(routingKey) > MAX_DELAYED_KEY_BYTES) {
    refuse(
      key,
      `must come with a routing key of at most ${MAX_DELAYED_KEY_BYTES} bytes, as the delay goes before it`,
      "Shorten it.",
    );
  }
}

function secondsOf(durationMs: number | null): number | null {
  return durationMs === null ? null : durationMs / 1000;
}
