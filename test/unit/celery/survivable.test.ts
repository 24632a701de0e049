import assert from "node:assert/strict";
import { test } from "node:test";
import { SAMPLE_FILL, taskHeaders } from "../../../src/celery/messages/message.js";
import {
  assertSurvivableBody,
  assertSurvivableEnvelope,
  assertSurvivableHeaders,
} from "../../../src/celery/messages/survivable.js";
import { messageSpec } from "./specs.js";

test("a body that would end a worker, or not be run, is refused", () => {
  assertSurvivableBody([[], {}, {}], 2);
  const poison: [string, unknown][] = [
    ["the body is not a triple", [[], {}]],
    ["args is not an array", [null, {}, {}]],
    ["kwargs is not an object", [[], null, {}]],
    ["kwargs is not an object", [[], [], {}]],
    ["embed is not an object", [[], {}, null]],
  ];
  for (const [fault, body] of poison) {
    assert.throws(() => assertSurvivableBody(body, 2), new RegExp(fault));
  }
});

test("a body of version 1 needs task, id, args and kwargs", () => {
  const good = { task: "t", id: "i", args: [], kwargs: {} };
  assertSurvivableBody(good, 1);
  for (const key of Object.keys(good)) {
    assert.throws(() => assertSurvivableBody({ ...good, [key]: undefined }, 1), new RegExp(key));
  }
});

test("headers that would end a worker, or not be run, are refused", () => {
  const good = taskHeaders(messageSpec({ hasEta: true, expiresMs: 1 }), SAMPLE_FILL);
  assertSurvivableHeaders(good, 2);
  const poison: [string, Record<string, unknown>][] = [
    ["header id is missing", { ...good, id: undefined }],
    ["header task is missing", { ...good, task: "" }],
    ["header eta is not a time", { ...good, eta: "soon" }],
    ["header eta is not a time", { ...good, eta: "2026-11-24T10:10:10" }],
    ["header expires is not a time", { ...good, expires: "+012345-01-01T00:00:00.000+00:00" }],
  ];
  for (const [fault, headers] of poison) {
    assert.throws(() => assertSurvivableHeaders(headers, 2), new RegExp(fault));
  }
  assertSurvivableHeaders({ traceparent: "00-1" }, 1);
  assert.throws(() => assertSurvivableHeaders({ task: "t" }, 1), /version 2/);
});

test("an envelope that would end a worker is refused", () => {
  const properties = { delivery_tag: "t", delivery_info: { exchange: "", routing_key: "q" } };
  const good = { headers: {}, properties };
  assertSurvivableEnvelope(good);
  const poison: [string, Record<string, unknown>][] = [
    ["headers are missing", { properties }],
    ["delivery_tag is missing", { ...good, properties: { ...properties, delivery_tag: "" } }],
    ["exchange is missing", { ...good, properties: { ...properties, delivery_info: {} } }],
    [
      "routing_key is missing",
      { ...good, properties: { ...properties, delivery_info: { exchange: "" } } },
    ],
    ["delivery_tag is missing", { headers: {} }],
  ];
  for (const [fault, envelope] of poison) {
    assert.throws(() => assertSurvivableEnvelope(envelope), new RegExp(fault));
  }
});
