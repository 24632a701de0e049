import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startDaemon } from "../support/daemon.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";
import { assertNamed, configText } from "./bottleneck-watch.js";

/** How long nothing is to be named; ten minutes say more than one. */
const HEALTHY_SECONDS = Number(process.env.HEALTHY_SECONDS ?? 60);

test("nothing is named of a deployment that is well", async (context) => {
  await using redis = await startRedis();
  await using _worker = await startWorker({ broker: redis.url() });
  await using daemon = await startDaemon({
    configText: configText({ broker: redis.url(), profile: "20/s" }),
  });
  await sleep(HEALTHY_SECONDS * 1_000);
  const page = await daemon.metrics();
  assertNamed(daemon);
  assert.equal(page.value("celery_load_bottleneck", { side: "none" }), 1);
  const planned = page.sum("celery_load_tasks_planned_total");
  assert.ok(planned >= HEALTHY_SECONDS * 19, `${planned} tasks were planned`);
  context.diagnostic(
    `${HEALTHY_SECONDS} s (HEALTHY_SECONDS), ${planned} tasks, and no side was named`,
  );
});
