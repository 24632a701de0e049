import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { pythonRepr } from "../../../src/celery/messages/repr.js";

interface Case {
  as: "list" | "tuple";
  value: unknown;
  repr: string;
}

/** What `saferepr(value, 1024)` of Celery 5.2.6 gave for each value (the same as 5.6.2). */
const FIXTURE = new URL("../../../../test/unit/celery/repr.fixture.json", import.meta.url);
const cases = JSON.parse(readFileSync(FIXTURE, "utf8")) as Case[];

for (const { as, value, repr } of cases) {
  test(`pythonRepr() shows ${repr.slice(0, 40)} (${repr.length}) as Celery does`, () => {
    assert.equal(pythonRepr(value, as), repr);
  });
}

test("pythonRepr() never looks at more of a huge string than it shows", () => {
  assert.equal(pythonRepr(["x".repeat(5_000_000)]).length, 1034);
});

test("pythonRepr() shows whole numbers as ints, however large", () => {
  assert.equal(pythonRepr([1e16, 2 ** 53, -3, -0]), "[10000000000000000, 9007199254740992, -3, 0]");
});
