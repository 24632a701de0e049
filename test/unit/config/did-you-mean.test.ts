import assert from "node:assert/strict";
import { test } from "node:test";
import { didYouMean } from "../../../src/config/did-you-mean.js";

const KEYS = ["profile", "maxInFlight", "to", "broker", "steady-state"];

for (const [word, meant] of [
  ["profle", "profile"],
  ["maxinflight", "maxInFlight"],
  ["brokre", "broker"],
  ["too", "to"],
  ["steady_state", "steady-state"],
  ["threads", undefined],
  ["", undefined],
  ["x".repeat(100_000), undefined],
] as const) {
  test(`didYouMean() takes ${word.slice(0, 20)} for ${meant ?? "nothing known"}`, () => {
    assert.equal(didYouMean(word, KEYS), meant);
  });
}

test("didYouMean() prefers the nearest candidate", () => {
  assert.equal(didYouMean("resise", ["resist", "resize", "resie"]), "resist");
  assert.equal(didYouMean("resize", ["resizer", "resize"]), "resize");
});
