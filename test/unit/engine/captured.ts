import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync, inflateSync } from "node:zlib";
import { decode } from "@msgpack/msgpack";
import { parse } from "yaml";
import { type AmqpMessage, compileAmqpMessage } from "../../../src/celery/messages/amqp-message.js";
import { isoTime } from "../../../src/celery/messages/iso-time.js";
import {
  compileRedisEnvelope,
  DEFAULT_SEP,
  priorityKey,
} from "../../../src/celery/messages/redis-envelope.js";
import type { Publisher } from "../../../src/connections/ports.js";
import { CHECKOUT } from "../../../src/setup/checkout.js";

/** A message in one form for both brokers: what the captured ones and ours are compared in. */
export interface Captured {
  readonly exchange: unknown;
  readonly routingKey: unknown;
  /** The list on Redis. */
  readonly list: string | null;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly contentType: unknown;
  readonly contentEncoding: unknown;
  readonly body: unknown;
}

/** A client call of Celery and what it published; see test/vectors/README.md. */
export interface ProducerCase {
  readonly transport: "redis" | "amqp";
  readonly version: string;
  readonly name: string;
  readonly isVersion1: boolean;
  readonly keyPrefix: string;
  readonly call: {
    readonly name: string;
    readonly args: readonly unknown[] | null;
    readonly kwargs?: Readonly<Record<string, unknown>> | null;
    readonly options: Readonly<Record<string, unknown>>;
    readonly canvas?: string;
  };
  readonly messages: readonly Captured[];
  /** Keys that the client wrote to the result backend. */
  readonly backendKeys: Readonly<Record<string, string>>;
}

/** All captured calls. */
export function capturedCases(): ProducerCase[] {
  return (["redis", "amqp"] as const).flatMap((transport) =>
    ["5.2.6", "5.7"].flatMap((version) => {
      const path = join(CHECKOUT, "test", "vectors", "producer", `${transport}-${version}.json`);
      return Object.entries(JSON.parse(readFileSync(path, "utf8"))).map(([name, raw]) =>
        readCase(transport, version, name, raw as RawCase),
      );
    }),
  );
}

interface RawCase {
  readonly call: ProducerCase["call"];
  readonly conf?: { readonly task_protocol?: string };
  readonly transportOptions?: { readonly global_keyprefix?: string };
  readonly backendKeys?: Readonly<Record<string, string>>;
  readonly messages: readonly (RawRedis | RawAmqp)[];
}

interface RawRedis {
  readonly list: string;
  readonly envelope: Envelope;
}

interface Envelope {
  readonly body: string;
  readonly "content-type": string;
  readonly "content-encoding": string;
  readonly headers: Record<string, unknown>;
  readonly properties: Record<string, unknown> & {
    readonly delivery_info: { readonly exchange: string; readonly routing_key: string };
  };
}

interface RawAmqp {
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: Record<string, unknown>;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

function readCase(
  transport: "redis" | "amqp",
  version: string,
  name: string,
  raw: RawCase,
): ProducerCase {
  return {
    transport,
    version,
    name,
    call: raw.call,
    isVersion1: raw.conf?.task_protocol === "1",
    keyPrefix: raw.transportOptions?.global_keyprefix ?? "",
    backendKeys: raw.backendKeys ?? {},
    messages: raw.messages.map((message) =>
      "list" in message ? ofEnvelope(message.list, message.envelope) : ofAmqp(message),
    ),
  };
}

function ofEnvelope(list: string, envelope: Envelope): Captured {
  const { delivery_info, delivery_tag, body_encoding, ...properties } = envelope.properties;
  if (body_encoding !== "base64" || typeof delivery_tag !== "string")
    throw new Error("no envelope");
  return {
    exchange: delivery_info.exchange,
    routingKey: delivery_info.routing_key,
    list,
    headers: envelope.headers,
    properties,
    contentType: envelope["content-type"],
    contentEncoding: envelope["content-encoding"],
    body: bodyOf(Buffer.from(envelope.body, "base64"), envelope["content-type"], envelope.headers),
  };
}

function ofAmqp({ exchange, routingKey, headers, properties, body }: RawAmqp): Captured {
  const { content_type, content_encoding, ...others } = properties;
  return {
    exchange,
    routingKey,
    list: null,
    headers,
    properties: others,
    contentType: content_type,
    contentEncoding: content_encoding,
    body: bodyOf(Buffer.from(body, "base64"), content_type, headers),
  };
}

const DECOMPRESS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  "application/x-gzip": (bytes) => inflateSync(bytes),
  "application/x-brotli": (bytes) => brotliDecompressSync(bytes),
};

/** What a worker reads out of a body. */
export function bodyOf(
  bytes: Buffer,
  contentType: unknown,
  headers: Record<string, unknown>,
): unknown {
  const decompress = DECOMPRESS[String(headers.compression)];
  if (headers.compression !== undefined && decompress === undefined) return bytes;
  const plain = decompress === undefined ? bytes : decompress(bytes);
  switch (contentType) {
    case "application/json":
      return JSON.parse(plain.toString());
    case "application/x-yaml":
      return parse(plain.toString(), { version: "1.1" });
    case "application/x-msgpack":
      return decode(plain);
    default:
      return plain.toString("base64");
  }
}

/** A publisher whose messages come out in the form that captured ones have. */
export function encoderFor({ transport, keyPrefix }: ProducerCase, replyTo: string): Publisher {
  return {
    ready: true,
    isBlocked: false,
    template: (spec, fixedBody) => ({
      destination: "",
      sizeOf: () => 0,
      render(fill) {
        if (transport === "amqp") {
          return ofOwnAmqp(compileAmqpMessage(spec, replyTo, fixedBody).render(fill));
        }
        const steps = { priority_steps: [0, 3, 6, 9], sep: DEFAULT_SEP };
        const list = keyPrefix + priorityKey(spec.routingKey, spec.priority, steps);
        const text = compileRedisEnvelope(spec, replyTo, fixedBody).fill(fill).toString();
        return ofEnvelope(list, JSON.parse(text));
      },
    }),
    publish: () => {},
  };
}

function ofOwnAmqp({ exchange, routingKey, content, properties }: AmqpMessage): Captured {
  const { expiration } = properties;
  return {
    exchange,
    routingKey,
    list: null,
    headers: properties.headers,
    properties: {
      correlation_id: properties.correlationId,
      reply_to: properties.replyTo,
      delivery_mode: properties.deliveryMode,
      priority: properties.priority,
      ...(expiration === undefined ? {} : { expiration }),
    },
    contentType: properties.contentType,
    contentEncoding: properties.contentEncoding,
    body: bodyOf(content, properties.contentType, { ...properties.headers }),
  };
}

/**
 * Without what differs on purpose: who sends it in which language, and headers that came with 5.3, which
 * 5.2 ignores.
 */
export function comparable(message: Captured, { version, isVersion1 }: ProducerCase): Captured {
  if (isVersion1) return message;
  const { lang, origin, eta, ...others } = message.headers;
  // Celery passes a time on as it was written; we write all in one form.
  const isShort = typeof eta === "string" && eta.endsWith("Z");
  const headers = { ...others, eta: isShort ? isoTime(Date.parse(eta)) : eta };
  if (typeof lang !== "string" || typeof origin !== "string") throw new Error("no v2 message");
  if (version === "5.7") return { ...message, headers };
  const { replaced_task_nesting, stamped_headers, stamps, ...known } = headers as Record<
    string,
    unknown
  >;
  return { ...message, headers: known };
}
