import assert from "node:assert/strict";
import { test } from "node:test";
import { redactUrl } from "../../../src/celery/urls/redact-url.js";
import { resolveUrl } from "../../../src/celery/urls/resolved-url.js";
import {
  checkBackendUrl,
  checkBrokerUrl,
  hostsOf,
  kindOf,
} from "../../../src/celery/urls/server-url.js";
import type { UserError } from "../../../src/errors.js";

const LISTS: Record<string, (first: string, second: string) => string> = {
  "a semicolon between": (first, second) => `${first};${second}`,
  "one at the end": (first, second) => `${first};${second};`,
  "white space after it": (first, second) => `${first}; ${second}`,
  "line breaks around each": (first, second) => `\n  ${first} ;\n  ${second}\n`,
  "several of them": (first, second) => `${first};;${second};;\n`,
};
const SERVERS = {
  redis: ["redis://:p%3Bw@a:1/2", "redis://:p@b:2/2"],
  rediss: ["rediss://:pw@a:1/2", "rediss://:pw@b:2/2"],
  amqp: ["amqp://u:pw@a:1/v", "amqp://u:pw@b:2/v"],
  amqps: ["amqps://u:pw@a:1//", "amqps://u:pw@b:2//"],
  sentinel: ["sentinel://:pw@a:1/0", "sentinel://:pw@b:2"],
} as const;

for (const [how, listOf] of Object.entries(LISTS)) {
  for (const [scheme, [first, second]] of Object.entries(SERVERS)) {
    test(`a list of ${scheme} with ${how} is the two servers`, () => {
      const list = listOf(first, second);
      checkBrokerUrl(list);
      assert.deepEqual(
        hostsOf(list).map(({ host, port }) => `${host}:${port}`),
        ["a:1", "b:2"],
      );
      const plain = resolveUrl(`${first};${second}`, { masterName: "m" });
      assert.equal(resolveUrl(list, { masterName: "m" }), plain);
      assert.doesNotMatch(redactUrl(list), /pw|p%3Bw|:p@/);
      assert.match(redactUrl(list), /a:1.*b:2/s);
    });
  }
}

for (const url of ['"redis://:s3cret@h/0"', "'amqp://u:s3cret@h//'", ' "redis://h" ']) {
  test(`the quotation marks of ${url} are told, as an env file keeps them`, () => {
    assert.throws(
      () => checkBrokerUrl(url),
      ({ message, hint }: UserError) =>
        /quotation marks/.test(hint ?? "") && !/s3cret/.test(message + hint),
    );
  });
}

test("one URL may end in a semicolon or a line break, too", () => {
  for (const url of [
    "redis://h/0;",
    "amqp://h//;",
    "sentinel://h;",
    " redis://h/0\n",
    "amqp://h//; ",
  ]) {
    checkBrokerUrl(url);
    assert.equal(hostsOf(url).length, 1, url);
  }
});

const BACKENDS = {
  rpc: [
    "rpc://",
    "rpc",
    "RPC",
    "rpc:///",
    "celery.backends.rpc.RPCBackend",
    "celery.backends.rpc:RPCBackend",
  ],
  disabled: ["disabled", "disabled://", "celery.backends.base:DisabledBackend"],
  redis: ["redis://h/1", "rediss://h", " redis://h/1;"],
};
for (const [kind, backends] of Object.entries(BACKENDS)) {
  for (const backend of backends) {
    test(`${JSON.stringify(backend)} is the result backend ${kind}`, () => {
      checkBackendUrl(backend);
      assert.equal(kindOf(backend), kind);
    });
  }
}

const SILENT = {
  "django_celery_results.backends.database:DatabaseBackend": "Django's database",
  "django_celery_results.backends.DatabaseBackend": "Django's database",
  "django_celery_results.backends:CacheBackend": "Django's cache",
  "django_celery_results.backends.cache:CacheBackend": "Django's cache",
  "celery.backends.database:DatabaseBackend": "a database",
  "celery.backends.mongodb.MongoBackend": "MongoDB",
  "celery.backends.gcs:GCSBackend": "Google Cloud Storage",
  "celery.backends.filesystem:FilesystemBackend": "the file system",
};
for (const [backend, store] of Object.entries(SILENT)) {
  test(`${backend} is ${store}, which tells nobody of a result`, () => {
    assert.throws(() => checkBackendUrl(backend), {
      message: `must be a redis:// URL or rpc://: ${store} as result backend tells nobody when a result is there`,
    });
  });
}

test("a name alone in a URL is hidden: it may be a password whose colon was forgotten", () => {
  assert.equal(redactUrl("redis://s3cret@h:6379/0"), "redis://***@h:6379/0");
  assert.equal(redactUrl("amqp://s3cret@h//"), "amqp://***@h//");
  assert.equal(redactUrl("redis://s3cret:@h:6379/0"), "redis://***:@h:6379/0");
  assert.equal(redactUrl("redis://:@h:6379/0"), "redis://:@h:6379/0");
  assert.equal(redactUrl("redis://a/0;redis://s3cret@b/0;"), "redis://a/0;redis://***@b/0;");
  assert.equal(redactUrl("redis://h:6379/0"), "redis://h:6379/0");
});
