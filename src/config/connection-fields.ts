import * as z from "zod";
import { parseManagementUrl } from "../celery/management-url.js";
import { resolveUrl, type UrlSettings } from "../celery/resolved-url.js";
import { checkBackendUrl, checkBrokerUrl, kindOf } from "../celery/server-url.js";
import { field, ReadError, wholeNumber } from "./fields.js";

/** A broker and the result backend that belongs to it. */
export interface ConnectionConfig {
  /**
   * URL that `parseRedisUrl` or `parseAmqpUrl` reads, with everything in it that is written beside it
   * (`resolveUrl`); print it with `redactUrl` only.
   */
  readonly broker: string;
  /** The same, or `rpc://`: replies through the broker. */
  readonly backend: string;
  /** Remove the stored results of tasks that have ended. */
  readonly forget: boolean;
  /** URL of RabbitMQ's management API that `parseManagementUrl` reads; print it with `redactUrl` only. */
  readonly management: string | null;
  /** How the workers are observed. */
  readonly events: "auto" | "on" | "off";
  /** Send an event for each task, as Celery's producers do with `task_send_sent_event`. */
  readonly sendTaskSentEvents: boolean;
  /** How the servers are spoken to on the hot path. */
  readonly client: "direct" | "library";
  /** Celery's `broker_transport_options`, with its own names. */
  readonly options: {
    readonly priority_steps: readonly number[];
    readonly sep: string;
    readonly global_keyprefix: string;
    readonly fanout_prefix: boolean | string;
    readonly fanout_patterns: boolean;
  };
  /** Celery's `result_backend_transport_options`, with its own names. */
  readonly backendOptions: { readonly global_keyprefix: string };
  /** Hosts that may be connected to; null: every host. */
  readonly allow: { readonly hosts: readonly string[] | null };
}

const tlsSchema = z
  .strictObject({
    caFile: fileField("PEM file of the CA certificates to trust instead of the system's."),
    certFile: fileField("PEM file of our own certificate, for servers that ask for one."),
    keyFile: fileField("PEM file of its private key; default: certFile, which may hold both."),
    serverName: z
      .string({ error: "must be a host name" })
      .min(1, { error: "must not be empty" })
      .meta({ description: "Name that the server's certificate must have; default: the host." })
      .optional(),
    verify: z
      .boolean({ error: "must be true or false" })
      .meta({
        description:
          "Refuse servers whose certificate is not proved; default: true, unless the URL has ssl_cert_reqs=none.",
      })
      .optional(),
  })
  .meta({
    description:
      "TLS of a rediss://, amqps:// or sentinel:// URL; each key wins over ssl_* in the URL, and paths start from the file that they stand in.",
  });

const optionsSchema = z
  .strictObject({
    priority_steps: z
      .array(wholeNumber(0, 9, "A priority that has a list of its own."))
      .min(1, { error: "must have at least one step" })
      .refine(isAscending, { error: "must be in ascending order, each step once" })
      .meta({
        description: "On Redis, priorities that have a list of their own; must match the workers'.",
      })
      .prefault([0, 3, 6, 9]),
    sep: z
      .string({ error: "must be text" })
      .min(1, { error: "must not be empty" })
      .meta({
        description: "On Redis, what stands between queue and priority; must match the workers'.",
      })
      .prefault("\x06\x16"),
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
    fanout_patterns: z
      .boolean({ error: "must be true or false" })
      .meta({
        description:
          "On Redis, whether the channels of events end in their routing key; must match the workers'.",
      })
      .prefault(true),
    queue_order_strategy: z
      .string({ error: "must be text" })
      .meta({
        description:
          "In which order a worker reads its queues. Nothing that is published depends on it: accepted so that Celery's options can be copied, and ignored.",
      })
      .optional(),
    master_name: masterName("Name of the Redis that the Sentinels watch; sentinel:// needs it."),
    sentinel_kwargs: sentinelKwargs("How to log in to the Sentinels."),
  })
  .meta({ description: "Celery's broker_transport_options, with its own names." })
  .prefault({});

const backendOptionsSchema = z
  .strictObject({
    global_keyprefix: z
      .string({ error: "must be text" })
      .meta({
        description:
          "On Redis, text before the key and channel of every result, with an underscore after it unless it ends in one of : _ - . itself; must match the workers', and Celery before 5.3 ignores it. The broker's global_keyprefix does not count for results.",
      })
      .prefault(""),
    master_name: masterName(
      "Name of the Redis that the Sentinels of a sentinel:// backend watch; default: options.master_name.",
    ),
    sentinel_kwargs: sentinelKwargs(
      "How to log in to the Sentinels of a sentinel:// backend; default: options.sentinel_kwargs.",
    ),
  })
  .meta({ description: "Celery's result_backend_transport_options, with its own names." })
  .prefault({});

