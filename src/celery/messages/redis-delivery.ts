import { isMapping } from "../../mapping.js";
/** A message as it comes out of Redis: what kombu's envelope holds. */
export interface RedisDelivery {
  readonly headers: Readonly<Record<string, unknown>>;
  /** The body as text; compressed and binary ones make no sense here. */
  readonly body: string;
}

/**
 * Reads kombu's envelope (`kombu/transport/virtual/base.py Message`), or null when it is none. Without
 * `body_encoding` the body is plain text.
 */
export function readRedisEnvelope(text: string): RedisDelivery | null {
  let envelope: unknown;
  try {
    envelope = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isMapping(envelope) || typeof envelope.body !== "string") return null;
  const { headers, properties, body } = envelope;
  const encoding = isMapping(properties) ? properties.body_encoding : undefined;
  return {
    headers: isMapping(headers) ? headers : {},
    body: encoding === "base64" ? Buffer.from(body, "base64").toString() : body,
  };
}
