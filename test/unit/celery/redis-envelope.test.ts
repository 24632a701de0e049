import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SAMPLE_FILL } from "../../../src/celery/messages/message.js";
import {
  compileRedisEnvelope,
  DEFAULT_SEP,
  priorityKey,
  readReply,
} from "../../../src/celery/messages/redis-envelope.js";
import { compileBody, NOTHING_EMBEDDED } from "../../../src/celery/messages/task-body.js";
import { CONTEXT, messageSpec, taskOptions } from "./specs.js";

const spec = messageSpec();
const ID = SAMPLE_FILL.id;
const idOf = (n: number) => ID.slice(0, -1) + n;
const fillOf = (id: string, own = {}) => ({ ...SAMPLE_FILL, id, ...own });
const noSources = { readLines: () => [], random: () => 0.5 };
const bodyOf = (args: unknown[], kwargs: Record<string, unknown> = {}) =>
  compileBody(
    { ...taskOptions({ args, kwargs }), embed: NOTHING_EMBEDDED, hasEta: false },
    noSources,
  ).render(CONTEXT);
const decode = (body: string) => JSON.parse(Buffer.from(body, "base64").toString());

test("an envelope is what Celery's own producer writes, but for lang and ignore_result", () => {
  // The captured message of `app.send_task("wire.add", [1, 2])`, Celery 5.6 and later.
  const id = "2791f327-00fe-468f-93e8-5c0ea497f7e6";
  const replyTo = "9eb6a9e7-8a9e-31ca-b925-608b86019992";
  const message = JSON.parse(
    compileRedisEnvelope(spec, replyTo, bodyOf([1, 2]))
      .fill(fillOf(id))
      .toString(),
  );
  assert.deepEqual(decode(message.body), [
    [1, 2],
    {},
    { callbacks: null, errbacks: null, chain: null, chord: null },
  ]);
  assert.deepEqual(
    { ...message, body: "" },
    {
      body: "",
      "content-encoding": "utf-8",
      "content-type": "application/json",
      headers: {
        lang: "js",
        task: "wire.add",
        id,
        shadow: null,
        eta: null,
        expires: null,
        group: null,
        group_index: null,
        retries: 0,
        timelimit: [null, null],
        root_id: id,
        parent_id: null,
        argsrepr: "(1, 2)",
        kwargsrepr: "{}",
        origin: "gen1@host",
        ignore_result: null,
        replaced_task_nesting: 0,
        stamped_headers: null,
        stamps: {},
      },
      properties: {
        correlation_id: id,
        reply_to: replyTo,
        delivery_mode: 2,
        delivery_info: { exchange: "", routing_key: "celery" },
        priority: 0,
        body_encoding: "base64",
        delivery_tag: id,
      },
    },
  );
});

test("a task that expires carries the time in its header and the milliseconds as expiration", () => {
  const envelope = compileRedisEnvelope({ ...spec, expiresMs: 120_000 }, "r", bodyOf([]));
  const message = JSON.parse(
    envelope.fill(fillOf(ID, { expires: "2026-11-24T10:10:10.511000+00:00" })).toString(),
  );
  assert.equal(message.headers.expires, "2026-11-24T10:10:10.511000+00:00");
  assert.equal(message.properties.expiration, "120000");
});

test("an id or time of another width is refused: it would tear the message", () => {
  const envelope = compileRedisEnvelope({ ...spec, expiresMs: 1 }, "r", bodyOf([]));
  assert.throws(() => envelope.fill(fillOf("short")), /id must have 36 characters/);
  assert.throws(() => envelope.fill(fillOf(ID, { expires: "2026" })), /expires must have/);
  // What the template does not use may be anything.
  envelope.fill(fillOf(ID, { eta: "", group: "" }));
});

test("each message of a templated task has its own body", () => {
  const envelope = compileRedisEnvelope(spec, "r", null);
  for (const n of [1, 2]) {
    const message = JSON.parse(envelope.fill(fillOf(idOf(n), { body: bodyOf([n]) })).toString());
    assert.deepEqual(decode(message.body)[0], [n]);
    assert.equal(message.properties.delivery_tag, idOf(n));
  }
});

