// Runs alone: which side is slow is judged by times.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startDaemon } from "../support/daemon.js";
import { startRabbitmq } from "../support/rabbitmq.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";
import { assertNamed, configText, verdicts } from "./bottleneck-watch.js";

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

/** Tasks that wait for one another or for their time; at one or two of each a second, most places are free. */
const patient = (broker: string, backend: string, events: string) => `
connections: { main: { broker: "${broker}", backend: "${backend}", events: ${events} } }
tasks:
  add:     { name: tests.add, args: [1, 2] }
  nap:     { name: tests.sleep, args: [0.2] }
  short:   { name: tests.sleep, args: [0.02] }
  sum:     { name: tests.total }
  note:    { name: tests.add, args: [5, 6] }
  chord:   { chord: { header: [${"nap, ".repeat(9)} nap], body: sum } }
  wide:    { chord: { header: [${"short, ".repeat(19)} short], body: sum } }
  group:   { group: [${"short, ".repeat(19)} short] }
  chain:   { chain: [nap, { task: nap, immutable: true }, { task: nap, immutable: true }] }
  fork:    { chain: [add, { group: [late, late, late] }] }
  linked:  { name: tests.sleep, args: [0.2], link: [{ task: note, immutable: true }] }
  delayed: { chain: [add, { task: later, immutable: true }] }
  late:    { name: tests.add, args: [1] }
  later:   { name: tests.add, args: [3, 4], countdown: 3s }
  again:   { name: tests.retry, args: [2], kwargs: { countdown: 2 }, expires: none }
scenarios:
  workflows: { profile: 4/s, mix: [chord, wide, group, chain, fork, linked, delayed] }
  waiting:   { profile: 12/s, mix: [later, again] }
`;

test("no worker is blamed where tasks wait for one another, for their time, or to be tried again", async (context) => {
  await using redis = await startRedis();
  await using rabbitmq = await startRabbitmq();
  const deployments = [
    { broker: redis.url(0), backend: redis.url(0), events: "on" },
    { broker: redis.url(1), backend: redis.url(1), events: "auto" },
    { broker: rabbitmq.url, backend: redis.url(2), events: "auto" },
  ];
  await Promise.all(
    deployments.map(async ({ broker, backend, events }) => {
      await using _worker = await startWorker({ broker, backend, concurrency: 16 });
      await using daemon = await startDaemon({ configText: patient(broker, backend, events) });
      await sleep(HEALTHY_SECONDS * 1_000);
      const page = await daemon.metrics();
      const where = `${broker}, events ${events}`;
      assert.equal(page.sum("celery_load_task_outcomes_total", { outcome: "failed" }), 0, where);
      assert.ok(page.sum("celery_load_task_outcomes_total", { outcome: "succeeded" }) > 300, where);
      const named = verdicts(daemon);
      // On a busy machine the generator is named by right.
      const allowed = ["code", "none", "generator"];
      const [wrong] = named.filter(({ side }) => !allowed.includes(side));
      assert.equal(wrong, undefined, `${where}: ${JSON.stringify(wrong)}`);
      context.diagnostic(
        `${where}: ${named.map(({ task, side }) => `${task} ${side}`).join(", ")}`,
      );
    }),
  );
});
