import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SIDES } from "../../../src/diagnosis/bottleneck.js";
import { ADVICE } from "../../../src/doctor/advice.js";
import { EXIT } from "../../../src/errors.js";
import { CHECKOUT } from "../../../src/setup/checkout.js";

const page = readFileSync(join(CHECKOUT, "docs", "troubleshooting.md"), "utf8");

test("the page on troubleshooting has whatever doctor advises", () => {
  const missing = Object.keys(ADVICE).filter((code) => !page.includes(`\`${code}\``));
  assert.deepEqual(missing, []);
});

test("the page on troubleshooting has every exit code of a failure", () => {
  const failures = Object.values(EXIT).filter((code) => code !== EXIT.ok);
  const missing = failures.filter(
    (code) => !new RegExp(`exit code [\\d, ]*${code}\\b`, "i").test(page),
  );
  assert.deepEqual(missing, []);
});

test("the page on troubleshooting has every side that may be slow", () => {
  const missing = SIDES.filter((side) => side !== "none" && !page.includes(`\`${side}\``));
  assert.deepEqual(missing, []);
});
