import assert from "node:assert/strict";
import { test } from "node:test";
import { didYouMean } from "../../src/did-you-mean.js";

const KEYS = [
  "profile",
  "maxInFlight",
  "to",
  "broker",
  "steady-state",
  "queue",
  "timeout",
  "timeLimit",
];

for (const [word, meant] of [
  ["profle", "profile"],
  ["maxinflight", "maxInFlight"],
  ["brokre", "broker"],
  ["too", "to"],
  ["steady_state", "steady-state"],
  ["que", "queue"],
  ["Que", "queue"],
  ["max", "maxInFlight"],
  ["brkr", "broker"],
  ["time", undefined],
  ["br", undefined],
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
