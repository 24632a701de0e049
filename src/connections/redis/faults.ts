import type { RedisServer } from "../../celery/urls/redis-url.js";
import { messageOf } from "../../errors.js";
import { isFull, remedyForFull } from "../limit.js";
import { isTlsAlert } from "../tls.js";
import { ProtocolError, quoted } from "./resp-reader.js";

/** What ioredis says of bytes that it cannot read, in our words; `first` is what the server began with, if it was not up yet. */
export function inOurWords(error: unknown, first: Buffer | undefined): unknown {
  const [, letter] = /^Unknown RESP type \d+ "(.)"/s.exec(messageOf(error)) ?? [];
  if (letter === undefined) return error;
  return new ProtocolError(quoted(first?.toString("latin1") ?? letter));
}

/** What the server may speak instead, when the way in which an attempt failed leaves that open; `first` as above. */
export function wrongKindOf(
  { tls, path }: RedisServer,
  error: unknown,
  wasConnected: boolean,
  first: Buffer | undefined,
): "plain" | "tls" | null {
  if (path !== undefined) return null;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  // In the clear a server closes on bytes that are no TLS; with TLS it waits for the end of a line.
  const isCut = error === undefined || isReset(error);
  if (tls === undefined) return wasConnected && (isCut || isTlsAlert(first)) ? "tls" : null;
  return code === "ETIMEDOUT" || isCut ? "plain" : null;
}

export const WRONG_KIND = {
  tls: "the server speaks TLS on this port: write rediss:// in the URL, or the port without TLS",
  plain:
    "the server does not speak TLS on this port: write redis:// in the URL, or the port of TLS",
} as const;

/** Answers that stay the same until somebody changes a password, a permission or the database. */
export function accountFault(
  { username, password }: RedisServer,
  error: unknown,
): string | undefined {
  const text = messageOf(error);
  if (!ACCOUNT_FAULT.test(text)) return undefined;
  if (/^NOPERM/i.test(text)) {
    return `${text}\nGive the user the right in the server's ACL, or name another user in the URL.`;
  }
  if (username !== undefined && password === undefined) {
    return `${text}\nThe URL has a user name and no password. If it is the password, write a colon before it: redis://:PASSWORD@host.`;
  }
  return `${text}\nCheck user name, password and database number in the URL.`;
}

/** How a connection stood that is lost. */
interface LostLink {
  /** Messages came over it unasked. */
  readonly subscribes: boolean;
  readonly wasUp: boolean;
}

/**
 * What may be behind a connection that ends, and what to do about it; "" when nothing is known. `error` is undefined
 * when the server has closed it without a word, which is how it ends a subscriber that reads too slowly
 * (`client-output-buffer-limit`, `networking.c`).
 */
export function hintFor(error: unknown, { subscribes, wasUp }: LostLink): string {
  const text = messageOf(error);
  if (isFull(text)) return remedyForFull(text);
  if (!subscribes || !wasUp || (error !== undefined && !isReset(error))) return "";
  return "\nIf the server runs on: it closes a subscriber that too much waits for. Its log says so (client-output-buffer-limit); raise that limit for pubsub there, or send larger results elsewhere.";
}

function isReset(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ECONNRESET" || code === "EPIPE";
}

const ACCOUNT_FAULT =
  /^(WRONGPASS|NOAUTH|NOPERM|ERR invalid password|ERR AUTH|ERR Client sent AUTH|ERR (invalid )?DB index|ERR Protocol error)/i;

/** The user's ACL does not have the channel, or the pattern literally. */
export function isChannelRefused(error: unknown): boolean {
  return /^NOPERM.*channel/i.test(messageOf(error));
}
