import assert from "node:assert/strict";
import { test } from "node:test";
import { silenceOf } from "../../../src/celery/results/silent-backend.js";

test("silenceOf() names the backend that tells nobody of a result, as a URL or by its bare name", () => {
  const names = {
    "a database": ["db+postgresql://u:p@h/d", "db+sqlite:///results.db", "database"],
    Memcached: ["cache+memcached://127.0.0.1:11211/", "cache+memory://"],
    "the file system": ["file:///var/celery/results", "FILE:///x"],
    MongoDB: ["mongodb://h/", "mongodb+srv://h/"],
    S3: ["s3"],
    "Django's database": ["django-db"],
  };
  for (const [name, backends] of Object.entries(names)) {
    for (const backend of backends) {
      assert.equal(
        silenceOf(backend),
        `${name} as result backend tells nobody when a result is there`,
      );
    }
  }
});

test("silenceOf() has nothing to say of backends that tell", () => {
  for (const backend of [
    "redis://h",
    "rediss://h",
    "sentinel://a;sentinel://b",
    "rpc://",
    "disabled",
    "",
  ]) {
    assert.equal(silenceOf(backend), undefined);
  }
});
