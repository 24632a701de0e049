import { isMapping } from "../../mapping.js";
/**
 * Some malformed messages terminate the whole worker process, and then the next one that takes them up;
 * others are dropped with a line in its log, so that no result ever comes
 * (`celery/worker/consumer/consumer.py on_task_received`, `celery/worker/request.py`,
 * `kombu/transport/virtual/base.py Message`). What is built is checked once for each task.
 */

/**
 * The body before it is written, when nothing but values inside of `args` and `kwargs` is still open.
 * @throws {Error} when a worker would not survive it, or not run it
 */
export function assertSurvivableBody(body: unknown, protocol: 1 | 2): void {
  if (protocol === 1) {
    const { task, id, args, kwargs } = body as Record<string, unknown>;
    refuseIf([
      isName(task) ? "" : "task is missing",
      id !== undefined ? "" : "id is missing",
      Array.isArray(args) ? "" : "args is not an array",
      isMapping(kwargs) ? "" : "kwargs is not an object",
    ]);
    return;
  }
  const isTriple = Array.isArray(body) && body.length === 3;
  refuseIf([
    isTriple ? "" : "the body is not a triple",
    isTriple && Array.isArray(body[0]) ? "" : "args is not an array",
    isTriple && isMapping(body[1]) ? "" : "kwargs is not an object",
    isTriple && isMapping(body[2]) ? "" : "embed is not an object",
  ]);
}

/**
 * The headers as a filled-in message has them.
 * @throws {Error} when a worker would not survive them, or not run the task
 */
export function assertSurvivableHeaders(headers: Record<string, unknown>, protocol: 1 | 2): void {
  if (protocol === 1) {
    refuseIf([headers.task === undefined ? "" : "header task makes version 2 of it"]);
    return;
  }
  refuseIf([
    isName(headers.task) ? "" : "header task is missing",
    isName(headers.id) ? "" : "header id is missing",
    isTime(headers.eta) ? "" : "header eta is not a time",
    isTime(headers.expires) ? "" : "header expires is not a time",
  ]);
}

/**
 * Kombu's envelope of a message on Redis.
 * @throws {Error} when a worker would not survive it
 */
export function assertSurvivableEnvelope(envelope: Record<string, unknown>): void {
  const properties = isMapping(envelope.properties) ? envelope.properties : {};
  const info = isMapping(properties.delivery_info) ? properties.delivery_info : {};
  refuseIf([
    isMapping(envelope.headers) ? "" : "headers are missing",
    isName(properties.delivery_tag) ? "" : "delivery_tag is missing",
    typeof info.exchange === "string" ? "" : "exchange is missing",
    typeof info.routing_key === "string" ? "" : "routing_key is missing",
  ]);
}

function refuseIf(faults: readonly string[]): void {
  const found = faults.filter((fault) => fault !== "");
  if (found.length > 0) throw new Error(`unsafe message refused: ${found.join(", ")}`);
}

function isName(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

/** Years of four digits, as Python's datetime has no others. */
function isTime(value: unknown): boolean {
  if (value === null) return true;
  return typeof value === "string" && /^\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d$/.test(value);
}
