// Runs alone: it compares times with what they should be.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { startProxy } from "../support/proxy.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";
import {
  assertAccounted,
  assertNoBurst,
  logOf,
  runsAfterQuiet,
  sentBy,
  Watch,
} from "./faults-watch.js";

const RATE = 100;
/** The daemon's limit is 10 s, and it looks once a second. */
const FOUND_WITHIN_MS = 15_000;
const LATENCIES = "celery_load_task_latency_seconds_count";

// At the same time, as each of them waits for the daemon's limit.
describe("a connection that is open and dead is found by PING and replaced", {
  concurrency: true,
}, () => {
  test("the publish connection: what was written meanwhile is unknown", async () => {
    await using redis = await inTurn(() => startRedis());
    await using proxy = await inTurn(() => startProxy(redis.port));
    await using worker = await inTurn(() => startWorker({ broker: redis.url() }));
    const broker = `redis://127.0.0.1:${proxy.port}/0`;
    await using daemon = await inTurn(() =>
      startLoad({ broker, backend: redis.url(), timeout: "8s" }),
    );
    const watch = new Watch(daemon);
    await hasMeasured(daemon);
    proxy.connections.find(({ heard }) => heard.includes(":publish"))!.mode("stall");
    const stalled = await daemon.metrics();
    // It is to be seen down: without this it is up again within 50 ms.
    await proxy.refuse();
    const down = await isFound(daemon, "broker");
    await proxy.mode("pass");
    await isBack(daemon, "broker");
    await hasMeasured(daemon);
    const { code, total, pages } = await watch.stop();
    assert.equal(code, 0);
    assertFoundBySilence(daemon, ["broker"]);
    assertNoBurst(pages, RATE);
    assertAccounted(total, await runsAfterQuiet(redis.cli(), worker));
    const sent = sentBy(down) - sentBy(stalled);
    const { unknown } = total.outcomes;
    assert.ok(Math.abs(unknown! - sent) < RATE / 2, `${unknown} unknown, ${sent} sent`);
    const last = pages.at(-1)!.metrics;
    assert.equal(last.value("celery_load_reconnects_total", { role: "broker" }), 1);
    assert.equal(last.value("celery_load_reconnects_total", { role: "backend" }), 0);
  });

  test("the results connection: publishing goes on, and the results are found", async () => {
    await using redis = await inTurn(() => startRedis());
    await using proxy = await inTurn(() => startProxy(redis.port));
    await using worker = await inTurn(() => startWorker({ broker: redis.url() }));
    const backend = `redis://127.0.0.1:${proxy.port}/0`;
    await using daemon = await inTurn(() =>
      startLoad({ broker: redis.url(), backend, timeout: "40s" }),
    );
    const watch = new Watch(daemon);
    await hasMeasured(daemon);
    proxy.connections.find(({ heard }) => heard.includes(":results"))!.mode("stall");
    const stalled = await daemon.metrics();
    await proxy.refuse();
    const down = await isFound(daemon, "backend");
    await proxy.mode("pass");
    await isBack(daemon, "backend");
    await hasMeasured(daemon);
    const { code, total, pages } = await watch.stop();
    assert.equal(code, 0);
    assertFoundBySilence(daemon, ["backend"]);
    assertNoBurst(pages, RATE);
    assertAccounted(total, await runsAfterQuiet(redis.cli(), worker));
    const sent = sentBy(down) - sentBy(stalled);
    const planned = "celery_load_tasks_planned_total";
    const due = down.sum(planned) - stalled.sum(planned);
    assert.ok(due > 5 * RATE && sent > 0.95 * due, `${sent} of ${due} tasks were sent`);
    assert.ok(total.recovered > sent - RATE, `${total.recovered} of ${sent} were found`);
    assert.equal(total.published, total.planned);
    assert.equal(total.outcomes.succeeded, total.planned);
    const last = pages.at(-1)!.metrics;
    assert.equal(last.value("celery_load_reconnects_total", { role: "backend" }), 1);
    assert.equal(last.value("celery_load_reconnects_total", { role: "broker" }), 0);
  });

  test("all of a server that stands still: connecting alone is not up, and what it had read is run once", async () => {
    await using redis = await inTurn(() => startRedis());
    await using worker = await inTurn(() => startWorker({ broker: redis.url() }));
    const url = redis.url();
    await using daemon = await inTurn(() =>
      startLoad({ broker: url, backend: url, timeout: "20s", gracefulStop: "3s" }),
    );
    const watch = new Watch(daemon);
    await hasMeasured(daemon);
    await redis.kill("SIGSTOP");
    await isFound(daemon, "broker");
    await isFound(daemon, "backend");
    // Its kernel still accepts connections.
    for (let times = 0; times < 5; times++) {
      await sleep(100);
      assert.equal((await daemon.metrics()).linksUp(), 0);
    }
    await redis.kill("SIGCONT");
    await isBack(daemon, "broker");
    await isBack(daemon, "backend");
    await hasMeasured(daemon);
    const { code, total, pages } = await watch.stop();
    assert.equal(code, 0);
    assertFoundBySilence(daemon, ["backend", "broker"]);
    assertNoBurst(pages, RATE);
    assertAccounted(total, await runsAfterQuiet(redis.cli(), worker));
    assert.equal(pages.at(-1)!.metrics.sum("celery_load_broker_data_loss_total"), 0);
  });
});

let turn: Promise<unknown> = Promise.resolve();

/** One after another: both cores have enough to do with one start. */
function inTurn<Started>(start: () => Promise<Started>): Promise<Started> {
  const started = turn.then(start);
  turn = started.catch(() => {});
  return started;
}

function startLoad(load: {
  broker: string;
  backend: string;
  timeout: string;
  gracefulStop?: string;
}): Promise<TestDaemon> {
  const { broker, backend, timeout, gracefulStop = "60s" } = load;
  return startDaemon({
    configText: `
connections: { main: { broker: "${broker}", backend: "${backend}" } }
tasks: { add: { name: tests.add, args: [1, 2], kwargs: {}, timeout: ${timeout} } }
scenarios: { steady: { profile: ${RATE}/s, gracefulStop: ${gracefulStop} } }
server: { linger: 0s }
`,
    args: ["--json"],
  });
}

/** Waits until results have come for a while: the stream works. */
async function hasMeasured(daemon: TestDaemon): Promise<void> {
  const now = await daemon.metrics();
  await daemon.waitFor((page) => page.sum(LATENCIES) > now.sum(LATENCIES) + RATE);
}

function isFound(daemon: TestDaemon, role: string) {
  return daemon.waitFor(
    (page) => page.value("celery_load_connection_up", { role }) === 0,
    FOUND_WITHIN_MS,
    "the connection to be found dead",
  );
}

function isBack(daemon: TestDaemon, role: string) {
  return daemon.waitFor((page) => page.value("celery_load_connection_up", { role }) === 1);
}

function assertFoundBySilence(daemon: TestDaemon, roles: readonly string[]): void {
  const lines = logOf(daemon).filter(({ msg }) => /^not connected/.test(String(msg)));
  assert.deepEqual(lines.map(({ role }) => role).sort(), roles);
  for (const { cause } of lines) {
    assert.match(String(cause), /^no answer for 1\d s on an open connection$/);
  }
}
