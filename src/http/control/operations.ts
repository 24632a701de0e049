import type * as z from "zod";
import type { Order } from "../../control/order.js";
import {
  historyAnswer,
  orderAnswer,
  readinessAnswer,
  reloadAnswer,
  scenariosAnswer,
  statusAnswer,
} from "./answer-schemas.js";
import {
  burstBody,
  overrideBody,
  overrideTo,
  pauseBody,
  plainBody,
  stopAllBody,
} from "./bodies.js";

/** A route as it is served and as the OpenAPI document tells of it. */
export interface Operation {
  readonly method: "get" | "patch" | "post" | "delete";
  /** As OpenAPI writes it: `/api/v1/scenarios/{name}/pause`. */
  readonly path: string;
  /** The operation's id in the document. */
  readonly id: string;
  readonly summary: string;
  /** What the path names; null: nothing. */
  readonly parameter: "name" | "id" | null;
  /** null: there is no body. */
  readonly body: z.ZodObject | null;
  /** What it answers with 200: JSON of a schema, or another kind of text. */
  readonly answer: z.ZodType | { readonly contentType: string };
}

export interface OrderOperation extends Operation {
  /** @param named the parameter of the path, "" when it has none; `body` has passed its schema */
  readonly toOrder: (named: string, body: unknown) => Order;
}

const READING = { method: "get", parameter: null, body: null } as const;

/** What both servers have. */
export const READ_OPERATIONS: readonly Operation[] = [
  {
    ...{ ...READING, path: "/", id: "page", answer: { contentType: "text/html" } },
    summary: "The live page, for people",
  },
  {
    ...{ ...READING, path: "/metrics", id: "metrics", answer: { contentType: "text/plain" } },
    summary: "Metrics for Prometheus, in its text format or OpenMetrics",
  },
  {
    ...{ ...READING, path: "/healthz", id: "health", answer: { contentType: "text/plain" } },
    summary: "200 while the process works, else 503",
  },
  {
    ...{ ...READING, path: "/readyz", id: "readiness", answer: readinessAnswer },
    summary: "200 while every broker, backend and requested event stream answers, else 503",
  },
  {
    ...{ ...READING, path: "/api/v1/status", id: "status", answer: statusAnswer },
    summary: "What the daemon does and sees now",
  },
  {
    ...{ ...READING, path: "/api/v1/scenarios", id: "scenarios", answer: scenariosAnswer },
    summary: "What each scenario does, and who steers it",
  },
  {
    ...{ ...READING, path: "/api/v1/events", id: "events" },
    answer: { contentType: "text/event-stream" },
    summary: "Server-sent events: every change, stage, state, guard, readiness, verdict and reload",
  },
  {
    ...{ ...READING, path: "/api/v1/history", id: "history", answer: historyAnswer },
    summary: "What the run was like, second by second and back to two days",
  },
  {
    ...{ ...READING, path: "/api/v1/live", id: "live" },
    answer: { contentType: "text/event-stream" },
    summary: "Server-sent events: sample, status and mark, as the page follows them each second",
  },
  {
    ...{ ...READING, path: "/api/v1/openapi.json", id: "openapi" },
    answer: { contentType: "application/json" },
    summary: "This document",
  },
];

const SCENARIO = "/api/v1/scenarios/{name}";
const OF_SCENARIO = { method: "post", parameter: "name", answer: orderAnswer } as const;
const OF_ALL = { method: "post", parameter: null, answer: orderAnswer } as const;

/** Orders of one scenario that need nothing but its name. */
const PLAIN = {
  start: "Starts a scenario that was stopped or has ended: its plan begins anew",
  stop: "Ends a scenario: nothing starts any more, results are still waited for",
  "skip-stage": "Ends the stage that is under way: the plan goes on with the next one",
  restart: "Begins the plan anew",
} as const;

/** Every order that there is. */
export const ORDER_OPERATIONS: readonly OrderOperation[] = [
  order(overrideBody, {
    ...{ ...OF_SCENARIO, method: "patch", path: SCENARIO, id: "override" },
    summary: "Overrides the rate or the mix of a scenario; the plan's clock goes on",
    toOrder: (scenario, body) => ({
      ...{ kind: "override", scenario, to: overrideTo(body) },
      ...{ overMs: body.over, ttlMs: body.ttl },
    }),
  }),
  order(pauseBody, {
    ...{ ...OF_SCENARIO, path: `${SCENARIO}/pause`, id: "pause" },
    summary: "Pauses a scenario: nothing starts, and the plan's clock stands",
    toOrder: (scenario, { ttl }) => ({ kind: "pause", scenario, ttlMs: ttl, guard: null }),
  }),
  order(plainBody, {
    ...{ ...OF_SCENARIO, path: `${SCENARIO}/resume`, id: "resume" },
    summary: "Ends the pauses that people ordered",
    toOrder: (scenario) => ({ kind: "resume", scenario, guard: null }),
  }),
  ...(Object.keys(PLAIN) as (keyof typeof PLAIN)[]).map((kind) =>
    order(plainBody, {
      ...{ ...OF_SCENARIO, path: `${SCENARIO}/${kind}`, id: kind, summary: PLAIN[kind] },
      toOrder: (scenario) => ({ kind, scenario }),
    }),
  ),
  order(burstBody, {
    ...{ ...OF_SCENARIO, path: `${SCENARIO}/burst`, id: "burst" },
    summary: "Starts so many tasks beyond the rate",
    toOrder: (scenario, { count, over }) => ({ kind: "burst", scenario, count, overMs: over }),
  }),
  {
    ...{ method: "delete", path: "/api/v1/overrides/{id}", id: "undo", parameter: "id" },
    ...{ body: null, answer: orderAnswer },
    summary: "Undoes an override or a pause",
    toOrder: (id) => ({ kind: "undo", id }),
  },
  order(stopAllBody, {
    ...{ ...OF_ALL, path: "/api/v1/stop-all", id: "stop-all" },
    summary: "The kill switch: nothing starts any more, until it is released",
    toOrder: (_, { revoke }) => ({ kind: "stop-all", revoke }),
  }),
  order(plainBody, {
    ...{ ...OF_ALL, path: "/api/v1/release", id: "release" },
    summary: "Releases the kill switch",
    toOrder: () => ({ kind: "release" }),
  }),
];

const RELOAD = { ...OF_ALL, body: plainBody, answer: reloadAnswer } as const;

/** The second is where Prometheus and its kin have it. */
export const RELOAD_OPERATIONS: readonly Operation[] = [
  {
    ...{ ...RELOAD, path: "/api/v1/reload", id: "reload" },
    summary: "Reads the configuration again, and does what has changed: all of it or nothing",
  },
  { ...{ ...RELOAD, path: "/-/reload", id: "reload-as-prometheus" }, summary: "The same" },
];

/** Every route of `control.listen`. */
export const OPERATIONS: readonly Operation[] = [
  ...READ_OPERATIONS,
  ...ORDER_OPERATIONS,
  ...RELOAD_OPERATIONS,
];

/** The path as express writes it. */
export function routePath(path: string): string {
  return path.replace(/\{(\w+)\}/, ":$1");
}

/** What a body's schema has passed is read with its type: the one place that knows both. */
function order<Body extends z.ZodObject>(
  body: Body,
  rest: Omit<OrderOperation, "body" | "toOrder"> & {
    readonly toOrder: (named: string, body: z.output<Body>) => Order;
  },
): OrderOperation {
  return { ...rest, body, toOrder: (named, read) => rest.toOrder(named, read as z.output<Body>) };
}