test("a message whose body differs each time can have any serializer", () => {
  for (const serializer of ["json", "msgpack", "yaml"] as const) {
    const envelope = compileRedisEnvelope({ ...spec, serializer }, "r", null);
    const message = JSON.parse(envelope.fill(fillOf(ID, { body: bodyOf([1]) })).toString());
    assert.ok(Buffer.from(message.body, "base64").length > 10, serializer);
  }
});

test("an envelope is pure ASCII and keeps every character of names, headers and arguments", () => {
  const odd = {
    ...spec,
    name: "mödule.täsk",
    routingKey: "wärteschlange\u2028",
    headers: { note: "日本\u0001id\u0001" },
  };
  const text = compileRedisEnvelope(odd, "r", bodyOf(["ü"]))
    .fill(fillOf(ID))
    .toString();
  assert.match(text, /^[\x20-\x7e]*$/);
  const message = JSON.parse(text);
  assert.equal(message.headers.task, odd.name);
  assert.equal(message.properties.delivery_info.routing_key, odd.routingKey);
  assert.deepEqual(decode(message.body)[0], ["ü"]);
});

test("no text of a header is taken for a place to be filled in", () => {
  const texts = ["id", "eta", "expires", "group", "body"].map((name) => `\u0001${name}\u0001`);
  for (const fixedBody of [bodyOf([1]), null]) {
    const withTexts = { ...spec, headers: { texts }, shadow: texts.join("") };
    const envelope = compileRedisEnvelope(withTexts, "r", fixedBody);
    const message = JSON.parse(envelope.fill({ ...SAMPLE_FILL, body: bodyOf([1]) }).toString());
    assert.deepEqual(message.headers.texts, texts);
    assert.equal(message.headers.shadow, texts.join(""));
    assert.deepEqual(decode(message.body)[0], [1]);
  }
});

test("custom headers cannot replace those that a worker needs", () => {
  const headers = { id: null, task: 5, retries: "x", traceparent: "00-1" } as const;
  const message = JSON.parse(
    compileRedisEnvelope({ ...spec, headers }, "r", bodyOf([]))
      .fill(fillOf(ID))
      .toString(),
  );
  assert.equal(message.headers.id, ID);
  assert.equal(message.headers.task, "wire.add");
  assert.equal(message.headers.retries, 0);
  assert.equal(message.headers.traceparent, "00-1");
});

test("priorityKey() lowers a priority to its step, as kombu does", () => {
  const options = { priority_steps: [0, 3, 6, 9], sep: DEFAULT_SEP };
  const step = (n: number) => `q\x06\x16${n}`;
  const expected = ["q", "q", "q", step(3), step(3), step(3), step(6), step(6), step(6), step(9)];
  for (const [priority, key] of expected.entries()) {
    assert.equal(priorityKey("q", priority, options), key, `priority ${priority}`);
  }
  assert.equal(priorityKey("q", 5, { priority_steps: [0, 1, 2, 3, 4, 5], sep: ":" }), "q:5");
});

test("priorityKey() sends what is below the first step to the last, as kombu's bisect does", () => {
  assert.equal(priorityKey("q", 0, { priority_steps: [3, 6], sep: ":" }), "q:6");
});

test("readReply() reads what a worker puts into a reply list, also with a plain body", () => {
  const meta = '{"task_id": "a", "status": "SUCCESS", "result": "Gr\u00fc\u00dfe"}';
  const properties = { correlation_id: "a", body_encoding: "base64", delivery_info: {} };
  const body = Buffer.from(meta).toString("base64");
  assert.deepEqual(readReply(JSON.stringify({ body, properties })), {
    correlationId: "a",
    body: meta,
  });
  assert.deepEqual(readReply(JSON.stringify({ body: meta, properties: { correlation_id: "a" } })), {
    correlationId: "a",
    body: meta,
  });
});

test("readReply() gives null for whatever is no reply, and never throws", () => {
  for (const text of [
    "",
    "null",
    "[]",
    "{}",
    '{"body": "", "properties": null}',
    '{"body": 1, "properties": {"correlation_id": "a"}}',
    '{"body": "", "properties": {"correlation_id": null}}',
  ]) {
    assert.equal(readReply(text), null, text);
  }
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      readReply(text);
    }),
  );
});
