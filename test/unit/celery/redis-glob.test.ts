import assert from "node:assert/strict";
import { test } from "node:test";
import { escapeGlob } from "../../../src/celery/messages/redis-glob.js";

test("escapeGlob() takes their meaning from the signs of Redis' patterns, and leaves the rest alone", () => {
  assert.equal(escapeGlob("a*b?[c]\\d"), "a\\*b\\?\\[c\\]\\\\d");
  assert.equal(escapeGlob("/0.celeryev^-é"), "/0.celeryev^-é");
});
