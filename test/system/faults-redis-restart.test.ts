import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startDaemon } from "../support/daemon.js";
import type { Metrics } from "../support/metrics.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";
import { assertNoBurst, assertRunOnce, logOf, runsAfterQuiet, Watch } from "./faults-watch.js";

const RATE = 100;

test("Redis is killed and comes back empty: down at once, dropped meanwhile, no burst, loss with evidence", async () => {
  await using redis = await startRedis();
  await using worker = await startWorker({ broker: redis.url() });
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: ${redis.url()} } }
tasks: { add: { name: tests.add, args: [1, 2], kwargs: {}, timeout: 15s } }
scenarios: { steady: { profile: ${RATE}/s } }
server: { linger: 0s }
`,
    args: ["--json"],
  });
  const watch = new Watch(daemon);
  const succeeded = (page: Metrics) =>
    page.value("celery_load_task_outcomes_total", { outcome: "succeeded" });
  await daemon.waitFor((page) => succeeded(page) > RATE);
  assert.equal((await daemon.ready()).status, 200);

  // Lost are those that are still waited for when the connection is back: the back-off may take five seconds.
  // A worker that stands still leaves tasks in the queue, which then are lost for sure.
  worker.signal("SIGSTOP", { group: true });
  await daemon.waitFor((page) => page.sum("celery_load_tasks_in_flight") > RATE / 2);
  await redis.kill("SIGKILL");
  worker.signal("SIGCONT", { group: true });
  const killedMs = performance.now();
  const down = await daemon.waitFor(
    (page) => page.linksUp() === 0,
    2_000,
    "both connections to be down",
  );
  const { status, body } = await daemon.ready();
  assert.equal(status, 503);
  const problems = JSON.parse(body).problems as Record<string, string>[];
  assert.deepEqual(
    problems.map(({ connection, role }) => [connection, role]),
    [
      ["main", "broker"],
      ["main", "backend"],
    ],
  );
  for (const { message } of problems) {
    assert.match(
      message!,
      new RegExp(`ECONNREFUSED 127\\.0\\.0\\.1:${redis.port}|closed|ECONNRESET`),
    );
  }
  assert.equal((await fetch(`${daemon.url}/healthz`)).status, 200);
  await sleep(Math.max(0, killedMs + 2_000 - performance.now()));
  await redis.restart();
  const up = await daemon.waitFor((page) => page.linksUp() === 2);
  assert.equal((await daemon.ready()).status, 200);
  for (const role of ["broker", "backend"]) {
    assert.equal(up.value("celery_load_reconnects_total", { role }), 1);
    assert.equal(down.value("celery_load_reconnects_total", { role }), 0);
  }
  const dropped = up.value("celery_load_tasks_dropped_total", { reason: "not_connected" });
  assert.ok(dropped > RATE, `dropped ${dropped} in more than 2 s`);
  await daemon.waitFor(
    (page) => succeeded(page) > succeeded(up) + 2 * RATE,
    40_000,
    "the worker to be back",
  );

  // Somebody empties it.
  const purged = (page: Metrics) =>
    page.value("celery_load_broker_data_loss_total", { evidence: "purged" });
  worker.signal("SIGSTOP");
  const waiting = await daemon.waitFor((page) => page.sum("celery_load_tasks_in_flight") > RATE);
  assert.equal(purged(waiting), 0);
  await redis.cli().flushall();
  await daemon.waitFor((page) => purged(page) === 1);
  worker.signal("SIGCONT");

  const { code, total, pages } = await watch.stop();
  assert.equal(code, 0);
  assertNoBurst(pages, RATE);
  assert.deepEqual(
    // A busy machine may be too late for some.
    Object.keys(total.dropped).filter(
      (reason) => reason !== "saturated" && total.dropped[reason]! > 0,
    ),
    ["not_connected"],
  );
  const restarts = pages.at(-1)!.metrics.value("celery_load_broker_data_loss_total", {
    evidence: "restarted_empty",
  });
  // Redis before 7 does not say how much it has loaded: nothing is counted lost without proof.
  const canTell = (await redis.cli().info("persistence")).includes("rdb_last_load_keys_loaded");
  assert.equal(restarts, canTell ? 1 : 0);
  const log = logOf(daemon);
  const lines = (text: RegExp) => log.filter(({ msg }) => text.test(String(msg)));
  assert.equal(lines(/restarted without its data/).length, restarts);
  assert.deepEqual(
    lines(/^not connected; trying again/)
      .map(({ role }) => role)
      .sort(),
    ["backend", "broker"],
  );
  assert.deepEqual(
    lines(/^connected again/)
      .map(({ role }) => role)
      .sort(),
    ["backend", "broker"],
  );

  assert.equal(lines(/was emptied \(FLUSHALL\)/).length, 1);

  const runs = await runsAfterQuiet(redis.cli(), worker);
  assertRunOnce(runs);
  const { outcomes, published } = total;
  const lost = outcomes.timed_out! + outcomes.unknown!;
  assert.ok(lost > 0, "nothing was lost though the queue was");
  assert.equal(outcomes.succeeded! + outcomes.revoked! + lost, published);
  assert.ok(runs.length >= outcomes.succeeded! && runs.length <= published - outcomes.revoked!);
  assert.equal(total.duplicate, 0);
});
