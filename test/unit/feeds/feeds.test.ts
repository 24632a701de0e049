import assert from "node:assert/strict";
import { test } from "node:test";
import { BacklogFeed, targetAt } from "../../../src/feeds/backlog-feed.js";
import type { FeedAnswer } from "../../../src/feeds/feed.js";
import { TopUpFeed } from "../../../src/feeds/top-up-feed.js";
import type { BacklogSpec } from "../../../src/plan/profiles/fed.js";

const SPEC: BacklogSpec = {
  ...{ queue: "images", min: 0, max: 400, periodMs: null, maxPerSecond: 200 },
};

function perSecond(answer: FeedAnswer): number {
  assert.ok("perSecond" in answer, JSON.stringify(answer));
  return answer.perSecond;
}

/** Workers that take so many a second of what waits, others that send some, and depths that are read late. */
function depths(
  spec: BacklogSpec,
  seconds: number,
  {
    takes,
    others = () => 0,
  }: { takes: (second: number) => number; others?: (s: number) => number },
  lateSeconds = 1,
): number[] {
  const feed = new BacklogFeed(spec);
  const read: number[] = [];
  let depth = 0;
  let ours = 0;
  for (let second = 0; second < seconds; second++) {
    const seen = read.at(-lateSeconds) ?? 0;
    read.push(depth);
    const facts = { nowMs: 1_000 * second, planMs: 1_000 * second, others: null, ours };
    const rate = perSecond(feed.look({ ...facts, depth: seen }));
    assert.ok(rate >= 0 && rate <= spec.maxPerSecond);
    ours += rate;
    depth = Math.max(0, depth + rate + others(second) - takes(second));
  }
  return read;
}

const WORKERS: readonly (readonly [what: string, Parameters<typeof depths>[2]])[] = [
  ["none", { takes: () => 0 }],
  ["steady ones", { takes: () => 40 }],
  ["twice as many after a minute", { takes: (second) => (second < 60 ? 40 : 80) }],
  ["that stop for ten seconds", { takes: (second) => (second >= 40 && second < 50 ? 0 : 40) }],
  ["and others that send as well", { takes: () => 60, others: () => 25 }],
];
for (const [what, workers] of WORKERS) {
  for (const lateSeconds of [1, 2]) {
    test(`a backlog is held: workers ${what}, read ${lateSeconds} s late`, () => {
      const read = depths(SPEC, 120, workers, lateSeconds);
      const late = read.slice(90);
      // What nobody takes stays: it is all of what was put in before it was read.
      const most = what === "none" ? 1.3 : 1.1;
      assert.ok(Math.max(...late) <= most * SPEC.max, `${Math.max(...late)} at most`);
      assert.ok(Math.min(...late) >= 0.9 * SPEC.max, `${Math.min(...late)} at least`);
      assert.ok(Math.max(...read) <= 2 * SPEC.max, `${Math.max(...read)} on the way`);
    });
  }
}

test("a backlog goes up and down over its period", () => {
  const spec = { ...SPEC, min: 50, periodMs: 60_000 };
  assert.deepEqual(
    [0, 15_000, 30_000, 45_000, 60_000, 75_000].map((ms) => targetAt(spec, ms)),
    [50, 225, 400, 225, 50, 225],
  );
  const read = depths(spec, 240, { takes: () => 40 });
  for (let second = 120; second < 240; second++) {
    const target = targetAt(spec, 1_000 * second);
    assert.ok(Math.abs(read[second]! - target) < 60, `${second} s: ${read[second]}, not ${target}`);
  }
});

test("workers that are faster than maxRate leave the queue empty, and nothing grows meanwhile", () => {
  const read = depths(SPEC, 200, { takes: (second) => (second < 100 ? 500 : 40) });
  assert.equal(Math.max(...read.slice(20, 100)), 0);
  assert.ok(
    Math.max(...read.slice(100)) <= 2 * SPEC.max,
    "and what was missing is not made up for",
  );
  assert.ok(Math.abs(read.at(-1)! - SPEC.max) < 0.1 * SPEC.max);
});

test("a depth that nobody tells is no depth", () => {
  const feed = new BacklogFeed(SPEC);
  const facts = { planMs: 0, others: null, ours: 0 };
  assert.ok("unknown" in feed.look({ ...facts, nowMs: 0, depth: null }));
  assert.equal(perSecond(feed.look({ ...facts, nowMs: 1_000, depth: 400 })), 0);
});

test("what others leave of a rate", () => {
  const feed = new TopUpFeed({ queue: null, toPerSecond: 100 });
  let others = 7;
  const rates = new Map<number, number | null>();
  for (let second = 0; second <= 60; second++) {
    const facts = { nowMs: 1_000 * second, planMs: 0, depth: null, ours: 0, others };
    const answer = feed.look(facts);
    rates.set(second, "perSecond" in answer ? answer.perSecond : null);
    others += second < 20 ? 30 : second < 40 ? 130 : 0;
  }
  assert.equal(rates.get(4), null);
  assert.equal(rates.get(5), 70);
  assert.equal(rates.get(20), 70);
  assert.equal(rates.get(25), 20);
  assert.equal(rates.get(31), 0, "no less than nothing");
  assert.equal(rates.get(51), 100);
});

test("without events, and after they were away, it waits", () => {
  const feed = new TopUpFeed({ queue: null, toPerSecond: 100 });
  const look = (second: number, others: number | null) =>
    feed.look({ nowMs: 1_000 * second, planMs: 0, depth: null, ours: 0, others });
  for (let second = 0; second < 10; second++) look(second, 10 * second);
  assert.ok("perSecond" in look(10, 100));
  assert.ok("unknown" in look(11, null));
  assert.ok("unknown" in look(12, 110));
  for (let second = 13; second < 18; second++) look(second, 110 + 10 * (second - 12));
  assert.equal(perSecond(look(18, 170)), 90);
  assert.ok("unknown" in look(19, 3), "the count began anew");
});
