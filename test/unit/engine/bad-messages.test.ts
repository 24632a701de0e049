import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type AmqpMessage, compileAmqpMessage } from "../../../src/celery/messages/amqp-message.js";
import { compileRedisEnvelope } from "../../../src/celery/messages/redis-envelope.js";
import { isTagged, taggedFault } from "../../../src/celery/messages/tagged-json.js";
import { taskId } from "../../../src/celery/messages/task-id.js";
import { isWellFormed } from "../../../src/celery/messages/well-formed.js";
import { loadConfig } from "../../../src/config/load.js";
import type { Publisher } from "../../../src/connections/ports.js";
import {
  compileFirstBodies,
  MessageMaker,
  prepareMessages,
} from "../../../src/engine/message-maker.js";
import type { EntryPlan } from "../../../src/engine/messages.js";
import { ConfigError } from "../../../src/errors.js";
import { planEngine } from "../../../src/workload/workload.js";
import { taskArbitrary } from "../../support/task-arbitrary.js";
import type { TaskSettings } from "../../support/task-runs.js";
import { bodyOf } from "./captured.js";

/** One message as a worker finds it, whichever broker it comes by. */
interface Received {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly contentType: unknown;
  readonly contentEncoding: unknown;
  readonly body: unknown;
  readonly isVersion1: boolean;
}

/**
 * What a bad message does to a worker (tried on live ones, 5.2 and 5.7), and what must hold so that ours
 * never does it. `null`: it cannot be known beforehand, but the task's outcome shows it.
 */
const FAULTS: readonly (readonly [
  fault: string,
  effect: string,
  ((message: Received) => void) | null,
])[] = [
  [
    "a body that is no triple",
    "the worker ends",
    ({ body, isVersion1 }) => {
      if (!isVersion1) assert.equal((body as unknown[]).length, 3);
    },
  ],
  [
    "a header task without an id",
    "the worker ends",
    ({ headers, body, isVersion1 }) => {
      const { task, id } = (isVersion1 ? body : headers) as Record<string, unknown>;
      assert.ok(task);
      assert.match(String(id), /^[0-9a-f-]{36}$/);
    },
  ],
  [
    "no delivery_tag (Redis)",
    "the worker ends, the message is lost",
    ({ properties }) => {
      if (properties.delivery_info !== undefined) assert.ok(properties.delivery_tag);
    },
  ],
  [
    "no exchange or routing key (Redis)",
    "the worker ends, the message is lost",
    ({ properties }) => {
      if (properties.delivery_info === undefined) return;
      const { exchange, routing_key } = properties.delivery_info as Record<string, unknown>;
      assert.deepEqual([typeof exchange, typeof routing_key], ["string", "string"]);
    },
  ],
  [
    "a header that kombu takes for a typed value (Redis)",
    "the worker ends",
    ({ headers }) => {
      for (const value of partsOf(headers)) assert.ok(!isMapping(value) || !isTagged(value));
    },
  ],
  [
    "args null",
    "a failure without meaning",
    ({ body, isVersion1 }) => {
      assert.ok(
        Array.isArray(isVersion1 ? (body as { args: unknown }).args : (body as unknown[])[0]),
      );
    },
  ],
  [
    "kwargs null",
    "success, but no result ever",
    ({ body, isVersion1 }) => {
      assert.ok(
        isMapping(isVersion1 ? (body as { kwargs: unknown }).kwargs : (body as unknown[])[1]),
      );
    },
  ],
  ["a task that is not registered", "failed, NotRegistered", null],
  ["arguments that the task does not take", "failed, TypeError", null],
  [
    "a content type that is refused everywhere",
    "dropped in silence",
    ({ contentType, contentEncoding }) => {
      const known = {
        "application/json": "utf-8",
        "application/x-msgpack": "binary",
        "application/x-yaml": "utf-8",
      };
      assert.equal(known[contentType as keyof typeof known], contentEncoding);
    },
  ],
  [
    "an ETA or expiry that cannot be read",
    "dropped in silence",
    ({ headers, body, isVersion1 }) => {
      const { eta, expires } = (isVersion1 ? body : headers) as Record<string, unknown>;
      for (const time of [eta, expires]) {
        if (time === null) continue;
        assert.match(
          String(time),
          /^(19[789]|[2-9]\d\d)\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/,
        );
        assert.ok(!String(time).startsWith("9999"));
      }
    },
  ],
  [
    "a body that cannot be decoded",
    "dropped in silence",
    ({ body, headers }) => {
      // It has been decoded; what Python refuses beyond that:
      for (const value of partsOf([body, headers])) {
        if (typeof value === "string") assert.ok(isWellFormed(value), JSON.stringify(value));
        if (typeof value === "number") assert.ok(Number.isFinite(value));
        if (isMapping(value)) assert.equal(taggedFault(value), undefined);
      }
    },
  ],
  [
    "neither of version 2 nor of version 1",
    "rejected in silence",
    ({ headers, body, isVersion1 }) => {
      assert.equal("task" in headers, !isVersion1);
      if (isVersion1)
        for (const key of ["task", "id", "args", "kwargs"]) assert.ok(key in (body as object));
    },
  ],
];

