import { parseAmqpUrl } from "./amqp-url.js";
import { parseRedisUrl } from "./redis-url.js";
import type { TlsSettings } from "./tls-query.js";

/** Where a broker's URL leads, whatever its kind. */
export interface ServerAddress {
  /** In lower case, without brackets; empty for a Unix socket. */
  readonly host: string;
  readonly port: number;
  /** Path of a Unix socket. */
  readonly path?: string;
  readonly tls?: TlsSettings;
  /** The other servers of a fail-over list. */
  readonly alternatives?: readonly ServerAddress[];
  /** Asked for the server; then `host` and `port` are the first one's. */
  readonly sentinel?: {
    readonly servers: readonly { readonly host: string; readonly port: number }[];
  };
}

/** What is true of all brokers of a kind. */
export interface BrokerTraits {
  readonly schemes: readonly string[];
  /** @throws UserError when the URL is none of a server of this kind; `hint` is the remedy */
  parse(url: string): ServerAddress;
  /** The priority that a producer of Celery sends for an urgency, 9 being what is served first. */
  priorityOf(urgency: number): number;
  /** Where results go when the configuration names no backend. */
  defaultBackend(url: string): string;
  /** Number of the database; null where there are none. */
  databaseOf(url: string): number | null;
  /** What the URL wants its connections to be called; undefined when it does not say. */
  clientNameOf(url: string): unknown;
  /** It can hold a task until it is due (`nativeDelayedDelivery`). */
  readonly holdsDelayedTasks: boolean;
  /** It has a management API. */
  readonly hasManagement: boolean;
  /** It can be a result backend of its own. */
  readonly storesResults: boolean;
}

/** One that lacks something does not compile. */
export const BROKER_KINDS = {
  redis: {
    schemes: ["redis", "rediss", "redis+socket", "socket", "sentinel"],
    parse: parseRedisUrl,
    // Redis has a list for each priority, and serves that of 0 first (`kombu/transport/redis.py`).
    priorityOf: (urgency) => 9 - urgency,
    defaultBackend: (url) => url,
    databaseOf: (url) => parseRedisUrl(url).db,
    clientNameOf: (url) => parseRedisUrl(url).socket?.clientName,
    holdsDelayedTasks: false,
    hasManagement: false,
    storesResults: true,
  },
  amqp: {
    schemes: ["amqp", "pyamqp", "amqps"],
    parse: parseAmqpUrl,
    priorityOf: (urgency) => urgency,
    defaultBackend: () => "rpc://",
    databaseOf: () => null,
    clientNameOf: (url) => parseAmqpUrl(url).clientProperties?.connection_name,
    holdsDelayedTasks: true,
    hasManagement: true,
    storesResults: false,
  },
} as const satisfies Readonly<Record<string, BrokerTraits>>;

export type BrokerKind = keyof typeof BROKER_KINDS;
