import type { Response } from "express";

/** What is wrong at one place of a request: `profile.steps[0]`, `?dryRun`, `If-Match`. */
export interface RequestFault {
  readonly path: string;
  readonly message: string;
}

/** An answer that is made and not yet sent. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

/** What each refusal is called: part of the contract, as its status is. */
export const TITLES = {
  400: "the request is wrong",
  401: "not authorised",
  403: "not allowed",
  404: "there is no such thing",
  405: "not by this method",
  409: "not in this state",
  412: "something has changed meanwhile",
  413: "the body is too large",
  415: "the body is not JSON",
  422: "it cannot be processed",
  429: "too many orders",
  500: "a defect of ours",
  503: "not now",
} as const;

export type ProblemStatus = keyof typeof TITLES;

/** A request that is refused: becomes `application/problem+json` (RFC 9457). */
export class HttpProblem extends Error {
  readonly status: ProblemStatus;
  readonly errors: readonly RequestFault[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: ProblemStatus,
    detail: string,
    more: { errors?: readonly RequestFault[]; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail);
    this.status = status;
    this.errors = more.errors ?? [];
    this.headers = more.headers ?? {};
  }
}

/** A problem as it is answered. `type` is `about:blank` (RFC 9457, section 4.2.1): the status says which one it is. */
export function problemReply(problem: HttpProblem): Reply {
  const { status, message, errors, headers } = problem;
  return {
    status,
    headers: { ...headers, "Content-Type": "application/problem+json" },
    body: { type: "about:blank", title: TITLES[status], status, detail: message, errors },
  };
}

export function isProblemStatus(status: number): status is ProblemStatus {
  return Object.hasOwn(TITLES, status);
}

/** Sent as bytes: express itself would answer a GET with `If-None-Match` by 304, and a revision says nothing of rates. */
export function sendReply(response: Response, { status, headers, body }: Reply): void {
  response
    .status(status)
    .set({ "Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store" })
    .set(headers)
    .end(JSON.stringify(body));
}
