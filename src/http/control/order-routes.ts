import { createHash } from "node:crypto";
import express, { type Request, type RequestHandler, Router } from "express";
import type * as z from "zod";
import type { Actor, OrderedBy } from "../../control/order.js";
import type { Reloading } from "../../control/reload-port.js";
import type { OrderOptions, Steering } from "../../control/steering-port.js";
import { orderReply, reloadReply } from "./answers.js";
import { orderQuery, undoQuery } from "./bodies.js";
import { requestFaults } from "./faults.js";
import { Replies } from "./idempotency.js";
import { type Operation, ORDER_OPERATIONS, RELOAD_OPERATIONS, routePath } from "./operations.js";
import { idempotencyKey, revisionWanted } from "./preconditions.js";
import { HttpProblem, type Reply, sendReply } from "./problem.js";

/** Whom the orders are given to; the daemon provides it. */
export interface ControlTarget {
  readonly steering: Steering;
  readonly reloading: Reloading;
}

/** Has an order done. `named` is the parameter of the path, and `body` has passed its schema. */
type Give = (named: string, body: unknown, by: OrderedBy, options: OrderOptions) => Promise<Reply>;

const MAX_BODY_BYTES = 64 * 1024;

/** The routes of all orders. Who may give them was decided before. */
export function orderRoutes({ steering, reloading }: ControlTarget, nowMs?: () => number): Router {
  const router = Router();
  const replies = new Replies(nowMs);
  const add = (operation: Operation, give: Give) => {
    const { method, path, parameter, body: schema } = operation;
    router[method](
      routePath(path),
      onlyJson(schema !== null),
      readJson,
      async (request, response) => {
        const { isDryRun, reason, body } = readRequest(request, schema);
        const ifRevision = revisionWanted(request, steering.state.revision);
        const key = idempotencyKey(request);
        const named = parameter === null ? "" : String(request.params[parameter]);
        const by = { actor: actorOf(request), reason };
        const make = () => give(named, body, by, { isDryRun, ifRevision });
        // A dry run changes nothing, so that it may be asked for again and again.
        const reply =
          key === null || isDryRun
            ? await make()
            : await replies.once(key, fingerprintOf(request), make);
        sendReply(response, reply);
      },
    );
  };
  for (const operation of ORDER_OPERATIONS) {
    add(operation, async (named, body, by, options) =>
      orderReply(await steering.order(operation.toOrder(named, body), by, options)),
    );
  }
  for (const operation of RELOAD_OPERATIONS) {
    add(operation, async (_named, _body, by, options) =>
      reloadReply(await reloading.reload(by, options)),
    );
  }
  return router;
}

/** Of a page of another site a browser sends no JSON without asking first, and we do not answer such questions. */
function onlyJson(hasBody: boolean): RequestHandler {
  const detail = hasBody
    ? "write JSON, with Content-Type: application/json"
    : "this takes no body: a reason goes into ?reason=";
  return (request, _response, next) => {
    const isEmpty =
      request.get("transfer-encoding") === undefined &&
      Number(request.get("content-length") ?? 0) === 0;
    const isJson = hasBody && request.is("application/json") === "application/json";
    next(isEmpty || isJson ? undefined : new HttpProblem(415, detail));
  };
}

/** The body of each request as it came. */
const BYTES = new WeakMap<object, Buffer>();

/** Nothing compressed, so that 64 KiB are no more than they seem. */
const readJson = express.json({
  limit: MAX_BODY_BYTES,
  inflate: false,
  strict: false,
  verify: (request, _response, bytes) => BYTES.set(request, bytes),
});

/** What makes two requests the same order. */
function fingerprintOf(request: Request): string {
  const hash = createHash("sha256").update(`${request.method} ${request.originalUrl}\n`);
  return hash.update(BYTES.get(request) ?? "").digest("base64");
}

/** @throws {HttpProblem} 400 with everything that is wrong with query and body */
function readRequest(request: Request, schema: z.ZodObject | null) {
  const querySchema = schema === null ? undoQuery : orderQuery;
  const query = querySchema.safeParse({ ...request.query });
  const body = schema?.safeParse(request.body ?? {});
  const faults = [
    ...(query.success ? [] : requestFaults(query.error, querySchema, "?")),
    ...(schema === null || body?.error === undefined ? [] : requestFaults(body.error, schema)),
  ];
  if (!query.success || faults.length > 0) {
    const [{ path, message } = { path: "", message: "" }, ...others] = faults;
    const more = others.length === 0 ? "" : `; and ${others.length} more: see errors`;
    const detail = `${path || "the body"} ${message}${more}`;
    throw new HttpProblem(400, detail, { errors: faults });
  }
  const { reason } = (body?.data ?? query.data) as { readonly reason: string };
  return { isDryRun: query.data.dryRun === "true", reason, body: body?.data };
}

/** Which of our own clients says that it is one: for the log, not to be trusted. */
function actorOf(request: Request): Actor {
  const name = request.get("x-celery-load-actor");
  return name === "ctl" || name === "page" ? name : "api";
}
