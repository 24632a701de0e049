import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import express, {
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from "express";
import { EXIT, messageOf, UserError } from "../errors.js";
import { CONTENT_TYPES, type TextFormat } from "../exposition/text-format.js";
import { openFilesLimit } from "../open-files.js";
import { connectionLimits, limitConnections } from "./connections.js";
import { Shared } from "./shared.js";

/** What the pages show; the daemon provides it. */
export interface HttpSource {
  /** The metrics page; rejects only when there is nothing to show. */
  metricsPage(format: TextFormat): Promise<Buffer>;
  /** What /api/v1/status answers, as JSON. */
  status(): Promise<object>;
  /** Null while the process works, else what is wrong with it. */
  healthFault(): string | null;
  readiness(): Readiness;
}

export interface Readiness {
  readonly ready: boolean;
  /** What is wrong, one entry a fault. When ready, what is merely degraded. */
  readonly problems: readonly Problem[];
}

export interface Problem {
  readonly connection?: string;
  readonly role?: string;
  readonly message: string;
}

/** Level 1: a third of the CPU of the default for a page a fifth larger. */
const ZIP = { level: 1 };
const zip = promisify(gzip);
/** Answers that were written and not read, each of which holds its page: the oldest makes room for the next. */
const MAX_UNREAD = 20;
/** Connections that the system keeps until they are taken: what comes at once must not be lost. */
const BACKLOG = 1_024;
/** How long a client may take to read a page. */
const RESPONSE_DEADLINE_MS = 10_000;

/** The read-only routes: /metrics, /healthz, /readyz, /api/v1/status. `served` says which hosts are served. */
export function createApp(source: HttpSource, served: RequestHandler): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use((_request, response, next) => {
    response.set({ "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer" });
    next();
  });
  app.use(served);

  const unread = new Set<Response>();
  app.use(["/metrics", "/api/v1/status"], (_request, response, next) => {
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
  app.get("/metrics", async (request, response) => {
    const format = wantedFormat(request);
    const isZipped = request.acceptsEncodings("gzip", "identity") === "gzip";
    const page = await (isZipped ? zipped : plain)[format].get();
    response.set({ "Content-Type": CONTENT_TYPES[format], Vary: "Accept, Accept-Encoding" });
    if (isZipped) response.set("Content-Encoding", "gzip");
    response.end(page);
  });
  const status = new Shared(async () => JSON.stringify(await source.status()));
  app.get("/api/v1/status", async (_request, response) => {
    const text = await status.get();
    response.set("Cache-Control", "no-store").type("json").send(text);
  });
  app.get("/healthz", (_request, response) => {
    const fault = source.healthFault();
    response
      .status(fault === null ? 200 : 503)
      .type("text/plain")
      .send(`${fault ?? "ok"}\n`);
  });
  app.get("/readyz", (_request, response) => {
    const readiness = source.readiness();
    response.status(readiness.ready ? 200 : 503).json(readiness);
  });
  app.use((_request, response) => {
    response
      .status(404)
      .type("text/plain")
      .send("not found: try /metrics, /healthz, /readyz or /api/v1/status\n");
  });
  // Four parameters make it express' error handler; its own would answer with the stack.
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const status = statusOf(error);
    if (response.headersSent) response.destroy();
    else
      response
        .status(status)
        .type("text/plain")
        .send(`${messageOf(error)}\n`);
  });
  return app;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Starts serving.
 * @throws {UserError} when the address cannot be listened on.
 */
export async function listen(app: Express, address: Address): Promise<Server> {
  const server = createServer(
    {
      headersTimeout: 5_000,
      requestTimeout: 10_000,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: 5_000,
      maxHeaderSize: 16 * 1024,
    },
    app,
  );
  limitConnections(server, connectionLimits(openFilesLimit()));
  server.maxRequestsPerSocket = 1_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, address)));
    server.listen({ ...address, backlog: BACKLOG }, resolve);
  });
  return server;
}

/** Where /metrics is; of port 0 with the one that the system gave. */
export function metricsUrl(server: Server): string {
  const { address, port } = server.address() as AddressInfo;
  return `http://${placeOf({ host: address, port })}/metrics`;
}

/** Ends open and idle connections as well; `close()` alone would wait for them. */
export async function stopServing(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
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

function statusOf(error: unknown): number {
  if (typeof error !== "object" || error === null || !("status" in error)) return 500;
  return typeof error.status === "number" && error.status >= 400 ? error.status : 500;
}

function placeOf({ host, port }: Address): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function listenError(error: NodeJS.ErrnoException, address: Address): UserError {
  const { port } = address;
  const reasons: Record<string, [string, string]> = {
    EADDRINUSE: [
      "the port is in use by another process",
      `Stop that process (\`ss -ltnp 'sport = :${port}'\` names it) or choose another port with --listen or server.listen.`,
    ],
    EACCES: ["permission denied", "Choose a port above 1023 with --listen or server.listen."],
    EADDRNOTAVAIL: [
      "this machine does not have that address",
      "Choose one of its own, 0.0.0.0 for all of them, with --listen or server.listen.",
    ],
    ENOTFOUND: ["the host name is unknown", "Write an IP address in --listen or server.listen."],
  };
  const [what, hint] = reasons[error.code ?? ""] ?? [messageOf(error), "Check server.listen."];
  return new UserError(`Cannot listen on ${placeOf(address)}: ${what}.`, {
    hint,
    cause: error,
    exitCode: EXIT.badConfiguration,
  });
}
