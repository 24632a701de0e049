import assert from "node:assert/strict";
import { test } from "node:test";
import { Blocks } from "../../../src/history/blocks.js";
import { Timeline, type TimelineAnswer } from "../../../src/history/timeline.js";
import { Run } from "./run.js";

const valuesOf = ({ series }: TimelineAnswer, of: string, what: string, name = "") =>
  series.find((each) => each.of === of && each.what === what && each.name === name)!.values;
const sum = (values: readonly number[]) => values.reduce((all, each) => all + each, 0);

test("a block has the whole histograms of each task and phase, and what was counted meanwhile", () => {
  const run = new Run(["app.a", "app.b", "app.a"]);
  const blocks = new Blocks(run.moment.nowMs);
  const pass = (seconds: number) => {
    run.wait(seconds);
    if (blocks.isDue(run.moment.nowMs)) blocks.look(run.ledger, run.subject, run.moment);
  };
  run.end(0, 10, 100);
  run.phase(0, "run", 10, 80);
  pass(29);
  assert.equal(blocks.all.length, 0);
  run.end(2, 5, 400, "failed");
  run.saturate(2);
  pass(1);
  run.phase(1, "queue", 7, 3);
  pass(30);
  const [first, second] = blocks.all;
  assert.deepEqual([first!.seconds, second!.seconds], [30, 30]);
  assert.deepEqual([first!.saturatedSeconds, second!.saturatedSeconds], [2, 0]);
  // Both entries of one name.
  const a = first!.tasks.get("app.a")!;
  assert.deepEqual([a.counters.get("succeeded"), a.counters.get("failed")], [10, 5]);
  assert.deepEqual([...a.histograms.get("latencySucceeded")!.counts], [10]);
  assert.equal(a.histograms.get("latencyFailed")!.sumMs, 2_000);
  assert.equal(a.histograms.get("run")!.sumMs, 800);
  const later = second!.tasks;
  assert.deepEqual([...later.get("app.a")!.histograms.get("run")!.counts], []);
  assert.deepEqual([...later.get("app.b")!.histograms.get("queue")!.counts], [7]);
});

test("a run of weeks has as many blocks as one of hours, and the same in them", () => {
  const run = new Run(["app.a"]);
  const blocks = new Blocks(run.moment.nowMs);
  const halfMinutes = 14 * 24 * 120;
  for (let each = 0; each < halfMinutes; each++) {
    run.end(0, 1, 10 + (each % 50));
    run.wait(30);
    if (blocks.isDue(run.moment.nowMs)) blocks.look(run.ledger, run.subject, run.moment);
  }
  blocks.look(run.ledger, run.subject, run.moment);
  assert.ok(blocks.all.length <= 481, `${blocks.all.length}`);
  assert.equal(Math.log2(blocks.stepSeconds / 30) % 1, 0);
  const counts = blocks.all.map(({ tasks }) => tasks.get("app.a")!);
  assert.equal(sum(counts.map(({ counters }) => counters.get("succeeded")!)), halfMinutes);
  const cells = counts.map(({ histograms }) => histograms.get("latencySucceeded")!);
  assert.equal(sum(cells.map((sparse) => sum([...sparse.counts]))), halfMinutes);
});

test("a timeline counts from the first second, and a column ends about every second", () => {
  const run = new Run(["app.a"]);
  const timeline = new Timeline(run.moment.nowMs);
  for (const [count, seconds] of [
    [9, 0.9],
    [10, 1],
    [10, 1.1],
    [4, 0.4],
  ] as const) {
    run.count(0, "published", count);
    run.end(0, count, 50);
    run.wait(seconds);
    timeline.look(run.reading, run.moment);
  }
  timeline.close();
  const answer = timeline.answer();
  assert.deepEqual(answer.seconds, [0.9, 1, 1.1, 0.4]);
  assert.deepEqual(valuesOf(answer, "all", "published"), [10, 10, 9.0909, 10]);
  const p95 = valuesOf(answer, "task", "p95", "app.a");
  assert.ok(
    p95.every((seconds) => Math.abs(seconds! / 0.05 - 1) < 0.01),
    `${p95}`,
  );
});

test("a timeline of an hour is in columns of two seconds, one of a day in longer ones", () => {
  const run = new Run(["app.a"]);
  const timeline = new Timeline(run.moment.nowMs);
  const steps: [minute: number, step: number, columns: number][] = [];
  const total = 7 * 60;
  for (let minute = 0; minute < total; minute++) {
    for (let second = 0; second < 60; second++) {
      run.count(0, "published", 20);
      run.ready = second;
      run.wait(1);
      timeline.look(run.reading, run.moment);
    }
    if ([30, 60, 400].includes(minute)) {
      const { stepSeconds, at } = timeline.answer();
      steps.push([minute, stepSeconds, at.length]);
    }
  }
  assert.deepEqual(
    steps.map(([minute, step]) => [minute, step]),
    [
      [30, 1],
      [60, 2],
      [400, 30],
    ],
  );
  assert.ok(steps.every(([, , columns]) => columns <= 2_400));
  timeline.close();
  const answer = timeline.answer();
  const published = valuesOf(answer, "all", "published");
  assert.ok(published.every((rate) => Math.abs(rate! - 20) < 1e-6));
  const all = sum(published.map((rate, at) => rate! * answer.seconds[at]!));
  assert.equal(Math.round(all), total * 60 * 20);
  // Means stay means: over whole minutes of 0 to 59.
  const ready = valuesOf(answer, "queue", "ready", "main/queue-0");
  const mean = sum(ready.map((value, at) => value! * answer.seconds[at]!)) / sum(answer.seconds);
  assert.ok(Math.abs(mean - 29.5) < 0.01, `${mean}`);
});

test("a series that comes later is not known before", () => {
  const run = new Run(["app.a"]);
  const timeline = new Timeline(run.moment.nowMs);
  const look = () => {
    run.wait(1);
    timeline.look(run.reading, run.moment);
  };
  look();
  run.subject.exceptions.push({ row: 1, entry: 0, name: "ValueError" });
  run.raise(1, 3);
  look();
  assert.deepEqual(valuesOf(timeline.answer(), "exception", "errors", "ValueError"), [null, 3]);
});
