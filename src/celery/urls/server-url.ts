import type { UserError } from "../../errors.js";
import { backendName, silenceOf } from "../results/silent-backend.js";
import type { ServerName } from "./allowed-hosts.js";
import { BROKER_KINDS, type BrokerKind, type BrokerTraits } from "./broker-kinds.js";
import { remedyForBroker } from "./likely-url.js";
import { urlError } from "./url-parts.js";

/** What speaks behind a URL; `rpc` is the broker's own, whichever that is, and `disabled` is nothing. */
export type ServerKind = BrokerKind | "rpc" | "disabled";

/**
 * The kind of server that a broker or result backend URL leads to, by its scheme; a backend may be named
 * without a URL (`rpc`), or by its class (`celery.backends.rpc.RPCBackend`).
 * @throws {UserError} when this version can use no such server; `hint` is the remedy.
 */
export function kindOf(url: string): ServerKind {
  const kind = likelyKindOf(url);
  if (kind === null) throw refusal(url, BROKER);
  return kind;
}

/** The same of a URL that may be none; null when it is none of ours. */
export function likelyKindOf(url: string): ServerKind | null {
  return KINDS.get(backendName(url.trim())) ?? null;
}

/** What the kind of broker behind a URL can do; null when it is none, such as `rpc://`. */
export function brokerTraits(url: string): BrokerTraits | null {
  const kind = likelyKindOf(url);
  return isBrokerKind(kind) ? BROKER_KINDS[kind] : null;
}

function isBrokerKind(kind: ServerKind | null): kind is BrokerKind {
  return kind !== null && Object.hasOwn(BROKER_KINDS, kind);
}

/** @throws {UserError} when the URL is none of a broker; see `parseRedisUrl()`, `parseAmqpUrl()`. */
export function checkBrokerUrl(url: string): void {
  const kind = kindOf(url);
  if (kind === "rpc") {
    throw urlError(
      "must be the URL of a broker; rpc:// is a result backend",
      "Write it as backend.",
    );
  }
  if (kind === "disabled") throw refusal(url, BROKER);
  BROKER_KINDS[kind].parse(url);
}

/** @throws {UserError} when the URL is none of a result backend that this version can use. */
export function checkBackendUrl(url: string): void {
  const kind = likelyKindOf(url);
  const traits = brokerTraits(url);
  if (traits?.storesResults) {
    traits.parse(url);
  } else if (kind === "rpc") {
    if (!isAlone(url)) {
      throw urlError("must be rpc:// and nothing else", "Replies go through the broker's URL.");
    }
  } else if (kind === "amqp") {
    throw urlError(
      "must be a redis:// URL or rpc://: amqp:// is a broker, and no result backend since Celery 5",
      "Write rpc://.",
    );
  } else if (kind !== "disabled" || !isAlone(url)) {
    throw silentError(url) ?? refusal(url, BACKEND);
  }
}

/** A name or a class, or a scheme with nothing behind it. */
function isAlone(url: string): boolean {
  return /^[^/]*(:\/\/\/?)?$/.test(url.trim());
}

/** The error for a backend from which no outcome can be learned. */
function silentError(url: string): UserError | undefined {
  const silence = silenceOf(url);
  if (silence === undefined) return undefined;
  return urlError(
    `must be a redis:// URL or rpc://: ${silence}`,
    "Let the workers of these tasks send their results elsewhere (celery --result-backend=rpc:// -A APP worker -Q QUEUE, or a redis:// URL) and write the same here; or write disabled: outcomes then come from the workers' events (celery worker -E, or events: on).",
  );
}

/**
 * Every server that the URL names, for comparing with a list of those that are allowed; none for
 * `rpc://` and `disabled`. Those that Sentinels answer with are not known before they are asked.
 */
export function hostsOf(url: string): ServerName[] {
  kindOf(url); // refuses what is none of ours
  const address = brokerTraits(url)?.parse(url);
  if (address === undefined) return [];
  if (address.sentinel !== undefined) return [...address.sentinel.servers];
  return [address, ...(address.alternatives ?? [])].map(nameOf);
}

/** Does it begin as the URL of a Redis or a RabbitMQ does? */
export function isServerUrl(text: string): boolean {
  return isBrokerKind(KINDS.get(schemeOf(text)) ?? null);
}

/** `redis://a/0` is `redis`; lists go by their first URL. */
export function schemeOf(url: string): string {
  return url
    .slice(0, Math.max(url.indexOf("://"), 0))
    .trim()
    .toLowerCase();
}

const KINDS: ReadonlyMap<string, ServerKind> = new Map<string, ServerKind>([
  ...Object.entries(BROKER_KINDS).flatMap(([kind, { schemes }]) =>
    schemes.map((scheme) => [scheme, kind as BrokerKind] as const),
  ),
  ["rpc", "rpc"],
  // Celery's way to say that no results are stored (`celery/app/backends.py`).
  ["disabled", "disabled"],
]);

/** Schemes of Celery's other brokers, so that they are not called unknown. */
const OTHER_BROKERS = new Set(
  (
    "py-amqp librabbitmq qpid valkey valkeys sqs kafka confluentkafka memory filesystem zookeeper " +
    "consul etcd mongodb pyro gcpubsub azureservicebus azurestoragequeues sqla sqlalchemy slmq pgmq"
  ).split(" "),
);

/** Why a scheme is refused: one that this version cannot use, or none of Celery's at all. */
function refusal(url: string, { forms, starts, example, remedyFor }: Wanted): UserError {
  const scheme = schemeOf(url);
  // `sqla+postgresql` is known by what stands before the +.
  return urlError(
    OTHER_BROKERS.has(scheme.split("+", 1)[0]!)
      ? `must be ${forms}: Celery's scheme ${scheme} is not supported by this version`
      : `must be a URL that starts with ${starts}`,
    /^\s*["']/.test(url) ? UNQUOTE : (remedyFor(url) ?? `Write ${example}.`),
  );
}

const UNQUOTE =
  "Remove the quotation marks, which are part of the value: files for docker run --env-file have none.";

interface Wanted {
  readonly forms: string;
  readonly starts: string;
  readonly example: string;
  /** What to do about a text of which can be told what was meant. */
  readonly remedyFor: (text: string) => string | undefined;
}

const BROKER: Wanted = {
  forms: "a redis:// or amqp:// URL",
  starts: "redis://, rediss://, redis+socket://, sentinel://, amqp:// or amqps://",
  example: "redis://host:6379/0 or amqp://user:password@host:5672/vhost",
  remedyFor: remedyForBroker,
};

const BACKEND: Wanted = {
  forms: "a redis:// URL or rpc://",
  starts: "redis://, rediss://, redis+socket://, sentinel:// or rpc://",
  example: "redis://host:6379/0 or rpc://",
  remedyFor: (text) =>
    /^(?:none|null|false|no|off)$/i.test(text) ? "Write disabled for no results." : undefined,
};

function nameOf({ host, port, path }: ServerName): ServerName {
  return { host, port, ...(path === undefined ? {} : { path }) };
}
