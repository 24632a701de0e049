import { answerParts } from "../../answer-parts.js";
import { parseManagementUrl } from "../../celery/urls/management-url.js";
import { messageOf } from "../../errors.js";
import { isMapping } from "../../mapping.js";
import { checkAddresses } from "../allowed-lookup.js";
import type { Memory } from "../observe-ports.js";

const ANSWER_MS = 3_000;
/** What is asked for takes some hundred. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Asks RabbitMQ's management API how many messages of a queue workers have fetched and not acknowledged, which
 * AMQP does not tell. Its numbers are up to 5 s old (`collect_statistics_interval`). Null when there is no
 * such queue, or no number yet.
 * @throws {Error} that says what to do, without the password
 */
export async function unackedByManagement(
  url: string,
  vhost: string,
  queue: string,
): Promise<number | null> {
  const column = "messages_unacknowledged";
  const { [column]: unacked } = await askAbout(url, vhost, queue, column);
  return Number.isSafeInteger(unacked) && (unacked as number) >= 0 ? (unacked as number) : null;
}

/**
 * Asks it for the type of a queue: classic, quorum, stream, or one of a plugin. Null when there is no such queue.
 * @throws {Error} that says what to do, without the password
 */
export async function typeByManagement(
  url: string,
  vhost: string,
  queue: string,
): Promise<string | null> {
  const { type } = await askAbout(url, vhost, queue, "type");
  return typeof type === "string" ? type.slice(0, 100) : null;
}

/**
 * Asks it for the memory of the node that is nearest to its limit, the high watermark at which it blocks. Null when no
 * node tells.
 * @throws {Error} that says what to do, without the password
 */
export async function memoryByManagement(url: string): Promise<Memory | null> {
  const nodes = await ask(url, "nodes?columns=mem_used,mem_limit");
  let fullest: Memory | null = null;
  for (const node of Array.isArray(nodes) ? nodes : []) {
    const { mem_used: usedBytes, mem_limit: limitBytes } = isMapping(node) ? node : {};
    if (!isBytes(usedBytes) || !isBytes(limitBytes)) continue;
    const isFuller =
      fullest === null || usedBytes / limitBytes > fullest.usedBytes / fullest.limitBytes!;
    if (isFuller) fullest = { usedBytes, limitBytes };
  }
  return fullest;
}

function isBytes(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/** One column of a queue; an empty object when there is no such queue, or nothing is known of it yet. */
async function askAbout(
  url: string,
  vhost: string,
  queue: string,
  column: string,
): Promise<Readonly<Record<string, unknown>>> {
  const path = [vhost, queue].map(encodeURIComponent).join("/");
  const answer = await ask(url, `queues/${path}?columns=${column}`);
  // As long as it has nothing, [] stands for an object without any.
  if (answer === undefined || (Array.isArray(answer) && answer.length === 0)) return {};
  if (!isMapping(answer)) {
    const { base } = parseManagementUrl(url);
    throw failureOf(base, "answers with something else: is it another server?");
  }
  return answer;
}

function failureOf(base: string, what: string): Error {
  return new Error(`RabbitMQ's management API at ${base} ${what}`);
}

/** Undefined when there is no such thing. */
async function ask(url: string, path: string): Promise<unknown> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(new Error("no answer in time")), ANSWER_MS);
  try {
    return await askFor(url, path, patience.signal);
  } finally {
    clearTimeout(timer);
  }
}

async function askFor(url: string, path: string, signal: AbortSignal): Promise<unknown> {
  const { base, host, username, password, allowedAddresses } = parseManagementUrl(url);
  const fail = (what: string) => failureOf(base, what);
  if (allowedAddresses !== undefined) {
    await checkAddresses(host, allowedAddresses).catch((error: unknown) => {
      throw fail(`is not asked: ${messageOf(error)}`);
    });
  }
  const response = await fetch(`${base}/api/${path}`, {
    headers: {
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`,
    },
    // Nobody else is to get the password.
    redirect: "error",
    signal,
  }).catch((error: unknown) => {
    const { cause } = error as Error;
    throw fail(`does not answer: ${messageOf(cause ?? error)}`);
  });
  if (!response.ok) await response.body?.cancel();
  if (response.status === 404) return undefined;
  if (response.status === 401 || response.status === 403) {
    throw fail(
      `refuses ${username} (${response.status}): check the user and password in management, and that the user has the tag monitoring`,
    );
  }
  if (!response.ok) throw fail(`answers ${response.status}`);
  return await bodyOf(response, signal);
}

/** The JSON of an answer; null when it is none, or longer than any answer to such a question. */
async function bodyOf(response: Response, signal: AbortSignal): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of answerParts(response, signal)) {
      bytes += part.length;
      if (bytes > MAX_ANSWER_BYTES) return null; // leaving the loop cancels the rest
      parts.push(part);
    }
    return JSON.parse(Buffer.concat(parts).toString());
  } catch {
    return null; // no JSON, cut off, or not all of it in time
  }
}
