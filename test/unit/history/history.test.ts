import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sample, Series } from "../../../src/history/answer.js";
import { Run } from "./run.js";

type Key = readonly [of: Series["of"], name: string, what: Series["what"]];

function columnIn(run: Run, [of, name, what]: Key): number {
  const { series } = run.history.answer();
  const column = series.findIndex(
    (each) => each.of === of && each.name === name && each.what === what,
  );
  assert.ok(column >= 0, `there is no ${of} ${name} ${what}`);
  return column;
}

function numberIn(run: Run, samples: readonly Sample[], stepSeconds: number, key: Key) {
  const sample = samples.find((each) => each.stepSeconds === stepSeconds);
  assert.ok(sample, `no moment of ${stepSeconds} s`);
  return sample.values[columnIn(run, key)];
}

test("percentiles are of what ended in that moment, at each resolution, and null when nothing did", () => {
  const run = new Run(["a", "b"]);
  run.pass();
  run.end(0, 100, 10);
  const first = run.pass();
  run.end(0, 100, 1_000);
  run.end(1, 300, 100, "failed");
  const second = run.pass();
  const third = run.pass();
  const near = (value: number | null | undefined, seconds: number) =>
    assert.ok(Math.abs(value! - seconds) <= 0.01 * seconds, `${value}, not ${seconds}`);
  near(numberIn(run, first, 1, ["task", "a", "p50"]), 0.01);
  near(numberIn(run, second, 1, ["task", "a", "p50"]), 1);
  near(numberIn(run, second, 1, ["task", "b", "p99"]), 0.1);
  near(numberIn(run, second, 1, ["all", "", "p50"]), 0.1);
  assert.equal(numberIn(run, first, 1, ["task", "b", "p50"]), null);
  assert.equal(numberIn(run, third, 1, ["all", "", "p95"]), null);
  assert.deepEqual(
    [first, second, third].map((samples) => samples.length),
    [1, 1, 1],
  );
  let tenth: Sample[] = [];
  for (let second = 4; second <= 10; second++) tenth = run.pass();
  near(numberIn(run, tenth, 10, ["task", "a", "p50"]), 0.01);
  near(numberIn(run, tenth, 10, ["task", "a", "p95"]), 1);
  assert.equal(numberIn(run, tenth, 10, ["all", "", "errors"]), 30);
  assert.equal(numberIn(run, second, 1, ["task", "b", "errors"]), 300);
  near(run.history.recent().p50, 0.1);
  assert.equal(run.history.recent().ended, 50);
});

test("rates are growth over the time between two looks, and what is in no queue's answer is not known", () => {
  const run = new Run(["a"]);
  run.ready = 7;
  run.pass();
  run.count(0, "published", 30);
  run.count(0, "droppedSaturated", 3);
  run.saturate(0.5);
  const late = run.pass(1.5);
  assert.equal(numberIn(run, late, 1, ["all", "", "published"]), 20);
  assert.equal(numberIn(run, late, 1, ["all", "", "dropped"]), 2);
  assert.equal(numberIn(run, late, 1, ["all", "", "saturated"]), 0.33333);
  assert.equal(numberIn(run, late, 1, ["queue", "main/queue-0", "ready"]), 7);
  run.ready = null;
  assert.equal(numberIn(run, run.pass(), 1, ["queue", "main/queue-0", "ready"]), null);
});

test("an exception class that comes later is a series of its own, and what was before stays", () => {
  const run = new Run(["a"]);
  run.pass();
  run.count(0, "published", 5);
  run.pass();
  const { layout } = run.history.answer();
  run.subject.exceptions.push({ row: 1, entry: 0, name: "KeyError" });
  run.raise(1, 2);
  run.count(0, "published", 6);
  const joined = run.pass();
  assert.equal(joined[0]!.layout, layout, "a moment of the old series");
  run.raise(1, 4);
  const next = run.pass();
  assert.equal(next[0]!.layout, layout + 1);
  assert.equal(numberIn(run, next, 1, ["exception", "KeyError", "errors"]), 4);
  const { tiers } = run.history.answer();
  const of = (key: Key) => tiers[0]!.columns[columnIn(run, key)];
  assert.deepEqual(of(["all", "", "published"]), [5, 6, 0]);
  assert.deepEqual(of(["exception", "KeyError", "errors"]), [null, null, 4]);
  let tenth: Sample[] = [];
  for (let second = 4; second <= 10; second++) tenth = run.pass();
  assert.equal(numberIn(run, tenth, 10, ["all", "", "published"]), 1.1, "of all ten seconds");
});

test("the rings keep ten minutes, two hours and two days, and forget the oldest", () => {
  const run = new Run(["a"]);
  for (let second = 0; second <= 2 * 86_400 + 600; second++) run.pass();
  const { tiers } = run.history.answer();
  assert.deepEqual(
    tiers.map(({ stepSeconds, at }) => [stepSeconds, at.length, at.at(-1)! - at[0]!]),
    [
      [1, 600, 599],
      [10, 720, 7_190],
      [120, 1_440, 172_680],
    ],
  );
});

test("with 50 tasks, 10 scenarios and 20 queues it takes less than 10 MiB", () => {
  const tasks = Array.from({ length: 50 }, (_, index) => `app.tasks.task_${index}`);
  const run = new Run(tasks, { scenarios: 10, queues: 20 });
  for (let second = 0; second < 70; second++) run.pass();
  assert.ok(run.history.bytes < 10 * 1024 * 1024, `${run.history.bytes} bytes`);
  assert.ok(run.history.bytes > 1024 * 1024, "it is counted at all");
});

test("a change is told again after its first minute, with what came of it", () => {
  const run = new Run(["a"]);
  run.pass();
  for (let second = 0; second < 60; second++) {
    run.end(0, 10, 20);
    run.pass();
  }
  const told = { type: "change", text: "rate 50/s", details: { actor: "page" } };
  const mark = run.history.mark(told, run.moment);
  const stage = run.history.mark({ ...told, type: "stage" }, run.moment);
  assert.deepEqual([mark.number, stage.number, mark.effect], [1, 2, null]);
  run.ready = 40;
  for (let second = 0; second < 60; second++) {
    run.end(0, 10, 500);
    run.pass();
    const isOver = second === 59;
    const effects = run.history.effects(run.moment.nowMs);
    assert.equal(effects.length, isOver ? 1 : 0, `after ${second} s`);
    if (!isOver) continue;
    const { number, effect } = effects[0]!;
    const { before, after } = effect!.p95Seconds;
    assert.equal(number, mark.number);
    assert.ok(Math.abs(before! - 0.02) < 0.001 && Math.abs(after! - 0.5) < 0.01);
    assert.deepEqual(effect!.queued, { before: 0, after: 40 });
    assert.equal(effect!.isSaturated, false);
  }
  assert.deepEqual(run.history.effects(run.moment.nowMs), [], "once");
  assert.notEqual(run.history.answer().marks[0]!.effect, null);
});
