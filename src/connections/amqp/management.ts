import { parseManagementUrl } from "../../celery/management-url.js";
import { isObject } from "../../celery/redis-delivery.js";
import { messageOf } from "../../errors.js";

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

/** One column of a queue; an empty object when there is no such queue, or nothing is known of it yet. */
async function askAbout(
  url: string,
  vhost: string,
  queue: string,
  column: string,
): Promise<Readonly<Record<string, unknown>>> {
  const { base, username, password } = parseManagementUrl(url);
  const path = [vhost, queue].map(encodeURIComponent).join("/");
  const fail = (what: string) => new Error(`RabbitMQ's management API at ${base} ${what}`);
  const response = await fetch(`${base}/api/queues/${path}?columns=${column}`, {
    headers: {
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`,
    },
    // Nobody else is to get the password.
    redirect: "error",
    signal: AbortSignal.timeout(ANSWER_MS),
  }).catch((error: unknown) => {
    const { cause } = error as Error;
    throw fail(`does not answer: ${messageOf(cause ?? error)}`);
  });
  if (!response.ok) await response.body?.cancel();
  if (response.status === 404) return {};
  if (response.status === 401 || response.status === 403) {
    throw fail(
      `refuses ${username} (${response.status}): check the user and password in management, and that the user has the tag monitoring`,
    );
  }
  if (!response.ok) throw fail(`answers ${response.status}`);
  const answer = await bodyOf(response);
  // As long as it has nothing, [] stands for an object without any.
  if (Array.isArray(answer) && answer.length === 0) return {};
  if (!isObject(answer)) throw fail("answers with something else: is it another server?");
  return answer;
}

/** The JSON of an answer; null when it is none, or longer than any answer to such a question. */
async function bodyOf(response: Response): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of response.body ?? []) {
      bytes += part.length;
      if (bytes > MAX_ANSWER_BYTES) return null; // leaving the loop cancels the rest
      parts.push(part);
    }
    return JSON.parse(Buffer.concat(parts).toString());
  } catch {
    return null; // no JSON, or cut off
  }
}
