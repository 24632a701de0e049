import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { redactUrl } from "../../../src/celery/urls/redact-url.js";
import { parseRedisUrl } from "../../../src/celery/urls/redis-url.js";
import { UserError } from "../../../src/errors.js";

const LOCAL = { host: "127.0.0.1", port: 6379, db: 0 };

const VERIFIED = { verify: true, checkHostName: true };

const GOOD: [url: string, address: object][] = [
  ["redis://", LOCAL],
  ["redis:///", LOCAL],
  ["REDIS://Redis.Staging:7000/", { host: "redis.staging", port: 7000, db: 0 }],
  ["redis://:7000/3", { ...LOCAL, port: 7000, db: 3 }],
  ["redis://h/15", { ...LOCAL, host: "h", db: 15 }],
  ["redis://h//2", { ...LOCAL, host: "h", db: 2 }],
  ["redis://h:/2", { ...LOCAL, host: "h", db: 2 }],
  ["redis://[::1]:6380/1", { host: "::1", port: 6380, db: 1 }],
  ["redis://u@h", { ...LOCAL, host: "h", username: "u" }],
  ["redis://:p@h", { ...LOCAL, host: "h", password: "p" }],
  ["redis://u:p:q@h", { ...LOCAL, host: "h", username: "u", password: "p:q" }],
  ["redis://:@h", { ...LOCAL, host: "h" }],
  ["redis://:a%23%2f%40%C3%A9@h", { ...LOCAL, host: "h", password: "a#/@é" }],
  ["redis://:100%@h", { ...LOCAL, host: "h", password: "100%" }],
  ["redis+socket:///run/redis.sock", { host: "", port: 0, db: 0, path: "/run/redis.sock" }],
  [
    "redis+socket://:p@/run/a%20b.sock?virtual_host=4",
    { host: "", port: 0, db: 4, path: "/run/a b.sock", password: "p" },
  ],
  [
    "socket:///run/redis.sock?virtual_host=1",
    { host: "", port: 0, db: 1, path: "/run/redis.sock" },
  ],
  ["rediss://:p@h:7000/1", { host: "h", port: 7000, db: 1, password: "p", tls: VERIFIED }],
  [
    "rediss://h?ssl_cert_reqs=CERT_NONE&ssl_ca_certs=%2Fa%20b.pem&ssl_check_hostname=true",
    { ...LOCAL, host: "h", tls: { verify: false, checkHostName: false, caFile: "/a b.pem" } },
  ],
  [
    "rediss://h?ssl_cert_reqs=optional&ssl_certfile=c.pem&ssl_check_hostname=False",
    {
      ...LOCAL,
      host: "h",
      tls: { verify: true, checkHostName: false, certFile: "c.pem", keyFile: "c.pem" },
    },
  ],
  // TLS by its keys alone, as kombu's broker has it.
  [
    "redis://h/0?ssl_cert_reqs=none",
    { ...LOCAL, host: "h", tls: { verify: false, checkHostName: false } },
  ],
  // The query, by the names of redis-py.
  ["redis://h/1?db=3", { ...LOCAL, host: "h", db: 3 }],
  ["redis://h?virtual_host=3", { ...LOCAL, host: "h", db: 3 }],
  ["redis://h/1?virtual_host=3", { ...LOCAL, host: "h", db: 1 }],
  ["redis+socket:///s?db=2", { host: "", port: 0, db: 2, path: "/s" }],
  [
    "redis://u:p@h?password=a%2Fb&username=v",
    { ...LOCAL, host: "h", username: "v", password: "a/b" },
  ],
  [
    "redis://h?socket_timeout=30&socket_connect_timeout=2.5&health_check_interval=25&client_name=shop",
    {
      ...{ ...LOCAL, host: "h" },
      socket: {
        ...{ timeoutMs: 30_000, connectTimeoutMs: 2_500, healthCheckMs: 25_000 },
        clientName: "shop",
      },
    },
  ],
  ...["True", "1", "yes"].map((word): [string, object] => [
    `redis://h?socket_keepalive=${word}`,
    { ...LOCAL, host: "h", socket: { keepAlive: true } },
  ]),
  ...["False", "0", "no"].map((word): [string, object] => [
    `redis://h?socket_keepalive=${word}`,
    { ...LOCAL, host: "h", socket: { keepAlive: false } },
  ]),
  // What says nothing, or nothing to us.
  ["redis://h?socket_timeout=&max_connections=20&retry_on_timeout=true", { ...LOCAL, host: "h" }],
  ["redis://h?protocol=3&credential_provider=app.Provider&encoding=utf-8", { ...LOCAL, host: "h" }],
  ["redis://h?heartbeat=3&login_method=PLAIN&connect_timeout=4&insist=1", { ...LOCAL, host: "h" }],
  // Lists as they come from files and variables.
  ...["redis://h;", " redis://h ; \n", "redis://h;;\n", "\tredis://h"].map(
    (text): [string, object] => [text, { ...LOCAL, host: "h" }],
  ),
  ...["redis://h;redis://g;", "redis://h ;\n  redis://g\n", "redis://h; ;redis://g"].map(
    (text): [string, object] => [
      text,
      { ...LOCAL, host: "h", alternatives: [{ ...LOCAL, host: "g" }] },
    ],
  ),
  [
    "redis://:p@a/1;rediss://b/2;redis+socket:///s",
    {
      ...{ host: "a", port: 6379, db: 1, password: "p" },
      alternatives: [
        { host: "b", port: 6379, db: 2, tls: VERIFIED },
        { host: "", port: 0, db: 0, path: "/s" },
      ],
    },
  ],
  [
    "sentinel://u:p@a/3;sentinel://b:7000",
    {
      ...{ host: "a", port: 26379, db: 3, username: "u", password: "p" },
      sentinel: {
        servers: [
          { host: "a", port: 26379 },
          { host: "b", port: 7000 },
        ],
        masterName: "",
        isTls: false,
      },
    },
  ],
];

