import assert from "node:assert/strict";
import { test } from "node:test";
import { EventTally } from "../../../src/learn/event-tally.js";
import { type Traffic, totalsOf } from "../../../src/learn/traffic.js";

const FROM = 1_796_000_000_000;
const FOR_MS = 60_000;

type Fields = Readonly<Record<string, unknown>>;
type Sent = readonly [type: string, uuid: string, atMs: number, fields: Fields];

/** What is known of events; each is heard of 50 ms after its time, or at `heardMs`. */
function tallyOf(events: readonly Sent[], heardMs?: number): Traffic | null {
  const tally = new EventTally(FROM, FOR_MS);
  for (const [type, uuid, atMs, fields] of events) {
    tally.add(
      { type, uuid, hostname: "celery@one", unixMs: FROM + atMs, fields },
      FROM + (heardMs ?? atMs + 50),
    );
  }
  return tally.traffic(FROM + FOR_MS);
}

/** `task name queue: number` of each. */
function textOf(traffic: Traffic | null): string[] {
  if (traffic === null) return [];
  const totals = totalsOf(traffic);
  return traffic.tasks.map(({ name, queue }, index) => `${name} ${queue}: ${totals[index]}`);
}

const sent = (id: string, atMs: number, more: Fields = {}): Sent =>
  [
    ...["task-sent", id, atMs, { name: "shop.pay", queue: "urgent", retries: 0, ...more }],
  ] as unknown as Sent;
const received = (id: string, atMs: number, more: Fields = {}): Sent =>
  [...["task-received", id, atMs, { name: "shop.pay", retries: 0, ...more }]] as unknown as Sent;
const succeeded = (id: string, atMs: number, runtime: unknown): Sent =>
  [...["task-succeeded", id, atMs, { runtime, result: "s3cr3t" }]] as unknown as Sent;
const many = (number: number, event: (id: string, atMs: number) => Sent): Sent[] =>
  Array.from({ length: number }, (_, index) => event(`id-${index}`, 1_000 + index));

const cases: [what: string, events: Sent[], tasks: string[]][] = [
  ["what producers send", many(20, sent), ["shop.pay urgent: 20"]],
  ["what workers receive", many(20, received), ["shop.pay null: 20"]],
  ["both", [...many(20, sent), ...many(20, received)], ["shop.pay urgent: 20"]],
  ["more received than sent", [...many(5, sent), ...many(20, received)], ["shop.pay null: 20"]],
  ["retries", [...many(9, sent), sent("id-1", 2_000, { retries: 1 })], ["shop.pay urgent: 9"]],
  [
    "children of tasks",
    [...many(9, sent), sent("child", 2_000, { parent_id: "id-1" })],
    ["shop.pay urgent: 9"],
  ],
  [
    "a task on two queues",
    [sent("one", 1_000), sent("two", 1_000, { queue: "slow" })],
    ["shop.pay urgent: 1", "shop.pay slow: 1"],
  ],
  ["what was sent before", [sent("old", -1)], []],
  ["other events", [["task-started", "x", 1_000, { name: "shop.pay" }]], []],
  ["events without a name", [sent("x", 1_000, { name: null })], []],
];
for (const [what, events, expected] of cases) {
  test(`events of ${what}`, () => assert.deepEqual(textOf(tallyOf(events)), expected));
}

test("run times are of those that succeeded, and nothing that was handed over or returned is kept", () => {
  const events = many(100, (id, atMs) => sent(id, atMs, { args: "('s3cr3t',)", kwargs: "{}" }));
  const ends = events.map(([, id, atMs], index) => succeeded(id, atMs + 500, index < 95 ? 0.1 : 2));
  const strange = [succeeded("unknown", 1_000, 9), succeeded("id-1", 1_000, "s3cr3t")];
  const traffic = tallyOf([...events, ...ends, ...strange])!;
  const { p50, p90, p99 } = traffic.tasks[0]!.runTimes!;
  for (const [found, expected] of [
    [p50, 0.1],
    [p90, 0.1],
    [p99, 2],
  ] as const) {
    assert.ok(Math.abs(found / expected - 1) < 0.03, `${found} for ${expected}`);
  }
  assert.doesNotMatch(JSON.stringify(traffic), /s3cr3t/);
});

test("children are told of, with their names", () => {
  const children = Array.from({ length: 6 }, (_, index) =>
    sent(`child-${index}`, 2_000, { parent_id: "id-1", name: "shop.mail" }),
  );
  const { remarks } = tallyOf([...many(12, sent), ...children])!;
  assert.match(remarks.join(), /6 tasks, 0\.50 for each that is in it \(shop\.mail\)/);
});

test("a clock that is far away does not count: the task is where it was heard of", () => {
  const traffic = tallyOf([sent("late", -3_600_000), sent("early", 3_600_000)], 15_000)!;
  assert.deepEqual(Array.from(traffic.tasks[0]!.counts), [0, 2, 0, 0, 0, 0]);
  assert.match(traffic.remarks.join(), /clocks are more than 10 s away/);
});

test("names without end are not kept: 2,000 are, and the others told of", () => {
  const names = Array.from({ length: 5_000 }, (_, index) =>
    sent(`id-${index}`, 1_000, { name: `report.${index}` }),
  );
  const queues = Array.from({ length: 5_000 }, (_, index) =>
    sent(`id-${index}`, 1_000, { queue: `tenant.${index}` }),
  );
  for (const events of [names, queues]) {
    const { tasks, remarks } = tallyOf(events)!;
    assert.equal(tasks.length, 2_000);
    assert.match(remarks.join(), /more than 2,000 names/);
  }
  const children = names.map(
    ([type, id, atMs, fields]): Sent => [
      ...([type, id, atMs] as const),
      { ...fields, parent_id: "x" },
    ],
  );
  assert.match(tallyOf([sent("x", 1_000), ...children])!.remarks.join(), /more than 2,000 names/);
});

test("only whole steps count, and the times of tasks are in order", () => {
  const tally = new EventTally(FROM, FOR_MS);
  for (const [, uuid, atMs, fields] of [sent("b", 9_000), sent("a", 2_000), sent("c", 14_000)]) {
    tally.add({ type: "task-sent", uuid, hostname: "x", unixMs: FROM + atMs, fields }, FROM + atMs);
  }
  const traffic = tally.traffic(FROM + 15_000)!;
  assert.deepEqual(Array.from(traffic.tasks[0]!.counts), [2]);
  assert.deepEqual([...traffic.timesUnixMs!].slice(0, 2), [FROM + 2_000, FROM + 9_000]);
  assert.equal(tally.traffic(FROM + 5_000), null);
  assert.equal(tally.heard, 3);
});
