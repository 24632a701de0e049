import assert from "node:assert/strict";
import { test } from "node:test";
import { columnsOf, wantsColor } from "../../../src/terminal/terminal.js";

test("what is no terminal has no width; one that does not say its own has the usual", () => {
  assert.equal(columnsOf({}), null);
  assert.equal(columnsOf({ isTTY: false, columns: 90 }), null);
  assert.equal(columnsOf({ isTTY: true, columns: 90 }), 90);
  assert.equal(columnsOf({ isTTY: true, columns: 0 }), 80);
  assert.equal(columnsOf({ isTTY: true }), 80);
  assert.equal(columnsOf({ isTTY: true, columns: 3 }), 40);
});

for (const [env, isTerminal, expected] of [
  [{}, true, true],
  [{}, false, false],
  [{ TERM: "dumb" }, true, false],
  [{ NO_COLOR: "1" }, true, false],
  [{ NO_COLOR: "" }, true, true],
  [{ FORCE_COLOR: "1" }, false, true],
  [{ FORCE_COLOR: "" }, false, true],
  [{ FORCE_COLOR: "0" }, true, false],
  [{ FORCE_COLOR: "false" }, true, false],
  [{ FORCE_COLOR: "1", NO_COLOR: "1" }, true, true],
] as const) {
  test(`wantsColor(${JSON.stringify(env)}, ${isTerminal}) is ${expected}`, () => {
    assert.equal(wantsColor(env, isTerminal), expected);
  });
}
