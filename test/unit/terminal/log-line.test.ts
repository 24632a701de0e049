import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { logLine } from "../../../src/terminal/log-line.js";
import { widthOf } from "../../../src/terminal/text.js";

const USED = 17;
const line = (record: object, columns = 80, isUrgent = false) =>
  logLine({ level: 30, time: "2026", ...record }, isUrgent, columns, USED);

test("fields stand behind the message in words, rounded", () => {
  assert.equal(
    line({ msg: "connected again", connection: "main", secondsAway: 2.71999 }),
    "connected again (connection main, seconds away 2.72)",
  );
  assert.equal(
    line({ msg: "the plan starts", scenarios: ["a", "b"] }),
    "the plan starts (scenarios a, b)",
  );
});

test("what the message says already is not said again, and evidence is for programs", () => {
  const record = {
    msg: "app.a is slow: code",
    task: "app.a",
    side: "code",
    evidence: { runMs: 1 },
  };
  assert.equal(line(record), "app.a is slow: code");
});

test("news that have no room are shortened to one line", () => {
  const task = "shop.warehouse.inventory.tasks.synchronise_reserved_quantities";
  assert.equal(
    line({ msg: "failed with E for the first time", task }, 80),
    "failed with E for the first time (task shop.wa…rved_quantities)",
  );
  assert.equal(
    line({ msg: "failed with E for the first time", task }, 60),
    "failed with E for the first time (task sho…",
  );
});

test("of a warning nothing is lost: it goes on in the next line", () => {
  const cause = "connect ECONNREFUSED 127.0.0.1:6379";
  assert.equal(
    line(
      { msg: "not connected; trying again until it works", connection: "main", cause },
      80,
      true,
    ),
    "not connected; trying again until it works (connection main,\n    cause connect ECONNREFUSED 127.0.0.1:6379)",
  );
});

test("no line is longer than the terminal, whatever is said", () => {
  const value = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.double(),
    fc.array(fc.string()),
    fc.object(),
  );
  const record = fc.dictionary(fc.stringMatching(/^[a-z][a-zA-Z]{0,9}$/), value);
  fc.assert(
    fc.property(
      record,
      fc.lorem(),
      fc.boolean(),
      fc.integer({ min: 40, max: 120 }),
      (fields, msg, isUrgent, columns) => {
        const lines = line({ ...fields, msg }, columns, isUrgent).split("\n");
        if (!isUrgent) assert.equal(lines.length, 1);
        for (const [index, each] of lines.entries()) {
          assert.ok(widthOf(each) <= columns - (index === 0 ? USED : 0), each);
        }
      },
    ),
  );
});
