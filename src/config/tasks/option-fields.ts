import * as z from "zod";
import { type OptionPlace, optionIn, optionsIn } from "../../celery/messages/known-options.js";
import { LOGIN_METHODS } from "../../celery/urls/amqp-url.js";
import { DEFAULT_TRANSPORT } from "../../celery/urls/transport.js";
import { hiddenText } from "../connections/url-field.js";
import { field, ReadError, wholeNumber } from "../fields.js";
import { mappingMeta, readMapping } from "../mapping.js";
import type { Path } from "../sources/tree.js";

const optionText = (name: string) => optionIn("options", name)?.text ?? "";

/** Those that change what goes over the wire. */
const transportFields = {
  priority_steps: z
    .array(wholeNumber(0, 9, "A priority that has a list of its own."))
    .min(1, { error: "must have at least one step" })
    .refine(isAscending, { error: "must be in ascending order, each step once" })
    .meta({
      description: "On Redis, priorities that have a list of their own; must match the workers'.",
    })
    .prefault([...DEFAULT_TRANSPORT.priority_steps]),
  sep: filledText(
    "On Redis, what stands between queue and priority; must match the workers'.",
  ).prefault(DEFAULT_TRANSPORT.sep),
  global_keyprefix: z
    .string({ error: "must be text" })
    .meta({
      description: "On Redis, text before every key and channel; must match the workers'.",
    })
    .prefault(""),
  fanout_prefix: field(
    {
      description:
        "On Redis, what stands before the channels of events and remote control: true for /{db}., false for nothing, or a text instead; must match the workers'.",
      anyOf: [{ type: "boolean" }, { type: "string" }],
    },
    (value) => {
      if (typeof value === "boolean" || typeof value === "string") return value;
      throw new ReadError("must be true, false or text", { remedy: "Write true." });
    },
  ).prefault(true),
  fanout_patterns: flag(
    "On Redis, whether the channels of events end in their routing key; must match the workers'.",
  ).prefault(true),
  ack_emulation: flag(optionText("ack_emulation")).prefault(DEFAULT_TRANSPORT.ack_emulation),
  unacked_key: filledText(optionText("unacked_key")).prefault(DEFAULT_TRANSPORT.unacked_key),
  control_exchange: filledText(optionText("control_exchange")).prefault(
    DEFAULT_TRANSPORT.control_exchange,
  ),
  event_exchange: filledText(optionText("event_exchange")).prefault(
    DEFAULT_TRANSPORT.event_exchange,
  ),
  event_queue_prefix: filledText(optionText("event_queue_prefix")).prefault(
    DEFAULT_TRANSPORT.event_queue_prefix,
  ),
};

/** Those of redis-py's that say how a connection is kept; Python's None is as good as nothing. */
const socketFields = {
  socket_timeout: seconds("socket_timeout", 0.1, 86_400),
  socket_connect_timeout: seconds("socket_connect_timeout", 0.1, 3600),
  socket_keepalive: orNone("socket_keepalive", z.boolean({ error: "must be true or false" })),
  health_check_interval: seconds("health_check_interval", 0, 86_400),
  client_name: orNone(
    "client_name",
    z
      .string({ error: "must be text" })
      .regex(/^[!-~]+$/, { error: "must be text without spaces, of ASCII alone" }),
  ),
};

/** py-amqp's. */
const amqpFields = {
  heartbeat: orNone("heartbeat", wholeNumber(0, 65_535, "")),
  connect_timeout: seconds("connect_timeout", 0.1, 3600),
  login_method: orNone(
    "login_method",
    z.enum(LOGIN_METHODS, { error: "must be PLAIN, AMQPLAIN or EXTERNAL" }),
  ),
  frame_max: orNone("frame_max", wholeNumber(4096, 999_999_999, "")),
  client_properties: field(mappingMeta(optionText("client_properties")), readMapping).optional(),
};

export const optionsSchema = z
  .strictObject({
    ...transportFields,
    ...socketFields,
    ...amqpFields,
    master_name: masterName("Name of the Redis that the Sentinels watch; sentinel:// needs it."),
    sentinel_kwargs: sentinelKwargs("How to log in to the Sentinels."),
    ...idleFields("options"),
    visibility_timeout: seconds(
      "visibility_timeout",
      1,
      1e9,
      idleText("options", "visibility_timeout"),
    ),
  })
  .meta({ description: "Celery's broker_transport_options, with its own names." })
  .prefault({});

