import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assertAllSucceeded } from "../support/all-succeeded.js";
import { type DaemonOptions, startDaemon } from "../support/daemon.js";
import { startProxy, type Proxy as TestProxy } from "../support/proxy.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { startWorker, type TestWorker } from "../support/worker.js";
import { assertAccounted, assertRunOnce, logOf, sentBy, Watch } from "./faults-watch.js";

/** Has the engine's thread do nothing else any more, some seconds after its start. */
const HANG = `data:text/javascript,${encodeURIComponent(`
import { isMainThread } from "node:worker_threads";
if (!isMainThread) setTimeout(() => { for (;;); }, 4_000);
`)}`;

/** Far longer than any of these tests waits. */
const LONG = "10m";

describe("a signal under load", () => {
  let redis: TestRedis;
  let worker: TestWorker;
  before(async () => {
    redis = await startRedis();
    worker = await startWorker({ broker: redis.url(), concurrency: 100 });
  });
  after(async () => {
    await worker?.[Symbol.asyncDispose]();
    await redis?.[Symbol.asyncDispose]();
  });

  /** A daemon with some tasks in flight. */
  async function startLoaded(
    load: { seconds: number; gracefulStop: string; linger?: string },
    options: DaemonOptions & { broker?: string } = {},
  ) {
    const { seconds, gracefulStop, linger = "0s" } = load;
    const daemon = await startDaemon({
      configText: `
connections: { main: { broker: "${options.broker ?? redis.url()}" } }
tasks: { sleep: { name: tests.sleep, args: [${seconds}], kwargs: {} } }
scenarios: { steady: { profile: 20/s, gracefulStop: ${gracefulStop} } }
server: { linger: ${linger} }
`,
      ...options,
      args: ["--json", ...(options.args ?? [])],
    });
    const watch = new Watch(daemon);
    const loaded = await daemon.waitFor((page) => page.sum("celery_load_tasks_in_flight") > 15);
    return { daemon, watch, loaded };
  }

  for (const { args, code } of [
    { args: [], code: 0 },
    { args: ["--for", LONG], code: 105 },
  ]) {
    test(`results in flight are awaited, and ${args[0] ?? "a run without an end"} exits with ${code}`, async () => {
      const known = (await worker.recorded()).length;
      const { daemon, watch } = await startLoaded({ seconds: 1.5, gracefulStop: "20s" }, { args });
      await using _daemon = daemon;
      daemon.signal("SIGTERM");
      const draining = await daemon.waitFor(
        (page) => page.value("celery_load_scenario_state", { state: "draining" }) === 1,
      );
      assert.ok(draining.sum("celery_load_tasks_in_flight") > 0);
      const { status, body } = await daemon.ready();
      assert.deepEqual([status, JSON.parse(body).problems], [503, [{ message: "stopping" }]]);
      assert.equal((await fetch(`${daemon.url}/healthz`)).status, 200);
      const end = await watch.end();
      assert.equal(end.code, code);
      assert.equal(end.total.planned, draining.sum("celery_load_tasks_planned_total"));
      assertAllSucceeded(end.total, end.total.planned);
      assertAccounted(end.total, (await worker.recorded()).slice(known));
    });
  }

  test("tasks longer than the graceful stop end as unknown, are counted and logged", async () => {
    const known = (await worker.recorded()).length;
    const { daemon, watch } = await startLoaded({ seconds: 6, gracefulStop: "1s" });
    await using _daemon = daemon;
    const { code, total } = await watch.stop();
    assert.equal(code, 0);
    assert.ok(total.outcomes.unknown! > 15);
    assert.equal(total.outcomes.unknown, total.published);
    const log = logOf(daemon);
    const ended = log.find(({ msg }) => String(msg).startsWith("ended"))!;
    assert.match(String(ended.msg), new RegExp(`^ended; ${total.published} published tasks`));
    assert.equal(ended.level, 40);
    assert.match(String(log.at(-1)!.msg), /^Nothing succeeded: .* The run was stopped before/);
    const runs = (await worker.recorded()).slice(known);
    assertRunOnce(runs);
    assert.equal(runs.length, total.published);
  });

  test("the second signal ends at once", async () => {
    const { daemon, watch } = await startLoaded({ seconds: 3, gracefulStop: LONG, linger: LONG });
    await using _daemon = daemon;
    daemon.signal("SIGTERM");
    await daemon.waitFor(
      (page) => page.value("celery_load_scenario_state", { state: "draining" }) === 1,
    );
    const askedMs = performance.now();
    daemon.signal("SIGINT");
    const { code, total } = await watch.end();
    const tookMs = performance.now() - askedMs;
    assert.equal(code, 0);
    assert.ok(tookMs < 2_000, `it took ${tookMs} ms`);
    assert.ok(total.outcomes.unknown! > 15);
  });

  /** What the second signal finds the engine, or the servers, at. */
  const busy: Record<string, (proxy: TestProxy) => Promise<void>> = {
    "the engine in a loop without an end": async () => sleep(5_000),
    "servers that stand still": async (proxy) => {
      await proxy.mode("stall");
      await sleep(500); // two signals at once are one
    },
  };
  for (const [what, hinder] of Object.entries(busy)) {
    test(`the second signal ends the process within a second, whatever it finds: ${what}`, async () => {
      await using proxy = await startProxy(redis.port);
      const { daemon } = await startLoaded(
        { seconds: 30, gracefulStop: LONG, linger: LONG },
        {
          broker: `redis://127.0.0.1:${proxy.port}/0`,
          nodeFlags: what.includes("loop") ? ["--import", HANG] : [],
        },
      );
      await using _daemon = daemon;
      daemon.signal("SIGTERM");
      await hinder(proxy);
      const askedMs = performance.now();
      daemon.signal("SIGTERM");
      const { code } = await daemon.exit;
      const tookMs = performance.now() - askedMs;
      assert.equal(code, 0);
      assert.ok(tookMs < 3_000, `it took ${tookMs} ms`);
      const { total, balanced } = JSON.parse(daemon.stdout());
      assert.ok(balanced && total.planned > 15);
    });
  }

  test("/metrics answers after the drain until the linger is over, which a second signal ends", async () => {
    const { daemon, watch } = await startLoaded({ seconds: 1, gracefulStop: "20s", linger: LONG });
    await using _daemon = daemon;
    daemon.signal("SIGTERM");
    const stopped = await daemon.waitFor(
      (page) => page.value("celery_load_scenario_state", { state: "stopped" }) === 1,
    );
    assert.equal(stopped.sum("celery_load_tasks_in_flight"), 0);
    assert.equal((await daemon.ready()).status, 503);
    const again = await daemon.waitFor(() =>
      logOf(daemon).some(({ msg }) => /^metrics stay up/.test(String(msg))),
    );
    daemon.signal("SIGTERM");
    const { code, total } = await watch.end();
    assert.equal(code, 0);
    assertAllSucceeded(total, total.planned);
    assert.equal(sentBy(again), total.published);
  });

  test("a stop while the broker is down is over within the graceful stop and 2 s", async () => {
    await using other = await startRedis();
    const { daemon, watch } = await startLoaded(
      { seconds: 0, gracefulStop: "2s" },
      { broker: other.url() },
    );
    await using _daemon = daemon;
    await other.kill("SIGKILL");
    await daemon.waitFor((page) => page.linksUp() === 0);
    const askedMs = performance.now();
    const { code, total } = await watch.stop();
    const tookMs = performance.now() - askedMs;
    assert.equal(code, 0);
    assert.ok(tookMs < 4_000, `it took ${tookMs} ms`);
    // Nobody works on that broker's queue: all of it is left over.
    assert.equal(total.outcomes.unknown, total.published);
  });

  test("a stop while the broker stands still is over soon, too", async () => {
    await using other = await startRedis();
    await using _worker = await startWorker({ broker: other.url() });
    const daemon = await startDaemon({
      configText: `
connections: { main: { broker: "${other.url()}" } }
tasks: { add: { name: tests.add, args: [1, 2] } }
scenarios: { steady: { profile: 50/s, gracefulStop: 1s } }
server: { linger: 0s }
`,
      args: ["--json"],
    });
    await using _daemon = daemon;
    await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > 75);
    await other.kill("SIGSTOP");
    try {
      const askedMs = performance.now();
      daemon.signal("SIGTERM");
      assert.equal((await daemon.exit).code, 0);
      const tookMs = performance.now() - askedMs;
      assert.ok(tookMs < 6_000, `it took ${tookMs} ms`);
    } finally {
      await other.kill("SIGCONT");
    }
  });
});
