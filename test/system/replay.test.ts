// Runs beside one other: it compares times with what they should be.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { startDaemon } from "../support/daemon.js";
import { startRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { startWorker } from "../support/worker.js";

const SPEED = 4;

interface Start {
  /** Seconds. */
  readonly time: number;
  readonly task: string;
  readonly queue: string;
}

/** 28 s in which the rate goes up and down, with some starts together. */
function arrivals(): Start[] {
  const starts: Start[] = [];
  for (let index = 0, time = 1_796_000_000; time < 1_796_000_028; index++) {
    starts.push({
      time,
      task: index % 3 === 0 ? "tests.add" : "sleep",
      queue: index % 5 === 0 ? "fast" : "celery",
    });
    if (index % 7 !== 0) time += 0.02 + 0.1 * Math.abs(Math.sin(index / 40));
  }
  return starts;
}

test("a file of starts is replayed by two threads, each start at its time, with its task and queue", async () => {
  await using redis = await startRedis();
  await using worker = await startWorker({ broker: redis.url(), queues: ["celery", "fast"] });
  const starts = arrivals();
  const stateFile = await scratchFile("state.json");
  const file = join(dirname(stateFile), "arrivals.csv");
  const lines = starts.map(({ time, task, queue }) => `${time.toFixed(6)},INFO,${task},${queue}`);
  await writeFile(file, `timestamp,level,task,queue\n${lines.join("\n")}\n`);
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: ${redis.url()} } }
tasks:
  add: { name: tests.add, args: [1, 2] }
  sleep: { name: tests.sleep, args: [0] }
scenarios:
  day: { mix: [add, sleep], profile: { replay: { file: arrivals.csv, speed: ${SPEED} } } }
server: { linger: 3s }
threads: 2
`,
    args: ["--json"],
  });
  const page = await daemon.waitFor(
    (metrics) => metrics.sum("celery_load_scenario_state", { state: "stopped" }) === 1,
    60_000,
  );
  const publishedTo = (queue: string) => page.sum("celery_load_tasks_published_total", { queue });
  const dropped = page.sum("celery_load_tasks_dropped_total");
  assert.equal(page.sum("celery_load_tasks_planned_total"), starts.length);
  assert.equal(publishedTo("celery") + publishedTo("fast") + dropped, starts.length);
  assert.ok(dropped < 10, `${dropped} were dropped`);
  const fast = starts.filter(({ queue }) => queue === "fast").length;
  assert.ok(Math.abs(publishedTo("fast") - fast) <= dropped);
  assert.equal((await daemon.exit).code, 0);

  const runs = await worker.recorded();
  for (const [task, name] of [
    ["tests.add", "tests.add"],
    ["sleep", "tests.sleep"],
  ] as const) {
    const planned = starts
      .filter((start) => start.task === task)
      .map(({ time }) => ((time - starts[0]!.time) * 1_000) / SPEED);
    const started = runs
      .filter((run) => run.name === name)
      .map(({ startedMs }) => startedMs)
      .sort((one, other) => one - other);
    assert.ok(Math.abs(started.length - planned.length) <= dropped, name);
    if (dropped > 0) continue;
    const beganMs = Math.min(...started.map((ms, index) => ms - planned[index]!));
    const late = started.map((ms, index) => ms - planned[index]! - beganMs).sort((a, b) => a - b);
    // The worker's own time is in it.
    const p90 = late[Math.floor(late.length * 0.9)]!;
    assert.ok(p90 < 250, `${name}: a tenth of them ${p90} ms or more behind the first`);
  }
});
