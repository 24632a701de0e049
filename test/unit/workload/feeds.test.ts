import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { prepare } from "../../../src/commands/prepare.js";
import { createProfile } from "../../../src/plan/profile.js";
import { firstRegime } from "../../../src/plan/regime.js";
import { createTimeline } from "../../../src/plan/timeline.js";

const folder = mkdtempSync(join(tmpdir(), "celery-load-feeds-"));
after(() => rmSync(folder, { recursive: true }));

function load(profile: string, mix = "resize", more = "") {
  const file = join(folder, "load.yml");
  const text = `connections:
  main: { broker: redis://127.0.0.1:6379/0 }
tasks:
  resize: { name: app.resize, queue: images }
  mail: { name: app.mail, queue: mails }
scenarios:
  fed: { mix: ${mix}, profile: ${profile} }
${more}`;
  writeFileSync(file, text, { mode: 0o600 });
  return prepare({ files: [file], env: {}, overrides: [] });
}

const FAULTS: readonly (readonly [profile: string, told: RegExp, mix?: string, more?: string])[] = [
  ["{ backlog: { max: 5 } }", /7:\d+: Cannot read profile\.backlog\.maxRate/],
  ["{ backlog: { maxRate: 5/s } }", /Cannot read profile\.backlog\.max of/],
  [
    "{ backlog: { min: 9, max: 5, maxRate: 5/s } }",
    /profile\.backlog\.min of scenario "fed": must be at most max \(5\)/,
  ],
  ["{ backlog: { max: 0, maxRate: 5/s } }", /must be a whole number from 1 to/],
  ["{ backlog: { max: 5, maxRate: 0/s } }", /must be above 0\/s/],
  ["{ backlog: { max: 5, maxRate: 5/s, period: 0s } }", /must be longer than 0s/],
  [
    "{ backlog: { max: 5, maxRate: 5/s, queue: mails } }",
    /profile\.backlog\.queue of scenario "fed": must be a queue of the mix, whose tasks go to images\. Write queue: images\./,
  ],
  [
    "{ backlog: { max: 5, maxRate: 5/s } }",
    /must be named, as the tasks of the mix go to images and mails/,
    "[resize, mail]",
  ],
  ["{ topUp: {} }", /Cannot read profile\.topUp\.to of/],
  ["{ topUp: { to: 5/s, from: 1/s } }", /profile\.topUp\.from|"from"|from/],
  ["{ topUp: { to: 50/s } }", /its highest rate is 50\/s/, "resize", "limits: { maxRate: 10/s }"],
];
for (const [profile, told, mix, more] of FAULTS) {
  test(`what is wrong with a rate that follows a queue is told: ${profile} ${mix ?? ""}`, () => {
    assert.throws(
      () => load(profile, mix, more),
      ({ message }: Error) => told.test(message) || assert.fail(message),
    );
  });
}

test("the queue is that of the mix, or the one that is named", () => {
  const { feeds, observe } = load("{ backlog: { max: 5, maxRate: 20/s } }");
  assert.deepEqual(
    feeds.map(({ name, queue, mostPerSecond }) => [name, queue, mostPerSecond]),
    [["fed", "images", 20]],
  );
  assert.equal(observe[0]!.lookEveryMs, 1_000);
  const named = load("{ topUp: { to: 9/s, queue: mails } }", "[resize, mail]");
  assert.equal(named.feeds[0]!.queue, "mails");
  assert.equal(load("20/s").observe[0]!.lookEveryMs, 5_000);
});

test("such a profile starts nothing before it is told, and then that part of its highest rate", () => {
  const profile = createProfile({ kind: "topUp", queue: null, toPerSecond: 40 });
  const first = createTimeline({ profile, endMs: Infinity, untilMs: Infinity }, firstRegime(0, 0));
  assert.equal(first.startsBy(60_000), 0);
  assert.equal(first.timeOf(1), Infinity);
  const half = first.change({ ...first.regime, fromMs: 1_000, planMs: 1_000, fed: 0.5 });
  assert.equal(half.rateAt(5_000), 20);
  const none = half.change({ ...half.regime, fromMs: 11_000, planMs: 11_000, fed: 0 });
  assert.equal(none.startsBy(60_000), 200);
  const throttled = half.change({
    ...{ ...half.regime, fromMs: 11_000, planMs: 11_000, throttle: 0.1 },
  });
  assert.equal(throttled.rateAt(20_000), 2);
  const ordered = half.change({
    ...{ ...half.regime, fromMs: 11_000, planMs: 11_000 },
    override: { kind: "rate", perSecond: 7 },
  });
  assert.equal(ordered.rateAt(20_000), 7, "a rate that is ordered is no part of anything");
});
