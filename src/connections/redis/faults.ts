import type { RedisServer } from "../../celery/redis-url.js";
import { messageOf } from "../../errors.js";

/** What the server may speak instead, when the way in which an attempt failed leaves that open. */
export function wrongKindOf(
  { tls, path }: RedisServer,
  error: unknown,
  wasConnected: boolean,
): "plain" | "tls" | null {
  if (path !== undefined) return null;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  // In the clear a server closes on bytes that are no TLS; with TLS it waits for the end of a line.
  const isCut = error === undefined || code === "ECONNRESET" || code === "EPIPE";
  if (tls === undefined) return wasConnected && isCut ? "tls" : null;
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

/** What may be behind a connection that the server ends, and what to do about it; "" when nothing is known. */
export function hintFor(text: string): string {
  if (!/max(imum)? number of clients/i.test(text)) return "";
  return "\nThe server has as many connections as maxclients allows: close some that are not needed, or raise it.";
}

const ACCOUNT_FAULT =
  /^(WRONGPASS|NOAUTH|NOPERM|ERR invalid password|ERR AUTH|ERR Client sent AUTH|ERR (invalid )?DB index|ERR Protocol error)/i;

/** The user's ACL does not have the channel, or the pattern literally. */
export function isChannelRefused(error: unknown): boolean {
  return /^NOPERM.*channel/i.test(messageOf(error));
}
