// Runs beside one other: rates follow what workers take, and have to be what they are.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startDaemon } from "../support/daemon.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";

test("a backlog is held whatever the workers take", async () => {
  await using redis = await startRedis();
  // 40 a second.
  await using _worker = await startWorker({
    ...{ broker: redis.url(), pool: "threads", concurrency: 2 },
    extraArgs: ["--prefetch-multiplier", "1"],
  });
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: ${redis.url()} } }
tasks: { work: { name: tests.sleep, args: [0.05], timeout: 2m } }
scenarios:
  deep: { profile: { backlog: { max: 120, maxRate: 150/s } } }
threads: 2
`,
  });
  const cli = redis.cli();
  const depths = async (seconds: number) => {
    const list: number[] = [];
    for (let look = 0; look < 4 * seconds; look++) {
      list.push(await cli.llen("celery"));
      await sleep(250);
    }
    return list;
  };
  await sleep(18_000);
  const held = await depths(6);
  assert.ok(Math.min(...held) > 60 && Math.max(...held) < 200, String(held));
  const page = await daemon.metrics();
  const target = page.value("celery_load_target_rate", { scenario: "deep" });
  assert.ok(target > 15 && target < 80, `${target}/s is wanted`);
  const planned = page.sum("celery_load_tasks_planned_total");
  assert.ok(page.sum("celery_load_tasks_dropped_total") < 0.05 * planned);
});

test("topUp starts what the tasks of others leave of a rate", async () => {
  await using redis = await startRedis();
  await using _worker = await startWorker({ broker: redis.url(), pool: "threads" });
  const connections = `connections: { main: { broker: ${redis.url()}, events: "on" } }`;
  await using others = await startDaemon({
    configText: `${connections}
tasks: { theirs: { name: tests.add, args: [1, 2] } }
scenarios: { steady: { profile: 20/s } }
`,
  });
  await using daemon = await startDaemon({
    configText: `${connections}
tasks: { ours: { name: tests.total, args: [[1]] } }
scenarios: { filled: { profile: { topUp: { to: 50/s } } } }
`,
  });
  const rate = async (seconds: number) => {
    const planned = async () => (await daemon.metrics()).sum("celery_load_tasks_planned_total");
    const [before, beforeMs] = [await planned(), performance.now()];
    await sleep(1_000 * seconds);
    return ((await planned()) - before) / ((performance.now() - beforeMs) / 1_000);
  };
  assert.equal((await daemon.metrics()).sum("celery_load_tasks_planned_total"), 0);
  await sleep(11_000);
  const beside = await rate(6);
  assert.ok(Math.abs(beside - 30) < 6, `${beside}/s beside 20/s of others`);
  await others.stop();
  await sleep(11_000);
  const alone = await rate(5);
  assert.ok(Math.abs(alone - 50) < 4, `${alone}/s alone`);
});
