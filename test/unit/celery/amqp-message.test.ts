import assert from "node:assert/strict";
import { test } from "node:test";
import { compileAmqpMessage } from "../../../src/celery/messages/amqp-message.js";
import { SAMPLE_FILL } from "../../../src/celery/messages/message.js";
import { messageSpec } from "./specs.js";

const spec = messageSpec({ argsrepr: "[1, 2]" });
const fill = { ...SAMPLE_FILL, id: "tid" };
const BODY = '[[1, 2], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]';

test("a message is what Celery's own producer sends on RabbitMQ, but for lang and ignore_result", () => {
  // The captured message of `app.send_task("wire.add", [1, 2])`, Celery 5.6 and later.
  const { content, properties } = compileAmqpMessage(spec, "oid", BODY).render(fill);
  assert.equal(content.toString(), BODY);
  assert.deepEqual(properties, {
    contentType: "application/json",
    contentEncoding: "utf-8",
    deliveryMode: 2,
    priority: 0,
    correlationId: "tid",
    replyTo: "oid",
    headers: {
      lang: "js",
      task: "wire.add",
      id: "tid",
      shadow: null,
      eta: null,
      expires: null,
      group: null,
      group_index: null,
      retries: 0,
      timelimit: [null, null],
      root_id: "tid",
      parent_id: null,
      argsrepr: "[1, 2]",
      kwargsrepr: "{}",
      origin: "gen1@host",
      ignore_result: null,
      replaced_task_nesting: 0,
      stamped_headers: null,
      stamps: {},
    },
  });
});

test("a task that expires has the time in its header and the milliseconds as expiration", () => {
  const template = compileAmqpMessage({ ...spec, expiresMs: 120_000.7, priority: 9 }, "oid", null);
  const { content, properties } = template.render({
    ...fill,
    expires: "2026-11-24T10:10:10+00:00",
    body: BODY,
  });
  assert.equal(properties.headers.expires, "2026-11-24T10:10:10+00:00");
  assert.equal(properties.expiration, "120000");
  assert.equal(properties.priority, 9);
  assert.equal(content.toString(), BODY);
});

test("what lives longer than RabbitMQ can count has its expiry in the header alone", () => {
  // RabbitMQ closes the channel for an expiration of more than 32 bits.
  const longest = compileAmqpMessage({ ...spec, expiresMs: 2 ** 32 - 1 }, "oid", BODY);
  assert.equal(longest.render(fill).properties.expiration, "4294967295");
  const longer = compileAmqpMessage({ ...spec, expiresMs: 2 ** 32 }, "oid", BODY).render(fill);
  assert.equal("expiration" in longer.properties, false);
  assert.equal(longer.properties.headers.expires, SAMPLE_FILL.expires);
});
