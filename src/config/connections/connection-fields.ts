import * as z from "zod";
import { isNetwork } from "../../celery/urls/allowed-hosts.js";
import { parseManagementUrl, resolveManagementUrl } from "../../celery/urls/management-url.js";
import { resolveUrl, type UrlSettings } from "../../celery/urls/resolved-url.js";
import { brokerTraits, checkBackendUrl, checkBrokerUrl } from "../../celery/urls/server-url.js";
import type { BackendTransport, BrokerTransport } from "../../celery/urls/transport.js";
import { backendOptionsSchema, optionsSchema } from "../tasks/option-fields.js";
import { urlField } from "./url-field.js";

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
  readonly options: BrokerTransport;
  readonly backendOptions: BackendTransport;
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

/** A connection as it is written. */
export const connectionSchema = z.strictObject({
  broker: urlField(
    "URL of the broker, as in Celery's broker_url, or a list of such: redis://[user][:password]@host:port/db, rediss, redis+socket:///path?virtual_host=N, sentinel, amqp://user:password@host:port/vhost or amqps.",
    "redis://127.0.0.1:6379/0",
    checkBrokerUrl,
    { takesList: true },
  ),
  backend: urlField(
    "URL of the result backend, as in Celery's result_backend, or a list of such: one of Redis as above, rpc://, or disabled (outcomes come from events); default: the broker if it is a Redis, or else rpc://.",
    "redis://127.0.0.1:6379/0",
    checkBackendUrl,
    { takesList: true },
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
    "URL of RabbitMQ's management API, which alone knows what workers hold unacknowledged, and of which type a queue is: http://user:password@host:15672 or https; the user needs the tag monitoring.",
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
            .min(1, { error: "must be a host, host:port, or the path of a socket" })
            .refine((entry) => !/^[^/].*\//.test(entry) || isNetwork(entry), {
              error:
                "must be a network such as 10.2.0.0/16, a host, host:port, or the path of a socket",
            }),
          { error: "must be a list of hosts such as [redis.staging]" },
        )
        .nullable()
        .meta({
          description:
            "The only hosts that may be connected to: names, addresses, host:port, paths of sockets. With networks such as 10.2.0.0/16 among them, each address that DNS gives must lie in one as well, at every connection; with networks alone any name may be used. null: every host.",
        })
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
  const backend = connection.backend ?? defaultBackend(broker);
  return {
    broker: resolveUrl(broker, urlSettings(connection, options, options)),
    backend: resolveUrl(backend, urlSettings(connection, backendOptions, options)),
    forget,
    management: management === undefined ? null : resolveManagementUrl(management, allow.hosts),
    events,
    sendTaskSentEvents,
    client: client === "ioredis" ? "library" : client,
    options: transportOf(options),
    backendOptions: { global_keyprefix: backendOptions.global_keyprefix },
    allow,
  };
}

/** Where results go when nothing says where. */
export function defaultBackend(broker: string): string {
  return brokerTraits(broker)?.defaultBackend(broker) ?? broker;
}

function transportOf(options: ConnectionPart["options"]): BrokerTransport {
  const { priority_steps, sep, global_keyprefix, fanout_prefix, fanout_patterns } = options;
  const { ack_emulation, unacked_key } = options;
  const { control_exchange, event_exchange, event_queue_prefix } = options;
  return {
    ...{ priority_steps, sep, global_keyprefix, fanout_prefix, fanout_patterns },
    ...{ ack_emulation, unacked_key },
    ...{ control_exchange, event_exchange, event_queue_prefix },
  };
}

/** `options` are those of the URL, `fallback` those from which it takes its Sentinels. */
function urlSettings(
  { tls, allow }: ConnectionPart,
  options: ConnectionPart["backendOptions"],
  fallback: ConnectionPart["options"],
): UrlSettings {
  const { master_name = fallback.master_name, sentinel_kwargs = fallback.sentinel_kwargs } =
    options;
  return {
    ...(tls === undefined ? {} : { tls }),
    masterName: master_name,
    ...(sentinel_kwargs === undefined ? {} : { sentinel: sentinel_kwargs }),
    allowedHosts: allow.hosts,
    options,
  };
}

function fileField(description: string) {
  return z
    .string({ error: "must be the path of a file" })
    .min(1, { error: "must be the path of a file" })
    .meta({ description })
    .optional();
}
