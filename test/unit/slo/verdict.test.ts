import assert from "node:assert/strict";
import { test } from "node:test";
import { type Verdict, verdictOf } from "../../../src/slo/verdict.js";

const ROWS: readonly {
  readonly why: string;
  readonly objective: number;
  readonly events: number;
  readonly bad: number;
  readonly excluded?: Readonly<Record<string, number>>;
  readonly verdict: Verdict;
}[] = [
  { why: "as many bad events as allowed", objective: 0.99, events: 1000, bad: 10, verdict: "met" },
  { why: "one more", objective: 0.99, events: 1000, bad: 11, verdict: "missed" },
  {
    why: "as many as allowed, three nines",
    objective: 0.999,
    events: 10_000,
    bad: 10,
    verdict: "met",
  },
  { why: "one more, three nines", objective: 0.999, events: 10_000, bad: 11, verdict: "missed" },
  { why: "no events", objective: 0.99, events: 0, bad: 0, verdict: "inconclusive" },
  { why: "too few events", objective: 0.99, events: 999, bad: 0, verdict: "inconclusive" },
  { why: "too few, with ten bad", objective: 0.99, events: 50, bad: 10, verdict: "inconclusive" },
  { why: "too few, but beyond help", objective: 0.99, events: 50, bad: 11, verdict: "missed" },
  {
    why: "5 % excluded",
    objective: 0.99,
    events: 1900,
    bad: 0,
    excluded: { saturated: 60, stopped: 30, invalid: 10 },
    verdict: "met",
  },
  {
    why: "more than 5 % excluded",
    objective: 0.99,
    events: 1900,
    bad: 15,
    excluded: { saturated: 101 },
    verdict: "inconclusive",
  },
  {
    why: "many excluded, but as many bad as no good ones could make up for",
    objective: 0.95,
    events: 2999,
    bad: 224,
    excluded: { saturated: 1201 },
    verdict: "missed",
  },
  {
    why: "many excluded, and as many bad as are allowed of all",
    objective: 0.95,
    events: 2999,
    bad: 210,
    excluded: { saturated: 1201 },
    verdict: "inconclusive",
  },
  {
    why: "many excluded, one more bad than is allowed of all",
    objective: 0.95,
    events: 2999,
    bad: 211,
    excluded: { saturated: 1000, stopped: 201 },
    verdict: "missed",
  },
  {
    why: "many excluded, but met with all of them bad, to the last one",
    objective: 0.9,
    events: 1900,
    bad: 89,
    excluded: { saturated: 101, stopped: 10, invalid: 1 },
    verdict: "met",
  },
  {
    why: "many excluded, one more bad than met if all were",
    objective: 0.9,
    events: 1900,
    bad: 90,
    excluded: { saturated: 112 },
    verdict: "inconclusive",
  },
  {
    why: "many excluded of few, where with all of them bad it would be met",
    objective: 0.5,
    events: 19,
    bad: 0,
    excluded: { saturated: 3 },
    verdict: "inconclusive",
  },
  {
    why: "nearly all excluded, and more than ten bad",
    objective: 0.99,
    events: 11,
    bad: 11,
    excluded: { saturated: 989 },
    verdict: "missed",
  },
  {
    why: "nearly all excluded, and bad ones that would be few of all",
    objective: 0.99,
    events: 11,
    bad: 11,
    excluded: { saturated: 1089 },
    verdict: "inconclusive",
  },
  {
    why: "a warm-up beside many excluded",
    objective: 0.95,
    events: 2999,
    bad: 224,
    excluded: { warmup: 100_000, saturated: 1201 },
    verdict: "missed",
  },
  {
    why: "met exactly, in very many events",
    objective: 0.999,
    events: 10_000_000_000,
    bad: 10_000_000,
    verdict: "met",
  },
  {
    why: "one more of very many",
    objective: 0.999,
    events: 10_000_000_000,
    bad: 10_000_001,
    verdict: "missed",
  },
  {
    why: "a long warm-up",
    objective: 0.99,
    events: 1000,
    bad: 0,
    excluded: { warmup: 5000, saturated: 0 },
    verdict: "met",
  },
  {
    why: "everything excluded",
    objective: 0.99,
    events: 0,
    bad: 0,
    excluded: { saturated: 7 },
    verdict: "inconclusive",
  },
];

for (const { why, objective, events, bad, excluded = {}, verdict } of ROWS) {
  test(`verdictOf() says ${verdict}: ${why}`, () => {
    assert.equal(verdictOf({ events, bad, excluded }, objective).verdict, verdict);
  });
}

test("verdictOf() says why", () => {
  const reasonOf = (events: number, bad: number, saturated = 0) =>
    verdictOf({ events, bad, excluded: { saturated } }, 0.99).reason;
  assert.equal(reasonOf(2000, 25), "1.25% bad, 1% allowed");
  assert.equal(reasonOf(20, 0), "20 events are too few, it needs 1000");
  assert.equal(reasonOf(900, 0, 100), "10% of the events are excluded, more than 5%");
  assert.equal(reasonOf(900, 30, 100), "3% bad if all excluded were good, 1% allowed");
});
