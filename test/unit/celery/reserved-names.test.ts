import assert from "node:assert/strict";
import { test } from "node:test";
import { SAMPLE_FILL, taskHeaders } from "../../../src/celery/messages/message.js";
import {
  headerNameFault,
  isKombuKey,
  isOfControl,
  isOfRabbitmq,
  stampNameFault,
} from "../../../src/celery/messages/reserved-names.js";
import { messageSpec } from "./specs.js";

test("no header of the protocol can be set", () => {
  const headers = taskHeaders(messageSpec({ compression: "zlib" }), SAMPLE_FILL);
  for (const name of Object.keys(headers)) {
    assert.match(headerNameFault(name) ?? "", /Celery's protocol/, name);
    assert.match(stampNameFault(name) ?? "", /Celery's protocol/, name);
  }
});

test("nothing of the worker's request can be set, but the headers of tracing can", () => {
  for (const name of ["_children", "_protected", "__class__", "get", "chord", "reply_to", "utc"]) {
    assert.match(headerNameFault(name) ?? "", /worker keeps something else/, name);
  }
  for (const name of [
    "traceparent",
    "sentry-trace",
    "baggage",
    "headers",
    "x-delay",
    "tenant",
    "",
  ]) {
    assert.equal(headerNameFault(name), undefined, name);
  }
});

test("no header can be set that RabbitMQ routes by or writes itself", () => {
  for (const name of ["CC", "BCC", "x-death", "x-first-death-queue"]) {
    assert.match(headerNameFault(name) ?? "", /RabbitMQ/, name);
  }
});

test("a stamp cannot have the name of what a result has", () => {
  assert.match(stampNameFault("status") ?? "", /stored results/);
  assert.equal(stampNameFault("campaign"), undefined);
  assert.equal(headerNameFault("status"), undefined);
});

test("queues and exchanges of kombu, Celery and RabbitMQ are known", () => {
  const known = (is: (name: string) => boolean, names: string) =>
    names.split(" ").filter(is).join(" ");
  const names =
    "unacked unacked_index unacked_mutex _kombu.binding.celery celery.pidbox reply.celery.pidbox " +
    "a@h.celery.pidbox celeryev celeryev.1 amq.rabbitmq.trace unacked2 amq.topic celery celeryevent pidbox";
  assert.equal(
    known(isKombuKey, names),
    "unacked unacked_index unacked_mutex _kombu.binding.celery",
  );
  assert.equal(
    known(isOfControl, names),
    "celery.pidbox reply.celery.pidbox a@h.celery.pidbox celeryev celeryev.1",
  );
  assert.equal(known(isOfRabbitmq, names), "amq.rabbitmq.trace");
});
