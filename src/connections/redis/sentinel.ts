import type { RedisOptions } from "ioredis";
import type { SentinelSettings } from "../../celery/sentinel-url.js";
import { isAllowed } from "../../celery/server-url.js";
import type { TlsSettings } from "../../celery/tls-query.js";
import { messageOf } from "../../errors.js";
import { tlsFault, tlsOptions } from "../tls.js";

/** How long a Sentinel may take to answer; a stopped one's kernel still accepts connections. */
const ANSWER_MS = 3_000;

/**
 * ioredis' options for a server that Sentinels know; they are asked before every connection. TLS is
 * the server's; the Sentinels' own has its own switch. `retry` is called when all of them have failed
 * and says when to begin anew, in milliseconds.
 */
export function sentinelOptions(
  sentinel: SentinelSettings,
  tls: TlsSettings | undefined,
  retry: () => number,
): Omit<RedisOptions, "replyMapping"> {
  const { servers, masterName, username, password, isTls, allowedHosts } = sentinel;
  return {
    sentinels: servers.map((server) => ({ ...server })),
    name: masterName,
    role: "master",
    ...(username === undefined ? {} : { sentinelUsername: username }),
    ...(password === undefined ? {} : { sentinelPassword: password }),
    // The host differs from server to server: Node compares the certificate with the one it is on.
    ...(tls === undefined ? {} : { tls: tlsOptions(tls, ""), enableTLSForSentinelMode: true }),
    ...(isTls ? { sentinelTLS: tlsOptions(tls ?? { verify: true, checkHostName: true }, "") } : {}),
    // Only those that the user named, as in Celery.
    updateSentinels: false,
    sentinelCommandTimeout: ANSWER_MS,
    sentinelRetryStrategy: retry,
    ...(allowedHosts === undefined
      ? {}
      : { natMap: (answer: string) => checkAnswer(answer, allowedHosts) }),
  };
}

/** Says of an answer of a Sentinel that it cannot help, or undefined when it may the next time. */
export function sentinelFault(error: unknown): string | undefined {
  const message = messageOf(error);
  if (message.includes("got an invalid reply: null")) {
    return "the Sentinel knows no Redis of that name: set options.master_name to the name in its configuration (sentinel monitor NAME …)";
  }
  if (!message.startsWith("failed to connect to sentinel")) return undefined;
  if (message.includes(REFUSED)) return message.slice(message.indexOf(REFUSED));
  const cause = message.replace(/^.* because /s, "");
  if (/^(NOAUTH|WRONGPASS|NOPERM|ERR AUTH|ERR Client sent AUTH)/.test(cause)) {
    return `the Sentinel answers ${cause}: set options.sentinel_kwargs (username, password)`;
  }
  const fault = tlsFault(new Error(cause));
  return fault === undefined ? undefined : `of the Sentinel: ${fault}`;
}

const REFUSED = "the Sentinel names a Redis that is not in allow.hosts";

function checkAnswer(answer: string, allowedHosts: readonly string[]): null {
  const end = answer.lastIndexOf(":");
  const host = answer.slice(0, end).toLowerCase();
  if (isAllowed({ host, port: Number(answer.slice(end + 1)) }, allowedHosts)) return null;
  throw new Error(`${REFUSED}: ${answer}`);
}
