import assert from "node:assert/strict";
import { test } from "node:test";
import { backendText, brokerText } from "../../../src/init/servers.js";
import { WORKER } from "../doctor/facts.js";

const told = (...backends: (string | null)[]) =>
  backends.map((resultBackend) => ({
    ...WORKER,
    settings: { ...WORKER.settings, resultBackend },
  }));
const VARIABLE = "$" + "{CELERY_RESULT_BACKEND}";

/** A URL, whether it came from the environment, and what is written. */
const brokers: [string, boolean, string, string | null][] = [
  ["redis://127.0.0.1:6379/0", false, "redis://127.0.0.1:6379/0", null],
  ["redis://127.0.0.1:6379/0", true, "$" + "{CELERY_BROKER_URL}", "CELERY_BROKER_URL"],
  ["amqp://shop:s3cret@mq:5672/shop", false, "$" + "{CELERY_BROKER_URL}", "CELERY_BROKER_URL"],
  ["redis://:s3cret@a/0", true, "$" + "{CELERY_BROKER_URL}", "CELERY_BROKER_URL"],
  ["amqp://mq:5672/a$b", false, "amqp://mq:5672/a$$b", null],
];
for (const [url, isFromEnvironment, value, variable] of brokers) {
  test(`broker ${url}${isFromEnvironment ? " of the environment" : ""}`, () => {
    const text = brokerText({ url, isFromEnvironment });
    assert.deepEqual([text.value, text.variable], [value, variable]);
    assert.doesNotMatch(JSON.stringify(text), /s3cret/);
  });
}

/** What workers say, what is written, and what is said about it. */
const backends: [(string | null)[], string | null, RegExp][] = [
  [[null], null, /^$/],
  [[null, "redis://r:6379/1"], "redis://r:6379/1", /by what they say/],
  [["redis://:***@r:6379/1"], VARIABLE, /redis:\/\/:\*\*\*@r:6379\/1 and hide the password/],
  [["rpc"], "rpc://", /^$/],
  [["rpc:///"], "rpc://", /^$/],
  [["disabled://"], "disabled", /store no results/],
  [["django-db"], "disabled", /django-db, which celery-load cannot read/],
  [["db+postgresql://shop:***@db/shop"], "disabled", /cannot read/],
  [["redis://a:x/1"], "disabled", /cannot read/],
  [["redis://a/1", "redis://a/1", "redis://b/1"], "redis://a/1", /Other .* redis:\/\/b\/1/],
];
for (const [theirs, value, says] of backends) {
  test(`workers that say ${theirs.join(", ")}`, () => {
    const text = backendText(null, told(...theirs));
    assert.equal(text?.value ?? null, value);
    assert.match(text?.comments.join(" ") ?? "", says);
  });
}

test("a backend that was given wins over what workers say", () => {
  const given = { url: "redis://ours/2", isFromEnvironment: false };
  assert.equal(backendText(given, told("redis://theirs/1"))?.value, "redis://ours/2");
});
