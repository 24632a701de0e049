import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bytesText,
  durationText,
  numberText,
  percentText,
  secondsText,
  timeText,
} from "../../../src/page/model/format.js";
import { type GuardStatus, guardText } from "../../../src/page/model/guards.js";
import { heldBy } from "../../../src/page/model/headline.js";
import { effectText } from "../../../src/page/model/marks.js";
import { budgetLeft, budgetText } from "../../../src/page/model/slos.js";

const TEXTS: readonly (readonly [text: string, expected: string])[] = [
  [secondsText(0.00123), "1.2 ms"],
  [secondsText(0.34), "340 ms"],
  [secondsText(2.5), "2.50 s"],
  [secondsText(12.14), "12.1 s"],
  [secondsText(130), "2 min 10 s"],
  [secondsText(null), "–"],
  [durationText(0.2), "0 s"],
  [durationText(59.6), "1 min"],
  [durationText(7_800), "2 h 10 min"],
  [durationText(273_600), "3 d 4 h"],
  [numberText(0.254), "0.25"],
  [numberText(59.84), "59.8"],
  [numberText(1_234.4), "1,234"],
  [percentText(0.0005), "0.05%"],
  [percentText(1), "100%"],
  [bytesText(1_500_000), "1.43 MiB"],
  [timeText(1_800_000_000, "UTC"), "08:00:00"],
  [budgetText(budgetLeft({ events: 1_000, bad: 1, objective: 0.999 })), "0%"],
  [budgetText(budgetLeft({ events: 1_000, bad: 3, objective: 0.999 })), "spent 3 times"],
  [budgetText(budgetLeft({ events: 0, bad: 0, objective: 0.9 })), "no events"],
];
for (const [text, expected] of TEXTS) {
  test(`"${expected}" is written so`, () => assert.equal(text, expected));
}

test("a guard says what it has found, its limit in the same unit, and what it holds", () => {
  const guard: GuardStatus = {
    ...{ watch: "failedShare", action: "pause", state: "ok", seconds: 1, subject: "shop" },
    ...{ value: 0.01, limit: 0.05, resumeBelow: 0.02, headroomRatio: 0.8, unknown: null },
    ...{ firedTotal: 0, scenarios: [], factor: 1 },
  };
  assert.equal(guardText(guard), "now 1%, limit 5%: then pause");
  const held = { ...guard, scenarios: ["shop"], factor: 0.5 };
  assert.equal(guardText(held), "now 1%, limit 5%: it holds shop at 50% of the plan");
});

test("the effect of a change says when it cannot be compared", () => {
  const mark = { number: 1, at: 1, type: "change", text: "", details: {} };
  const effect = { p95Seconds: { before: 0.12, after: 0.34 }, queued: { before: 0, after: null } };
  assert.equal(effectText({ ...mark, effect: null }), "not over yet");
  assert.equal(
    effectText({ ...mark, effect: { ...effect, isSaturated: false } }),
    "p95 120 ms → 340 ms, queued 0 → –",
  );
  assert.match(effectText({ ...mark, effect: { ...effect, isSaturated: true } }), /saturated/);
});

test("who holds, throttles or overrides a scenario is said with what ends it", () => {
  const since = "2026-11-30T08:00:00.000Z";
  const by = { since, until: "2027-01-15T08:00:00.000Z" };
  const held = heldBy({
    pauses: [
      { ...by, id: "p1", actor: "page", reason: "lunch", guard: null, until: null },
      { ...by, id: "p2", actor: "guard", reason: "", guard: "deep-queue" },
    ],
    throttles: [{ ...by, id: "t1", actor: "guard", reason: "", guard: "share", factor: 0.4 }],
    overrides: [
      { ...by, id: "o1", actor: "ctl", reason: "", to: { what: "rate", perSecond: 12.5 } },
    ],
  });
  assert.deepEqual(held, [
    { id: "p1", text: "paused by page: lunch", until: null, isGuard: false },
    { id: "p2", text: "paused by guard deep-queue", until: 1_800_000_000, isGuard: true },
    { id: "t1", text: "at 40% of its rate by guard share", until: 1_800_000_000, isGuard: true },
    { id: "o1", text: "rate 12.5/s by ctl", until: 1_800_000_000, isGuard: false },
  ]);
});
