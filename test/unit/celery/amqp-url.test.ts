import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseAmqpUrl } from "../../../src/celery/urls/amqp-url.js";
import { UserError } from "../../../src/errors.js";

const GUEST = {
  host: "localhost",
  port: 5672,
  username: "guest",
  password: "guest",
  vhost: "/",
  isTls: false,
};
const TLS = { port: 5671, isTls: true, tls: { verify: true, checkHostName: true } };

const GOOD: [url: string, address: object][] = [
  ["amqp://", GUEST],
  ["pyamqp://h//", { ...GUEST, host: "h" }],
  ["AMQP://H:7000", { ...GUEST, host: "h", port: 7000 }],
  ["amqp://h/", { ...GUEST, host: "h" }],
  ["amqp://h/foo", { ...GUEST, host: "h", vhost: "foo" }],
  ["amqp://h//foo", { ...GUEST, host: "h", vhost: "/foo" }],
  ["amqp://h/%2f", { ...GUEST, host: "h" }],
  ["amqp://h/a%20b", { ...GUEST, host: "h", vhost: "a b" }],
  ["amqp://u@h", { ...GUEST, host: "h", username: "u" }],
  [
    "amqp://u:p%40%2F@[::1]:7000/v",
    { ...GUEST, ...user("u", "p@/"), host: "::1", port: 7000, vhost: "v" },
  ],
  ["amqp://h//?heartbeat=30", { ...GUEST, host: "h", heartbeatSeconds: 30 }],
  ["amqps://h", { ...GUEST, ...TLS, host: "h" }],
  [
    "amqps://h:1/v?ssl_cert_reqs=none&ssl_certfile=c&ssl_keyfile=k&heartbeat=0",
    {
      ...{ ...GUEST, host: "h", port: 1, vhost: "v", isTls: true, heartbeatSeconds: 0 },
      tls: { verify: false, checkHostName: false, certFile: "c", keyFile: "k" },
    },
  ],
  ["amqp://h//?ssl=1", { ...GUEST, ...TLS, host: "h" }],
  ["amqp://h//?ssl_cert_reqs=required", { ...GUEST, ...TLS, host: "h" }],
  [
    "amqp://h//?connect_timeout=4&login_method=external&frame_max=8192",
    {
      ...{ ...GUEST, host: "h" },
      ...{ connectTimeoutMs: 4_000, loginMethod: "EXTERNAL", frameMax: 8192 },
    },
  ],
  [
    "amqp://h//?client_properties=%7B%22team%22%3A%22shop%22%7D",
    { ...GUEST, host: "h", clientProperties: { team: "shop" } },
  ],
  ["amqp://h//?channel_max=20&insist=1&credential_provider=a.B", { ...GUEST, host: "h" }],
  ...["amqp://h//;", " amqp://h// ;\n", "amqp://h//\n"].map((text): [string, object] => [
    text,
    { ...GUEST, host: "h" },
  ]),
  ["amqp://h//;\n amqp://g//;", { ...GUEST, host: "h", alternatives: [{ ...GUEST, host: "g" }] }],
  [
    "amqp://u:p@h/v;amqps://g",
    {
      ...{ ...GUEST, ...user("u", "p"), host: "h", vhost: "v" },
      alternatives: [{ ...GUEST, ...TLS, host: "g" }],
    },
  ],
];

function user(username: string, password: string) {
  return { username, password };
}

for (const [url, address] of GOOD) {
  test(`parseAmqpUrl() reads ${url} as kombu does`, () => {
    assert.deepEqual(parseAmqpUrl(url), address);
  });
}

const BAD: [url: string, message: RegExp][] = [
  ["redis://:canary@h", /^must be a URL that starts with amqp:\/\//],
  ["amqp://u:can#ary@h", /^must have no bare #/],
  ["amqp://u:canary", /^must have a port/],
  ["amqp://u:canary@h//?canary=1", /^must have no query key that Celery does not know$/],
  ["amqp://u:canary@h//?db=1", /^must have no query key that Celery does not know$/],
  ["amqp://u:canary@h//?ssl=false", /^must have no ssl in its query that says no/],
  ["amqp://u:canary@h//?login_method=canary", /^must have PLAIN, AMQPLAIN or EXTERNAL/],
  ["amqp://u:canary@h//?connect_timeout=canary", /^must have seconds from 0.1/],
  ["amqp://u:canary@h//?frame_max=1", /^must have a whole number from 4096/],
  ["amqp://u:canary@h//?heartbeat=canary", /^must have a whole number of seconds/],
  ["amqp://u:canary@h//;redis://:canary@g", /^must be a URL that starts with amqp:\/\//],
  ["amqp://u:canary@h//;amqp://u:can#ary@g//", /^must have no bare #/],
];

for (const [url, message] of BAD) {
  test(`parseAmqpUrl() refuses ${url} with a remedy and without its parts`, () => {
    assert.throws(
      () => parseAmqpUrl(url),
      (error: unknown) => {
        assert.ok(error instanceof UserError && error.hint !== undefined);
        assert.match(error.message, message);
        assert.doesNotMatch(`${error.message} ${error.hint}`, /canary/);
        return error.exitCode === 104;
      },
    );
  });
}

test("a key of another library's URL is told by Celery's name", () => {
  const names = {
    connection_timeout: "connect_timeout (in seconds)",
    cacertfile: "ssl_ca_certs",
    auth_mechanism: "login_method",
    hearbeat: "heartbeat",
  };
  for (const [name, meant] of Object.entries(names)) {
    assert.throws(() => parseAmqpUrl(`amqp://h//?${name}=1`), { hint: `Did you mean ${meant}?` });
  }
});

test("parseAmqpUrl() throws nothing but errors with a remedy, whatever the text", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const url of [text, `amqp://${text}`, `amqps://${text}`]) {
        try {
          parseAmqpUrl(url);
        } catch (error) {
          assert.ok(error instanceof UserError && error.hint !== undefined);
        }
      }
    }),
  );
});
