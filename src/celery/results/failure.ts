import { memberAt, stringAt, valueAt } from "./json-member.js";

/** What a worker stored of an exception. */
export interface Failure {
  /** Name of its class; "" when there is none. */
  readonly exception: string;
  readonly message: string;
}

/**
 * The exception of a task that failed or was revoked (`celery/backends/base.py prepare_exception`: `exc_type` and
 * `exc_message`, its arguments as a list, or a text of older versions).
 */
export function failureOf(text: string): Failure {
  const resultAt = memberAt(text, 0, "result");
  const exception = stringAt(text, memberAt(text, resultAt, "exc_type")) ?? "";
  const message = valueAt(text, memberAt(text, resultAt, "exc_message"));
  const parts = Array.isArray(message) ? message : message === undefined ? [] : [message];
  return {
    exception,
    message: parts
      .map((part) => (typeof part === "string" ? part : JSON.stringify(part)))
      .join(", "),
  };
}