export const backendOptionsSchema = z
  .strictObject({
    global_keyprefix: z
      .string({ error: "must be text" })
      .meta({
        description:
          "On Redis, text before the key and channel of every result, with an underscore after it unless it ends in one of : _ - . itself; must match the workers', and Celery before 5.3 ignores it. The broker's global_keyprefix does not count for results.",
      })
      .prefault(""),
    ...socketFields,
    master_name: masterName(
      "Name of the Redis that the Sentinels of a sentinel:// backend watch; default: options.master_name.",
    ),
    sentinel_kwargs: sentinelKwargs(
      "How to log in to the Sentinels of a sentinel:// backend; default: options.sentinel_kwargs.",
    ),
    ...idleFields("backendOptions"),
  })
  .meta({ description: "Celery's result_backend_transport_options, with its own names." })
  .prefault({});

/** Is the key at the end of a path an option that is accepted and does nothing? */
export function isIdleKey(path: Path): boolean {
  const [section, , ...rest] = path;
  const [place, key] = rest.slice(-2);
  const isPlace = place === "options" || place === "backendOptions" || place === "sentinel_kwargs";
  if (section !== "connections" || !isPlace) return false;
  return (optionIn(place, String(key))?.does ?? "acts") !== "acts";
}

/** The options that are known and do nothing here take any value. */
function idleFields(place: OptionPlace): Record<string, z.ZodOptional<z.ZodUnknown>> {
  return Object.fromEntries(
    optionsIn(place)
      .filter(({ does }) => does !== "acts")
      .map(({ name }) => [
        name,
        z
          .unknown()
          .meta({ description: idleText(place, name) })
          .optional(),
      ]),
  );
}

function idleText(place: OptionPlace, name: string): string {
  return `Accepted and ignored: ${optionIn(place, name)?.text}.`;
}

function filledText(description: string) {
  return z
    .string({ error: "must be text" })
    .min(1, { error: "must not be empty" })
    .meta({ description });
}

function flag(description: string) {
  return z.boolean({ error: "must be true or false" }).meta({ description });
}

/** A number, as Python has it, or null for its None. */
function seconds(name: string, minimum: number, maximum: number, description = optionText(name)) {
  const meta = { description, type: ["number", "null"], minimum, maximum, examples: [5] };
  return field(meta, (value): number | null => {
    if (value === null) return null;
    if (typeof value === "number" && value >= minimum && value <= maximum) return value;
    const [, written] = /^(\d+(?:\.\d+)?) ?s?$/.exec(String(value)) ?? [];
    throw new ReadError(`must be a number of seconds from ${minimum} to ${maximum}`, {
      remedy: `Write ${typeof value === "string" ? (written ?? 5) : 5}.`,
    });
  }).optional();
}

/** An option that may be Python's None. */
function orNone<T extends z.ZodType>(name: string, schema: T) {
  return schema
    .nullable()
    .meta({ description: optionText(name) })
    .optional();
}

function masterName(description: string) {
  return filledText(description).optional();
}

/** Arguments of redis-py's connections to the Sentinels. */
function sentinelKwargs(description: string) {
  return z
    .strictObject({
      username: z
        .string({ error: "must be text" })
        .meta({ description: "The Sentinels' own user name; that of the URL is for Redis." })
        .optional(),
      password: secretField("The Sentinels' own password; that of the URL is for Redis."),
      passwordFile: hiddenText("File that holds this password, instead of password."),
      ssl: flag("Reach the Sentinels by TLS, too; default: false.").optional(),
      ...idleFields("sentinel_kwargs"),
    })
    .meta({ description })
    .optional();
}

/** Text that no message shows. */
function secretField(description: string) {
  return field({ description, type: "string" }, (value) => {
    if (typeof value === "string") return value;
    throw new ReadError("must be text", { remedy: "Put it in quotes.", hidesValue: true });
  }).optional();
}

function isAscending(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > numbers[index - 1]!);
}
