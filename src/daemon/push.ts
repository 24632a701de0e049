import { randomBytes } from "node:crypto";
import { messageOf } from "../errors.js";
import { CONTENT_TYPES } from "../exposition/text-format.js";
import type { Logger } from "../log.js";

/** A Pushgateway, or what takes the same. */
export interface PushTarget {
  /** `…/metrics/job/JOB`, without a password. */
  readonly url: string;
  /** The header for it; null: none is needed. */
  readonly authorization: string | null;
}

/** Longer nobody waits for it. */
const PUSH_MS = 10_000;
const JOB = "celery_load";

/** Letters and digits that no other run has: `20261130t213000z-3f9a01`. */
export function runId(now = new Date()): string {
  const time = now.toISOString().replace(/[-:]|\.\d+/g, "");
  return `${time.toLowerCase()}-${randomBytes(3).toString("hex")}`;
}

/**
 * Where `--push URL` sends to: that of a gateway, of which the job is `celery_load`, or one that names its job.
 *
 * @throws {TypeError} when it is no URL of http or https
 */
export function pushTarget(text: string): PushTarget {
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") throw new TypeError("not http");
  const { username, password } = url;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  url.username = "";
  url.password = "";
  url.hash = "";
  const path = url.pathname.replace(/\/+$/, "");
  url.pathname = path.includes("/metrics/job") ? path : `${path}/metrics/job/${JOB}`;
  const hasUser = username !== "" || password !== "";
  return {
    url: url.href,
    authorization: hasUser ? `Basic ${Buffer.from(credentials).toString("base64")}` : null,
  };
}

/**
 * Sends all metrics as the group of this run, in place of what that group had. When it fails the log says so, and that is
 * all that comes of it.
 */
export async function pushMetrics(
  { url, authorization }: PushTarget,
  id: string,
  page: Buffer,
  log: Logger,
  aborted: AbortSignal,
): Promise<void> {
  const group = `${url}/run/${id}`;
  try {
    const answer = await fetch(group, {
      method: "PUT",
      headers: {
        "content-type": CONTENT_TYPES.text,
        ...(authorization === null ? {} : { authorization }),
      },
      body: new Uint8Array(page),
      signal: AbortSignal.any([aborted, AbortSignal.timeout(PUSH_MS)]),
    });
    const words = (await answer.text()).trim().slice(0, 300);
    if (!answer.ok) throw new Error(`it answered ${answer.status} ${words}`.trimEnd());
    log.info({ push: group }, "the metrics are pushed");
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    log.error(
      { push: group, cause: messageOf(cause) },
      "the metrics could not be pushed: see that the gateway runs at the URL of --push",
    );
  }
}
