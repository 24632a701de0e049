import assert from "node:assert/strict";
import { test } from "node:test";
import { HEAD, loadTexts, SCENARIO } from "./configurations.js";

for (const [written, leaseMs] of [
  ["", null],
  ["lease: false", null],
  ["lease: true", 15_000],
  ["lease: 30s", 30_000],
  ["lease: 6s", 6_000],
] as const) {
  test(`"${written}" is a lease time of ${leaseMs} ms`, () => {
    const { config } = loadTexts([`${HEAD}${SCENARIO}    ${written}\n`]);
    assert.equal(config.scenarios.steady!.leaseMs, leaseMs);
  });
}
