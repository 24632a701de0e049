import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express, {
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from "express";
import { EXIT, messageOf, UserError } from "../errors.js";
import type { TextFormat } from "../exposition/text-format.js";
import type { HistoryAnswer } from "../history/answer.js";
import { openFilesLimit } from "../open-files.js";
import { connectionLimits, limitConnections } from "./connections.js";
import { openApiDocument } from "./control/openapi.js";
import type { EventLog } from "./events.js";
import type { LiveFeed } from "./live-feed.js";
import { pageRoutes } from "./page/routes.js";
import { readRoutes } from "./read-routes.js";
import type { ScenariosAnswer } from "./scenarios.js";

/** What the pages show; the daemon provides it. */
export interface HttpSource {
  /** The metrics page; rejects only when there is nothing to show. */
  metricsPage(format: TextFormat): Promise<Buffer>;
  /** What /api/v1/status answers, as JSON. */
  status(): Promise<object>;
  /** What /api/v1/scenarios answers: `scenariosAnswer` makes it. */
  scenarios(): Promise<ScenariosAnswer>;
  /** Of what was ordered: grows by one with every change. */
  revision(): number;
  /** Followed by /api/v1/events. */
  readonly events: EventLog;
  /** What the run was like, of /api/v1/history. */
  history(): HistoryAnswer;
  /** What the page follows, by /api/v1/live. */
  readonly feed: LiveFeed;
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

/** Connections that the system keeps until they are taken: what comes at once must not be lost. */
const BACKLOG = 1_024;
/** What is served on `server.listen`, read-only. `served` says which hosts are served. */
export function createApp(source: HttpSource, served: RequestHandler): Express {
  const app = newApp(served);
  app.use(pageRoutes({ hasControls: false }));
  app.use(readRoutes(source, openApiDocument({ hasOrders: false })));
  app.use((_request, response) => {
    response
      .status(404)
      .type("text/plain")
      .send(
        "not found: try /, /metrics, /healthz, /readyz, /api/v1/status or /api/v1/openapi.json\n",
      );
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

/** An app without routes. */
export function newApp(served: RequestHandler): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use((_request, response, next) => {
    response.set({ "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer" });
    next();
  });
  app.use(served);
  return app;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** How the user says which address it is. */
interface AddressNames {
  readonly flag: string;
  readonly key: string;
}

/**
 * Starts serving.
 * @throws {UserError} when the address cannot be listened on.
 */
export async function listen(
  app: Express,
  address: Address,
  named: AddressNames = { flag: "--listen", key: "server.listen" },
): Promise<Server> {
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
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(listenError(error, address, named)),
    );
    server.listen({ ...address, backlog: BACKLOG }, resolve);
  });
  return server;
}

/** Where it is; of port 0 with the one that the system gave. */
export function serverUrl(server: Server): string {
  const { address, port } = server.address() as AddressInfo;
  return `http://${placeOf({ host: address, port })}`;
}

/** Where /metrics is; of port 0 with the one that the system gave. */
export function metricsUrl(server: Server): string {
  return `${serverUrl(server)}/metrics`;
}

/** Ends open and idle connections as well; `close()` alone would wait for them. */
export async function stopServing(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}

function statusOf(error: unknown): number {
  if (typeof error !== "object" || error === null || !("status" in error)) return 500;
  return typeof error.status === "number" && error.status >= 400 ? error.status : 500;
}

function placeOf({ host, port }: Address): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Is it that somebody else listens there? */
export function isInUse(error: unknown): boolean {
  const { code } = (error instanceof UserError ? error.cause : {}) as NodeJS.ErrnoException;
  return code === "EADDRINUSE";
}

function listenError(
  error: NodeJS.ErrnoException,
  address: Address,
  { flag, key }: AddressNames,
): UserError {
  const { port } = address;
  const reasons: Record<string, [string, string]> = {
    EADDRINUSE: [
      "the port is in use by another process",
      `Stop that process (\`ss -ltnp 'sport = :${port}'\` names it) or choose another port with ${flag} or ${key}.`,
    ],
    EACCES: ["permission denied", `Choose a port above 1023 with ${flag} or ${key}.`],
    EADDRNOTAVAIL: [
      "this machine does not have that address",
      `Choose one of its own, 0.0.0.0 for all of them, with ${flag} or ${key}.`,
    ],
    ENOTFOUND: ["the host name is unknown", `Write an IP address in ${flag} or ${key}.`],
  };
  const [what, hint] = reasons[error.code ?? ""] ?? [messageOf(error), `Check ${key}.`];
  return new UserError(`Cannot listen on ${placeOf(address)}: ${what}.`, {
    hint,
    cause: error,
    exitCode: EXIT.badConfiguration,
  });
}
