import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { type Request, type Response, Router } from "express";
import { CONTENT_TYPES, type TextFormat } from "../exposition/text-format.js";
import type { HttpSource } from "./app.js";
import { entityTag } from "./control/preconditions.js";
import { eventStream } from "./events.js";
import { Shared } from "./shared.js";

/** Level 1: a third of the CPU of the default for a page a fifth larger. */
const ZIP = { level: 1 };
const zip = promisify(gzip);
/** Answers that were written and not read, each of which holds its page: the oldest makes room for the next. */
const MAX_UNREAD = 20;
/** How long a client may take to read a page. */
const RESPONSE_DEADLINE_MS = 10_000;
const WHOLE_PAGES = ["/metrics", "/api/v1/status", "/api/v1/scenarios", "/api/v1/history"];

/** All that is read: the same on both servers, but for the OpenAPI document. */
export function readRoutes(source: HttpSource, openApi: object): Router {
  const router = Router();
  const unread = new Set<Response>();
  router.use(WHOLE_PAGES, (_request, response, next) => {
    const deadline = setTimeout(() => response.destroy(), RESPONSE_DEADLINE_MS);
    // Written as a whole, as far as we are concerned: the client may be slow to read it.
    response.on("prefinish", () => {
      unread.add(response);
      const [oldest] = unread;
      if (unread.size > MAX_UNREAD) oldest!.destroy();
    });
    response.on("close", () => {
      unread.delete(response);
      clearTimeout(deadline);
    });
    next();
  });
  const plain = eachFormat((format) => new Shared(() => source.metricsPage(format)));
  const zipped = eachFormat(
    (format) => new Shared(async () => zip(await source.metricsPage(format), ZIP)),
  );
  router.get("/metrics", async (request, response) => {
    const format = wantedFormat(request);
    const isZipped = request.acceptsEncodings("gzip", "identity") === "gzip";
    const page = await (isZipped ? zipped : plain)[format].get();
    response.set({ "Content-Type": CONTENT_TYPES[format], Vary: "Accept, Accept-Encoding" });
    if (isZipped) response.set("Content-Encoding", "gzip");
    response.end(page);
  });
  const status = new Shared(async () => JSON.stringify(await source.status()));
  router.get("/api/v1/status", async (_request, response) => {
    const text = await status.get();
    sendJson(response, text, source.revision());
  });
  const scenarios = new Shared(() => source.scenarios());
  router.get("/api/v1/scenarios", async (_request, response) => {
    const answer = await scenarios.get();
    sendJson(response, JSON.stringify(answer), answer.revision);
  });
  router.get("/api/v1/events", eventStream(source.events));
  const history = new Shared(async () => JSON.stringify(source.history()));
  const zippedHistory = new Shared(async () => zip(JSON.stringify(source.history()), ZIP));
  router.get("/api/v1/history", async (request, response) => {
    const isZipped = request.acceptsEncodings("gzip", "identity") === "gzip";
    response.set({ "Cache-Control": "no-store", Vary: "Accept-Encoding" }).type("json");
    if (isZipped) response.set("Content-Encoding", "gzip");
    response.end(await (isZipped ? zippedHistory : history).get());
  });
  router.get("/api/v1/live", eventStream(source.feed));
  router.get("/api/v1/openapi.json", (_request, response) => {
    response.json(openApi);
  });
  router.get("/healthz", (_request, response) => {
    const fault = source.healthFault();
    response
      .status(fault === null ? 200 : 503)
      .type("text/plain")
      .send(`${fault ?? "ok"}\n`);
  });
  router.get("/readyz", (_request, response) => {
    const readiness = source.readiness();
    response.status(readiness.ready ? 200 : 503).json(readiness);
  });
  return router;
}

/** As bytes: express itself would answer `If-None-Match` by 304, while a revision says nothing of rates. */
function sendJson(response: Response, text: string, revision: number): void {
  response
    .set({ "Cache-Control": "no-store", ETag: entityTag(revision) })
    .type("json")
    .end(text);
}

function eachFormat<Value>(make: (format: TextFormat) => Value): Record<TextFormat, Value> {
  return { text: make("text"), openmetrics: make("openmetrics") };
}

/** OpenMetrics only for those who ask for version 1.0.0 of it, as Prometheus does by default. */
function wantedFormat(request: Request): TextFormat {
  const accept = request.get("accept") ?? "";
  const weightOf = (pattern: RegExp) => {
    const range = accept.split(",").find((part) => pattern.test(part));
    return range === undefined ? 0 : Number(/;\s*q=([\d.]+)/.exec(range)?.[1] ?? 1);
  };
  const openMetrics = weightOf(/application\/openmetrics-text(?!.*version=0)/);
  const text = weightOf(/text\/(plain|\*)/);
  return openMetrics > 0 && openMetrics >= text ? "openmetrics" : "text";
}
