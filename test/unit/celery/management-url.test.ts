import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManagementUrl } from "../../../src/celery/urls/management-url.js";
import { UserError } from "../../../src/errors.js";

const READ: readonly [string, Partial<ReturnType<typeof parseManagementUrl>>][] = [
  [
    "http://u:p@h:15672",
    { base: "http://h:15672", host: "h", port: 15672, username: "u", password: "p" },
  ],
  ["http://h:15672/", { base: "http://h:15672", username: "guest", password: "guest" }],
  ["https://H/rabbit/", { base: "https://H/rabbit", host: "h", port: 443 }],
  ["http://h", { port: 80 }],
  ["http://h:15672/api", { base: "http://h:15672" }],
  ["http://h:15672/api/", { base: "http://h:15672" }],
  ["http://h:15672/#/queues/%2F/celery", { base: "http://h:15672" }],
  ["https://h/rabbit/#/", { base: "https://h/rabbit" }],
  ["https://h/rabbit/api", { base: "https://h/rabbit" }],
  ["https://h/rabbit-api", { base: "https://h/rabbit-api" }],
  ["http://[::1]:15672", { base: "http://[::1]:15672", host: "::1" }],
  ["http://a%40b:c%2Fd%3A%23@h:1", { base: "http://h:1", username: "a@b", password: "c/d:#" }],
];
for (const [url, expected] of READ) {
  test(`${url} is read`, () => {
    const read = parseManagementUrl(url);
    assert.deepEqual({ ...read, ...expected }, read);
  });
}

for (const url of [
  "amqp://u:canary@h:15672",
  "http://",
  "http://u:canary@",
  "http://u:canary@h:99999",
  "http://u:canary@h?x=1",
  "http://u:can#ary@h",
  "canary",
  "",
]) {
  test(`"${url}" is refused, and the password is not shown`, () => {
    assert.throws(
      () => parseManagementUrl(url),
      (error: unknown) =>
        error instanceof UserError &&
        error.message.startsWith("must ") &&
        !`${error.message} ${error.hint}`.includes("canary"),
    );
  });
}