for (const broker of ["redis", "amqp"] as const) {
  test(`no task that a configuration accepts makes a message that is bad for a worker: ${broker}`, () => {
    const tasks = taskArbitrary({
      queues: ["celery", "wärteschlange"],
      topic: "fuzz.topic",
      delayed: broker === "redis" ? null : { exchange: "fuzz.quorum", queue: "quorum" },
    });
    let accepted = 0;
    fc.assert(
      fc.property(tasks, (task) => {
        const entry = planOf(broker, task);
        if (entry === null) return;
        // The reader of msgpack in this test refuses such a key, Python does not.
        fc.pre(task.serializer !== "msgpack" || !JSON.stringify(task).includes("__proto__"));
        accepted += 1;
        const message = received(broker, entry);
        for (const [fault, effect, check] of FAULTS) {
          try {
            check?.(message);
          } catch (error) {
            throw new Error(`${fault} (${effect})`, { cause: error });
          }
        }
        const own = JSON.parse(JSON.stringify(task.headers ?? {}));
        for (const [name, value] of Object.entries(own)) {
          // JSON has no -0.
          assert.deepEqual(JSON.parse(JSON.stringify(message.headers[name])), value, name);
        }
      }),
      { numRuns: 1_000 },
    );
    assert.ok(accepted > 200, `only ${accepted} tasks were accepted`);
  });
}

/** The task as the engine gets it; null when the configuration refuses it. */
function planOf(broker: "redis" | "amqp", task: TaskSettings): EntryPlan | null {
  const set = (path: string[], value: unknown) => ({ path, value, flag: "--test" });
  try {
    const { config } = loadConfig({
      files: [],
      env: {},
      overrides: [
        set(["connections", "main", "broker"], `${broker}://127.0.0.1`),
        set(["tasks", "task"], task),
        set(["scenarios", "s"], { profile: "1/s" }),
      ],
    });
    const none = {
      forMs: null,
      countLimit: null,
      templateLines: {},
      data: [],
      modules: [],
      version: "",
      commit: "",
    };
    const planned = planEngine({ config, ...none });
    return "issues" in planned ? null : planned.plan.entries[0]!;
  } catch (error) {
    if (error instanceof ConfigError) return null;
    throw error;
  }
}

/** The entry's first message, decoded. */
function received(broker: "redis" | "amqp", entry: EntryPlan): Received {
  const [first] = compileFirstBodies(entry, [entry], "reply-to", {
    readLines: () => [],
    random: () => 0.5,
  });
  const publisher: Publisher = {
    ready: true,
    isBlocked: false,
    template: (spec, fixedBody) => ({
      destination: "",
      render: (fill) =>
        broker === "redis"
          ? compileRedisEnvelope(spec, "reply-to", fixedBody).fill(fill).toString()
          : compileAmqpMessage(spec, "reply-to", fixedBody).render(fill),
      sizeOf: () => 0,
    }),
    publish: () => {},
  };
  const messages = prepareMessages(publisher, first!, "gen1@host");
  const clock = {
    nowMs: () => 0,
    unixMs: (ms: number) => 1.8e12 + ms,
    anchor: () => 0,
    steppedMs: () => Number.NEGATIVE_INFINITY,
  };
  const id = taskId("01234567-89ab", 0, 1);
  const message = new MessageMaker(clock).make(messages, 0, 0, id);
  const isVersion1 = entry.protocol === 1;
  if (broker === "amqp") {
    const { content, properties } = message as AmqpMessage;
    const { contentType, contentEncoding, headers } = properties;
    return {
      headers,
      properties,
      contentType,
      contentEncoding,
      isVersion1,
      body: bodyOf(content, contentType, headers),
    };
  }
  const envelope = JSON.parse(message as string);
  const contentType = envelope["content-type"];
  return {
    headers: envelope.headers,
    properties: envelope.properties,
    contentType,
    contentEncoding: envelope["content-encoding"],
    isVersion1,
    body: bodyOf(Buffer.from(envelope.body, "base64"), contentType, envelope.headers),
  };
}

/** A value with all that is in it, keys too. */
function* partsOf(value: unknown): Generator<unknown> {
  yield value;
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    yield key;
    yield* partsOf(item);
  }
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