for (const [url, address] of GOOD) {
  test(`parseRedisUrl() reads ${url} as kombu does`, () => {
    assert.deepEqual(parseRedisUrl(url), address);
  });
}

const STARTS = "must be a URL that starts with redis://, rediss://, redis+socket:// or sentinel://";
const BARE = "must have no bare # / ? or @ in the user name or password";
const UNKNOWN = "must have no query key that Celery does not know";
const PORT = "must have a port from 1 to 65535";

const BAD: [url: string, message: string, hint: RegExp][] = [
  ["localhost", STARTS, /^Write redis:/],
  ["http://canary@h", STARTS, /^Write/],
  ["amqp://u:canary@h//", STARTS, /^Write redis:/],
  ["rediss://:canary@h/0?canary=1", UNKNOWN, /^Remove/],
  ["redis://h/0?sockettimeout=5", UNKNOWN, /^Did you mean socket_timeout\?$/],
  ["redis://h/0?ssl_ca_cert=canary", UNKNOWN, /^Did you mean ssl_ca_certs\?$/],
  ["redis://h/0?max_conections=5", UNKNOWN, /^Did you mean max_connections\?$/],
  ["redis://h/0?ssl=true", "must have no ssl in its query", /rediss:/],
  ["redis://h/0?db=canary", "must have a whole number as its database", /0/],
  ["redis://h?socket_timeout=canary", /^must have seconds from 0.1/.source, /^Write/],
  ["redis://h?socket_timeout=0", /^must have seconds from 0.1/.source, /^Write/],
  ["redis://h?client_name=can%20ary", /^must have a client_name without/.source, /^Write/],
  ["rediss://:canary@h/0?ssl_cert_reqs=canary", /^must have required, opt/.source, /^Write/],
  ["rediss://:canary@h/0?ssl_keyfile=k", "must have ssl_certfile beside ssl_keyfile", /^Add/],
  ["sentinel://:canary@h/0;redis://b", /^must be sentinel:.* or in none$/.source, /^Keep/],
  ["sentinel://:canary@h;sentinel://b?sentinel_password=canary", UNKNOWN, /^Remove/],
  ["redis://:can#ary@h/0", BARE, /^Percent-encode/],
  ["redis://:can/ary@h/0", BARE, /^Percent-encode/],
  ["redis://:can?ary@h/0", BARE, /^Percent-encode/],
  ["redis://:can@ary@h/0", BARE, /^Percent-encode/],
  ["redis://:1234/canary@h/0", BARE, /^Percent-encode/],
  ["redis://h/0#canary", "must have no #", /^Percent-encode/],
  ["redis://u:canary", PORT, /percent-encode/],
  ["redis://h:99999/0", PORT, /^Write redis:/],
  ["redis://h:0/0", PORT, /^Write redis:/],
  ["redis://h:-1/0", PORT, /^Write redis:/],
  ["redis://h/abc", "must have a whole number as its database", /numbers from 0/],
  ["redis://h/-1", "must have a whole number as its database", /numbers from 0/],
  ["redis+socket:///s?canary=1", UNKNOWN, /^Remove/],
  ["redis+socket:///s?virtual_host=1&virtual_host=2", /virtual_host once/.source, /^Remove/],
  ["redis+socket:///s?virtual_host=x", "must have a whole number as its database", /0/],
  ["redis+socket://h/s", "must have the absolute path of the socket after three slashes", /^Write/],
  ["redis://a/0;redis://b/x", "must have a whole number as its database", /numbers from 0/],
  ["redis://h/0\n1", /^must be a URL without spaces/.source, /^Percent-encode/],
  ["redis://can ary@h", /^must be a URL without spaces/.source, /^Percent-encode/],
  ["redis://[::1/0", "must have a host such as 127.0.0.1 or [::1]", /^Write/],
  ["redis://a,b/0", "must have a host of letters, digits, dots and hyphens", /^Percent/],
];

