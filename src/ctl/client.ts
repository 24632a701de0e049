import { answerParts } from "../answer-parts.js";
import { messageOf, UserError } from "../errors.js";
import type { ControlTarget } from "./target.js";

/** One request of the control API. */
export interface ControlRequest {
  readonly method: "GET" | "PATCH" | "POST" | "DELETE";
  /** Behind `api/v1/`, with its query. */
  readonly path: string;
  readonly body?: object;
}

/** A reload waits for files, and a dry run for a look at the workers. */
const DEADLINE_MS = 30_000;

/**
 * What is answered to a request.
 * @throws {UserError} when nothing answers, or it is refused: with every fault
 */
export async function askControl(target: ControlTarget, request: ControlRequest): Promise<unknown> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const response = await send(target, request, {}, signal);
  const text = await textOf(response, signal).catch((error: unknown) => {
    throw unreachable(target, error);
  });
  const answer = parse(text);
  if (response.ok && answer !== undefined) return answer;
  throw refusal(target, response.status, answer);
}

/**
 * The stream of events, from now on or behind the event with this id.
 * @throws {UserError} as `askControl`
 */
export async function followEvents(
  target: ControlTarget,
  lastEventId: string | null,
  signal: AbortSignal,
): Promise<Response> {
  const resume = lastEventId === null ? {} : { "Last-Event-ID": lastEventId };
  const headers = { Accept: "text/event-stream", ...resume };
  const response = await send(target, { method: "GET", path: "events" }, headers, signal);
  if (response.ok && response.body !== null) return response;
  throw refusal(target, response.status, parse(await textOf(response, signal)));
}

/** Nothing answers: it may later. */
export class UnreachableError extends UserError {
  override name = "UnreachableError";
}

async function send(
  target: ControlTarget,
  { method, path, body }: ControlRequest,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Response> {
  try {
    return await fetch(new URL(`api/v1/${path}`, target.url), {
      method,
      headers: {
        ...headers,
        "X-Celery-Load-Actor": "ctl",
        ...(target.token === null ? {} : { Authorization: `Bearer ${target.token}` }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: "manual",
      signal,
    });
  } catch (error) {
    throw unreachable(target, error);
  }
}

async function textOf(response: Response, signal: AbortSignal): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of answerParts(response, signal)) parts.push(part);
  return Buffer.concat(parts).toString();
}

function unreachable({ url }: ControlTarget, error: unknown): UnreachableError {
  const isLate = error instanceof Error && error.name === "TimeoutError";
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const why = isLate ? `no answer within ${DEADLINE_MS / 1_000} s` : messageOf(cause);
  return new UnreachableError(`No daemon answers at ${url.origin}: ${why}.`, {
    hint: "Is it running, with control.listen at that address? Its log says where; name it by --url or --config.",
    cause: error,
  });
}

function refusal({ url }: ControlTarget, status: number, answer: unknown): UserError {
  const { detail, errors } = (answer ?? {}) as {
    readonly detail?: unknown;
    readonly errors?: unknown;
  };
  if (status === 401) {
    return new UserError("Refused: the daemon wants a token, and this is not it.", {
      hint: "Name its file by --token-file, or the daemon's configuration by --config.",
    });
  }
  if (typeof detail !== "string") {
    return new UserError(
      `${url.origin} answers with status ${status}, and not as celery-load does.`,
      {
        hint: "Check --url.",
      },
    );
  }
  const faults = (Array.isArray(errors) ? errors : []) as { path: string; message: string }[];
  const lines = faults.map(({ path, message }) => `${path === "" ? "" : `${path}: `}${message}`);
  return new UserError(
    lines.length === 0 ? `Refused: ${detail}.` : `Refused:\n${lines.join("\n")}`,
  );
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined; // another server, or a proxy
  }
}