/** A connection as it is written. */
export const connectionSchema = z.strictObject({
  broker: urlField(
    "URL of the broker, as in Celery's broker_url: redis://[user][:password]@host:port/db, rediss, redis+socket:///path?virtual_host=N, sentinel, amqp://user:password@host:port/vhost or amqps.",
    "redis://127.0.0.1:6379/0",
    checkBrokerUrl,
  ),
  backend: urlField(
    "URL of the result backend, as in Celery's result_backend: one of Redis as above, rpc://, or disabled (outcomes come from events); default: the broker if it is a Redis, or else rpc://.",
    "redis://127.0.0.1:6379/0",
    checkBackendUrl,
  ).optional(),
  client: z
    .enum(["direct", "library", "ioredis"], { error: "must be direct or library" })
    .meta({
      description:
        "How tasks and results go over the connection: direct, past the client library (ioredis, amqplib) once that has connected, or by the library alone, which takes two to four times the CPU. The word ioredis is an older one for library.",
    })
    .prefault("direct"),
  forget: z
    .boolean({ error: "must be true or false" })
    .meta({
      description:
        "Remove the stored results of tasks that have ended, as AsyncResult.forget() does; else they stay for the app's result_expires.",
    })
    .prefault(true),
  events: z
    .enum(["auto", "on", "off"], { error: "must be auto, on or off" })
    .meta({
      description:
        "How the workers are observed: auto listens to the events that they send and asks them for their pools and queues; on switches task events on as well while we run, where they are off; off leaves the workers alone.",
    })
    .prefault("auto"),
  sendTaskSentEvents: z
    .boolean({ error: "must be true or false" })
    .meta({
      description:
        "Send a task-sent event for each task that the broker has taken, as Celery's producers do with task_send_sent_event, so that Flower and exporters count our tasks among those that were sent. Costs the broker a message more for each task.",
    })
    .prefault(false),
  management: urlField(
    "URL of RabbitMQ's management API, which alone knows what workers hold unacknowledged: http://user:password@host:15672 or https; the user needs the tag monitoring.",
    "http://127.0.0.1:15672",
    parseManagementUrl,
  ).optional(),
  tls: tlsSchema.optional(),
  options: optionsSchema,
  backendOptions: backendOptionsSchema,
  allow: z
    .strictObject({
      hosts: z
        .array(
          z
            .string({ error: "must be a host, host:port, or the path of a socket" })
            .min(1, { error: "must be a host, host:port, or the path of a socket" }),
          { error: "must be a list of hosts such as [redis.staging]" },
        )
        .nullable()
        .meta({ description: "The only hosts that may be connected to; null: every host." })
        .prefault(null),
    })
    .meta({ description: "What this connection may reach." })
    .prefault({}),
});

export type ConnectionPart = z.output<typeof connectionSchema>;

/** A connection as it is used, with everything that depends on other keys. */
export function resolveConnection(connection: ConnectionPart): ConnectionConfig {
  const { broker, forget, events, sendTaskSentEvents, client } = connection;
  const { options, backendOptions, allow, management } = connection;
  const { priority_steps, sep, global_keyprefix, fanout_prefix, fanout_patterns } = options;
  const backend = connection.backend ?? defaultBackend(broker);
  return {
    broker: resolveUrl(broker, urlSettings(connection, options)),
    backend: resolveUrl(backend, urlSettings(connection, { ...options, ...backendOptions })),
    forget,
    management: management ?? null,
    events,
    sendTaskSentEvents,
    client: client === "ioredis" ? "library" : client,
    options: { priority_steps, sep, global_keyprefix, fanout_prefix, fanout_patterns },
    backendOptions: { global_keyprefix: backendOptions.global_keyprefix },
    allow,
  };
}

/** Redis stores results as well; what RabbitMQ has of its own is `rpc://`. */
export function defaultBackend(broker: string): string {
  return kindOf(broker) === "amqp" ? "rpc://" : broker;
}

function urlSettings(
  { tls, allow }: ConnectionPart,
  {
    master_name,
    sentinel_kwargs,
  }: Pick<ConnectionPart["options"], "master_name" | "sentinel_kwargs">,
): UrlSettings {
  return {
    ...(tls === undefined ? {} : { tls }),
    masterName: master_name,
    ...(sentinel_kwargs === undefined ? {} : { sentinel: sentinel_kwargs }),
    allowedHosts: allow.hosts,
  };
}

function urlField(description: string, example: string, check: (url: string) => unknown) {
  const meta = { description, type: "string", examples: [example] };
  return field(meta, (value) => {
    if (typeof value !== "string") throw noUrl(value);
    if (/,\s*[a-z+]+:\/\//i.test(value)) {
      const remedy = "Write ; for the comma between the URLs.";
      throw new ReadError("must be one URL, or several with ; between them", {
        remedy,
        hidesValue: true,
      });
    }
    check(value);
    return value;
  });
}

function noUrl(value: unknown): ReadError {
  const remedy = Array.isArray(value)
    ? "Write several URLs as one text, with ; between them."
    : "Write redis://127.0.0.1:6379/0.";
  return new ReadError("must be a URL", { remedy, hidesValue: true });
}

function fileField(description: string) {
  return z
    .string({ error: "must be the path of a file" })
    .min(1, { error: "must be the path of a file" })
    .meta({ description })
    .optional();
}

function masterName(description: string) {
  return z
    .string({ error: "must be text" })
    .min(1, { error: "must not be empty" })
    .meta({ description })
    .optional();
}

function sentinelKwargs(description: string) {
  return z
    .strictObject({
      username: z
        .string({ error: "must be text" })
        .meta({ description: "The Sentinels' own user name; that of the URL is for Redis." })
        .optional(),
      password: secretField("The Sentinels' own password; that of the URL is for Redis."),
      ssl: z
        .boolean({ error: "must be true or false" })
        .meta({ description: "Reach the Sentinels by TLS, too; default: false." })
        .optional(),
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
