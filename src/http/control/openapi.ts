import * as z from "zod";
import { VARIABLE_PATTERN } from "../../config/quantities.js";
import { version } from "../../version.js";
import { problemAnswer } from "./answer-schemas.js";
import { orderQuery, undoQuery } from "./bodies.js";
import { OPERATIONS, type Operation, READ_OPERATIONS } from "./operations.js";
import { TITLES } from "./problem.js";

type Json = Readonly<Record<string, unknown>>;

/** What any order can be refused with; 404 where something is named, 422 also of a reload. */
const REFUSALS = [400, 401, 403, 409, 412, 413, 415, 422, 429] as const;

/**
 * The OpenAPI 3.1 document of a server, from the schemas that check the bodies.
 * @param hasOrders what `control.listen` serves; else the read-only part
 */
export function openApiDocument({ hasOrders }: { readonly hasOrders: boolean }): Json {
  const operations = hasOrders ? OPERATIONS : READ_OPERATIONS;
  const port = hasOrders ? 9810 : 9809;
  return {
    openapi: "3.1.1",
    info: {
      title: "celery-load",
      version,
      description: "A load daemon for Celery: what it does, and orders to it while it runs.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: `http://127.0.0.1:${port}`, description: "Where it listens by default." }],
    // Nothing is asked for on loopback without a token file.
    security: [{ token: [] }, {}],
    tags: [
      { name: "reading", description: "What is and was; nothing is changed." },
      ...(hasOrders ? [{ name: "orders", description: "What is to be." }] : []),
    ],
    paths: pathsOf(operations),
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "What control.tokenFile holds." },
      },
      schemas: { Problem: schemaOf(problemAnswer, "output") },
      responses: Object.fromEntries(
        (hasOrders ? [...REFUSALS, 404] : [401]).map((status) => [
          `Problem${status}`,
          problemResponse(status as keyof typeof TITLES),
        ]),
      ),
    },
  };
}

function pathsOf(operations: readonly Operation[]): Json {
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: documented(operation) };
  }
  return paths;
}

function documented(operation: Operation): Json {
  const { method, id, summary, parameter, body, answer } = operation;
  const isOrder = method !== "get";
  const refusals = isOrder ? [...REFUSALS, ...(parameter === null ? [] : [404])] : [401];
  const content =
    "contentType" in answer
      ? {
          [answer.contentType]: answer.contentType.startsWith("text/")
            ? { schema: { type: "string" } }
            : {},
        }
      : { "application/json": { schema: schemaOf(answer, "output") } };
  const parameters = [
    ...(parameter === null ? [] : [pathParameter(parameter)]),
    ...(isOrder ? orderParameters(body === null ? undoQuery : orderQuery) : []),
    ...(id === "events" ? [header("Last-Event-ID", "Go on behind the event with this id.")] : []),
  ];
  return {
    operationId: id,
    summary,
    tags: [isOrder ? "orders" : "reading"],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === null ? {} : { requestBody: bodyOf(body) }),
    responses: {
      200: {
        description: isOrder ? "Done, or tried." : "As of now.",
        ...(isOrder ? { headers: { ETag: ETAG } } : {}),
        content,
      },
      ...Object.fromEntries(
        refusals.map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]),
      ),
    },
  };
}

const ETAG = { description: "The revision, for If-Match.", schema: { type: "string" } };

function bodyOf(body: z.ZodObject): Json {
  const schema = schemaOf(body, "input");
  const isRequired = schema.required !== undefined || schema.oneOf !== undefined;
  return { required: isRequired, content: { "application/json": { schema } } };
}

function pathParameter(name: "name" | "id"): Json {
  const description = name === "name" ? "Of the scenario." : "Of the override or pause.";
  return { name, in: "path", required: true, description, schema: { type: "string" } };
}

function orderParameters(query: z.ZodObject): Json[] {
  const { properties } = schemaOf(query, "input") as { properties: Record<string, Json> };
  return [
    ...Object.entries(properties).map(([name, { description, ...schema }]) => ({
      ...{ name, in: "query", description, schema },
    })),
    header("If-Match", "The revision that the order is made for, as an ETag; another one is 412."),
    header("Idempotency-Key", "The same key with the same request gets the same answer again."),
    header("X-Celery-Load-Actor", "Which client orders: ctl or page; else it counts as api."),
  ];
}

function header(name: string, description: string): Json {
  return { name, in: "header", description, schema: { type: "string" } };
}

function problemResponse(status: keyof typeof TITLES): Json {
  const schema = { $ref: "#/components/schemas/Problem" };
  return { description: TITLES[status], content: { "application/problem+json": { schema } } };
}

/** In draft 2020-12, which is OpenAPI's own. */
function schemaOf(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...made } = z.toJSONSchema(schema, {
    io,
    target: "draft-2020-12",
    override: ({ zodSchema, jsonSchema }) => {
      const { examples } = z.globalRegistry.get(zodSchema) ?? {};
      if (Array.isArray(examples)) jsonSchema.examples = examples;
    },
  });
  return withoutVariables(made) as Json;
}

/** In a file a value may hold a variable, in an order it may not. */
function withoutVariables(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutVariables);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [
    key,
    key === "pattern" && typeof each === "string"
      ? each.replace(`|${VARIABLE_PATTERN}`, "")
      : withoutVariables(each),
  ]);
  return Object.fromEntries(entries);
}
