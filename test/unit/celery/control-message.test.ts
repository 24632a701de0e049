import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import {
  CONTROL_PROPERTIES,
  type ControlRequest,
  controlBody,
  controlError,
  controlHeaders,
  readControlReply,
  readRedisControlReply,
  redisControlEnvelope,
} from "../../../src/celery/events/control-message.js";
import { fanoutChannel } from "../../../src/celery/events/fanout-channel.js";
import { DEFAULT_SEP } from "../../../src/celery/messages/redis-envelope.js";

/** Captured requests of Celery's own `app.control.inspect()` and the answers of live workers. */
const FIXTURE = new URL("../../../../test/unit/celery/control.fixture.json", import.meta.url);
const captured = JSON.parse(readFileSync(FIXTURE, "utf8"));
const VERSIONS = ["5.2.6", "5.7"] as const;
const decode = (body: string) => JSON.parse(Buffer.from(body, "base64").toString());

/** Our request of what was captured; the clock is all that we do not keep. */
function requestOf(body: Record<string, unknown>, headers: { expires: number }): ControlRequest {
  return {
    method: String(body.method),
    arguments: body.arguments as Record<string, unknown>,
    destination: body.destination as string[] | null,
    ticket: String(body.ticket),
    replyTo: body.reply_to as ControlRequest["replyTo"],
    expiresUnixSeconds: headers.expires,
  };
}

for (const version of VERSIONS) {
  for (const { channel, request, reply } of captured[version].redis) {
    const theirs = JSON.parse(request);
    const { method, ticket, destination } = decode(theirs.body);
    const whom = destination === null ? "everybody" : "one worker";

    test(`a request on Redis is what Celery ${version} sends: ${method} to ${whom}`, () => {
      const sent = requestOf(decode(theirs.body), theirs.headers);
      const ours = JSON.parse(redisControlEnvelope(sent, "celery.pidbox"));
      assert.deepEqual(decode(ours.body), decode(theirs.body));
      assert.equal(typeof ours.properties.delivery_tag, "string");
      assert.deepEqual(
        { ...ours, body: "", properties: { ...ours.properties, delivery_tag: "" } },
        {
          ...theirs,
          body: "",
          headers: { ...theirs.headers, clock: 0 },
          properties: { ...theirs.properties, delivery_tag: "" },
        },
      );
      const options = { global_keyprefix: "", fanout_prefix: true, fanout_patterns: true };
      assert.equal(fanoutChannel(options, 0, "celery.pidbox"), channel);
    });

    test(`an answer on Redis of Celery ${version} is read: ${method} to ${whom}`, () => {
      const [[node, answer]] = Object.entries(decode(JSON.parse(reply).body)) as [
        [string, unknown],
      ];
      assert.equal(node, "w1@wire");
      assert.deepEqual(readRedisControlReply(reply), { ticket, node, answer });
    });
  }

  for (const { request, reply } of captured[version].amqp) {
    const body = JSON.parse(request.body);

    test(`a request on AMQP is what Celery ${version} sends: ${body.method}`, () => {
      const ours = requestOf(body, request.headers);
      assert.deepEqual(JSON.parse(controlBody(ours)), body);
      assert.deepEqual(controlHeaders(ours), { ...request.headers, clock: 0 });
      const { contentType, contentEncoding, deliveryMode, priority } = CONTROL_PROPERTIES;
      assert.deepEqual(request.properties, {
        content_type: contentType,
        content_encoding: contentEncoding,
        delivery_mode: deliveryMode,
        priority,
      });
    });

    test(`an answer on AMQP of Celery ${version} is read: ${body.method}`, () => {
      const read = readControlReply(reply.headers.ticket, reply.body);
      assert.deepEqual(read, {
        ticket: body.ticket,
        node: "w1@wire",
        answer: JSON.parse(reply.body)["w1@wire"],
      });
    });
  }

  test(`what Celery ${version} could not do is told by controlError()`, () => {
    const reply = readRedisControlReply(captured[version].error);
    assert.equal(controlError(reply?.answer), "KeyError('no_such_command')");
    assert.equal(controlError({ ok: "pong" }), null);
  });

  test(`the reply binding of Celery ${version} is written with the same separator`, () => {
    const [[, key, member]] = captured[version].commands;
    assert.equal(key, "_kombu.binding.reply.celery.pidbox");
    const [oid] = member.split(DEFAULT_SEP);
    assert.equal(member, [oid, "", `${oid}.reply.celery.pidbox`].join(DEFAULT_SEP));
  });
}

test("readControlReply() never throws and takes nothing that is no answer", () => {
  const oddities = ["", "null", "[]", "{", "{}", '{"a": 1, "b": 2}', '"text"', "NaN"];
  for (const body of oddities) assert.equal(readControlReply("ticket", body), null, body);
  assert.equal(readControlReply(undefined, '{"celery@a": []}'), null);
  fc.assert(
    fc.property(fc.string(), (text) => {
      readControlReply("ticket", text);
      readRedisControlReply(text);
    }),
  );
});