for (const [url, message, hint] of BAD) {
  test(`parseRedisUrl() refuses ${JSON.stringify(url)} with a remedy and without its parts`, () => {
    const error = errorOf(url);
    assert.ok(error.message === message || new RegExp(message).test(error.message), error.message);
    assert.match(error.hint ?? "", hint);
    assert.equal(error.exitCode, 104);
    assert.doesNotMatch(`${error.message} ${error.hint}`, /canary|99999/);
  });
}

function errorOf(url: string): UserError {
  try {
    parseRedisUrl(url);
  } catch (error) {
    assert.ok(error instanceof UserError);
    return error;
  }
  return assert.fail(`${url} was read`);
}

test("parseRedisUrl() gives back every encoded user name, password, host and database", () => {
  const text = fc.string({ unit: "binary", minLength: 1 });
  fc.assert(
    fc.property(
      text,
      text,
      fc.nat({ max: 65534 }),
      fc.nat({ max: 1000 }),
      (user, word, port, db) => {
        const url = `redis://${encode(user)}:${encode(word)}@h:${port + 1}/${db}`;
        const address = { host: "h", port: port + 1, db, username: user, password: word };
        assert.deepEqual(parseRedisUrl(url), address);
      },
    ),
  );
});

test("parseRedisUrl() throws nothing but errors with a remedy, whatever the text", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const schemes = ["redis", "rediss", "redis+socket", "sentinel"];
      for (const url of [text, ...schemes.map((scheme) => `${scheme}://${text}`)]) {
        try {
          parseRedisUrl(url);
        } catch (error) {
          assert.ok(error instanceof UserError && error.hint !== undefined);
        }
      }
    }),
  );
});

const REDACTED: [url: string, redacted: string][] = [
  ["redis://h:6379/0", "redis://h:6379/0"],
  ["redis://", "redis://"],
  ["redis://u@h", "redis://***@h"],
  ["redis://u:canary@h:6379/0", "redis://u:***@h:6379/0"],
  ["redis://:can#a/r@y@h/0", "redis://:***@h/0"],
  ["redis://u:canary", "redis://u:***"],
  ["redis://[::1]:6379/0", "redis://[::1]:6379/0"],
  ["redis+socket:///a:b.sock", "redis+socket:///a:b.sock"],
  ["sentinel://:canary@a;sentinel://:canary@b/0", "sentinel://:***@a;sentinel://:***@b/0"],
  ["u:canary@h", "u:***@h"],
  ["redis://h/0?password=canary&x=1", "redis://h/0?password=***&x=1"],
  ["see amqp://u:canary@h// there", "see amqp://u:***@h// there"],
  ["20/s", "20/s"],
  ["redis://:@h", "redis://:@h"],
];

for (const [url, redacted] of REDACTED) {
  test(`redactUrl() turns ${url} into ${redacted}`, () => {
    assert.equal(redactUrl(url), redacted);
    assert.equal(redactUrl(redacted), redacted);
  });
}

test("redactUrl() hides a password with any characters, encoded or not", () => {
  const noise = fc.string({ unit: fc.constantFrom(..."#/?@:;%&= x1".split("")) });
  fc.assert(
    fc.property(noise, noise, fc.boolean(), (before, after, isEncoded) => {
      const password = `${before}canary${after}`;
      const written = isEncoded ? encode(password) : password;
      assert.doesNotMatch(redactUrl(`redis://u:${written}@h:6379/0`), /canary/);
    }),
  );
});

function encode(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}
