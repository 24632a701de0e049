import assert from "node:assert/strict";
import { test } from "node:test";
import { isoTime } from "../../../src/celery/messages/iso-time.js";
import { SAMPLE_FILL } from "../../../src/celery/messages/message.js";
import { pythonRepr } from "../../../src/celery/messages/repr.js";
import type { TaskOptions } from "../../../src/celery/messages/task-options.js";
import { compileFirstBodies, prepareMessages } from "../../../src/engine/message-maker.js";
import type { EntryPlan } from "../../../src/engine/messages.js";
import { CONTEXT, taskOptions } from "../celery/specs.js";
import {
  type Captured,
  capturedCases,
  comparable,
  encoderFor,
  type ProducerCase,
} from "./captured.js";

/** What is not reproduced, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  "serializer-pickle": "pickle is refused",
  "compression-bzip2": "refused: there is no well-kept library for it",
  "compression-lzma": "refused: there is no well-kept library for it",
  "compression-zstd": "Celery itself refused it there, without the module: nothing was published",
  "eta-naive": "a time without an offset is refused",
  "precondition-failed": "a declaration that failed: nothing was published, and we declare nothing",
};

/** Where Celery itself published nothing. */
const SILENT = [
  "amqp 5.2.6 json-bytes",
  "redis 5.2.6 exchange-routing-key",
  "redis 5.2.6 json-bytes",
  "redis 5.7 exchange-routing-key",
];

// Workflows have a test of their own.
const cases = capturedCases().filter(({ call }) => call?.canvas === undefined);
const isReproduced = ({ name, messages }: ProducerCase) =>
  LEFT_OUT[name] === undefined && messages.length > 0;

for (const each of cases.filter(isReproduced)) {
  test(`${each.transport}, Celery ${each.version}: ${each.name} is reproduced`, () => {
    const captured = each.messages[0]!;
    assert.deepEqual(comparable(produce(each, captured), each), comparable(captured, each));
  });
}

test("nothing is left out but what is listed here with its reason", () => {
  const left = cases.filter((each) => !isReproduced(each));
  assert.deepEqual(new Set(left.map(({ name }) => name)).size, Object.keys(LEFT_OUT).length + 2);
  const silent = left.filter(({ name }) => LEFT_OUT[name] === undefined);
  assert.deepEqual(
    silent.map(({ transport, version, name }) => `${transport} ${version} ${name}`).sort(),
    SILENT,
  );
});

/** The message that we make for the same call, with the id and times of the captured one. */
function produce(each: ProducerCase, captured: Captured): Captured {
  const entry: EntryPlan = {
    ...optionsOf(each, captured),
    ...{
      scenario: 0,
      connection: 0,
      timeoutMs: 0,
      errbacks: [],
      workflow: null,
      memberOf: null,
      data: null,
      userRow: null,
      payload: null,
      isScripted: false,
    },
  };
  const [first] = compileFirstBodies(entry, [entry], "oid", {
    readLines: () => [],
    random: () => 0,
  });
  const { body } = first!;
  const publisher = encoderFor(each, String(captured.properties.reply_to));
  const { template } = prepareMessages(publisher, first!, "gen1@host");
  const fill = { ...SAMPLE_FILL, id: String(captured.properties.correlation_id) };
  const { eta, expires } = (each.isVersion1 ? captured.body : captured.headers) as unknown as Times;
  if (eta !== null) fill.eta = eta.endsWith("Z") ? isoTime(Date.parse(eta)) : eta;
  if (expires !== null) fill.expires = expires;
  fill.body = body.render({ ...CONTEXT, ...fill });
  return template.render(fill) as Captured;
}

interface Times {
  readonly eta: string | null;
  readonly expires: string | null;
}

/** Celery's options of `send_task` as ours. */
function optionsOf({ call, isVersion1, name }: ProducerCase, captured: Captured): TaskOptions {
  const { options } = call;
  const args = (call.args ?? []).map(typedBytes);
  const ms = (seconds: unknown) => (typeof seconds === "number" ? seconds * 1000 : null);
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  const own: Record<string, unknown> = {
    name: call.name,
    args,
    kwargs: call.kwargs ?? {},
    queue: options.queue,
    exchange: options.exchange,
    routingKey: options.routing_key,
    priority: options.priority,
    isPersistent: options.delivery_mode !== 1,
    expiresMs: ms(options.expires),
    countdownMs: ms(options.countdown),
    eta: options.eta === undefined ? null : text(captured.headers.eta),
    nativeDelayedDelivery: options.native_delayed_delivery,
    timeLimitSeconds: options.time_limit,
    softTimeLimitSeconds: options.soft_time_limit,
    // What Celery's send_task says when nothing is said; our own default leaves it to the task.
    ignoreResult: options.ignore_result ?? false,
    shadow: options.shadow,
    headers: options.headers,
    // send_task shows a list where apply_async, and we, show a tuple.
    argsrepr: isRepresentable(name) ? reprOf(call.args) : captured.headers.argsrepr,
    serializer: options.serializer,
    compression: options.compression,
    protocol: isVersion1 ? 1 : 2,
  };
  const set = Object.entries(own).filter(([, value]) => value !== undefined);
  return taskOptions(Object.fromEntries(set) as Partial<TaskOptions>);
}

/** JSON has no bytes, and JavaScript no 3.0. */
function isRepresentable(name: string): boolean {
  return name !== "json-bytes" && !name.startsWith("serializer-");
}

function reprOf(args: readonly unknown[] | null): string {
  return args === null ? "()" : pythonRepr(args);
}

/** Bytes as the vectors write them, in the types that kombu has for them. */
function typedBytes(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const { utf8, base64 } = value as Record<string, unknown>;
  if (utf8 !== undefined) return { __type__: "bytes", __value__: utf8 };
  return base64 === undefined ? value : { __type__: "base64", __value__: base64 };
}
