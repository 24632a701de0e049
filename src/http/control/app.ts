import type { Express, NextFunction, Request, RequestHandler, Response } from "express";
import { messageOf } from "../../errors.js";
import { type HttpSource, newApp } from "../app.js";
import { pageRoutes } from "../page/routes.js";
import { readRoutes } from "../read-routes.js";
import { onlyOwnPages, onlyWithToken } from "./access.js";
import { openApiDocument } from "./openapi.js";
import { OPERATIONS, routePath } from "./operations.js";
import { limitOrders } from "./order-limit.js";
import { type ControlTarget, orderRoutes } from "./order-routes.js";
import { HttpProblem, isProblemStatus, problemReply, sendReply } from "./problem.js";

/** Methods that change nothing. */
const READING: readonly string[] = ["GET", "HEAD"];

export interface ControlAppOptions {
  /** Says which hosts are served (`onlyHosts`). */
  readonly served: RequestHandler;
  /** What every request must carry; null: nothing. */
  readonly token: string | null;
  /** A clock that never goes back; left out: that of the process. */
  readonly nowMs?: () => number;
}

/** What is served on `control.listen`: all that the read-only server has, the page with controls, and the orders. */
export function createControlApp(
  source: HttpSource,
  target: ControlTarget,
  { served, token, nowMs }: ControlAppOptions,
): Express {
  const app = newApp(served);
  // Without the token, which the page asks for: its files hold nothing of the run.
  app.use(pageRoutes({ hasControls: true }));
  if (token !== null) app.use(onlyWithToken(token));
  app.use(forOrders(onlyOwnPages), forOrders(limitOrders(nowMs)));
  app.use(orderRoutes(target, nowMs));
  app.use(readRoutes(source, openApiDocument({ hasOrders: true })));
  for (const [path, methods] of methodsByPath()) {
    app.all(routePath(path), (request) => {
      const headers = { Allow: methods.join(", ") };
      throw new HttpProblem(405, `${request.method} is not known here`, { headers });
    });
  }
  app.use(() => {
    throw new HttpProblem(404, "there is no such route: see /api/v1/openapi.json");
  });
  // Four parameters make it express' error handler; its own would answer with the stack.
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    if (response.headersSent) response.destroy();
    else sendReply(response, problemReply(problemOf(error)));
  });
  return app;
}

function forOrders(check: RequestHandler): RequestHandler {
  return (request, response, next) => {
    if (READING.includes(request.method)) next();
    else check(request, response, next);
  };
}

function methodsByPath(): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const { path, method } of OPERATIONS) {
    const names = method === "get" ? READING : [method.toUpperCase()];
    methods.set(path, [...(methods.get(path) ?? []), ...names]);
  }
  return methods;
}

/** Errors of express and of the reader of bodies have a status and a type. */
function problemOf(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  const { status, type } = (typeof error === "object" && error !== null ? error : {}) as {
    status?: unknown;
    type?: unknown;
  };
  if (type === "entity.parse.failed") return new HttpProblem(400, "the body is not JSON");
  if (type === "entity.too.large") return new HttpProblem(413, "a body has at most 64 KiB");
  if (status === 415) return new HttpProblem(415, "write JSON in UTF-8, not compressed");
  const known = typeof status === "number" && isProblemStatus(status) ? status : 500;
  return new HttpProblem(known, messageOf(error));
}
