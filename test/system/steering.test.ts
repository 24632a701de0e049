// Runs alone: it compares rates with what was ordered.
// Also on today's brokers.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Status } from "../../src/reports/status.js";
import { ctl } from "../support/ctl.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { assertBalanced, type Metrics } from "../support/metrics.js";
import { askFor, controlOf, orderAt } from "../support/orders.js";
import { startRabbitmq } from "../support/rabbitmq.js";
import { startRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker, type TestWorker } from "../support/worker.js";

/** The daemon, its worker, and the way to order something. */
interface Steered {
  readonly daemon: TestDaemon;
  readonly worker: TestWorker;
  readonly control: string;
  order(method: string, path: string, body?: object): Promise<Record<string, unknown>>;
}

const CONFIG = (broker: string, state: string, rate = "20/s") => `
connections: { main: { broker: "${broker}", backend: "${broker.startsWith("amqp") ? "rpc://" : broker}" } }
tasks: { add: { name: tests.add, args: [1, 2] } }
scenarios: { steady: { profile: ${rate} } }
control: { listen: "127.0.0.1:0" }
state: { file: ${state} }
`;

/** How many starts the daemon has planned. */
async function planned({ daemon }: Pick<Steered, "daemon">): Promise<number> {
  const metrics = await daemon.metrics();
  assertBalanced(metrics);
  return metrics.sum("celery_load_tasks_planned_total");
}

/** How long the run has lasted. */
async function secondsOf({ url }: TestDaemon): Promise<number> {
  const response = await fetch(`${url}/api/v1/status`);
  return ((await response.json()) as Status).seconds;
}

/** Starts planned in about so many seconds from now, reckoned for as many: a busy machine sleeps longer. */
async function plannedIn(steered: Pick<Steered, "daemon">, seconds: number): Promise<number> {
  const before = await planned(steered);
  const beganMs = performance.now();
  await sleep(seconds * 1000);
  const count = (await planned(steered)) - before;
  return (count * seconds * 1000) / (performance.now() - beganMs);
}

function about(count: number, wanted: number, what: string): void {
  assert.ok(
    Math.abs(count - wanted) <= 0.25 * wanted + 4,
    `${what}: ${count} instead of ${wanted}`,
  );
}

async function withSteered(broker: string, body: (steered: Steered) => Promise<void>) {
  await using worker = await startWorker({
    broker,
    ...(broker.startsWith("amqp") ? { backend: "rpc://" } : {}),
  });
  const configText = CONFIG(broker, await scratchFile("state.json"));
  await using daemon = await startDaemon({ configText });
  const control = await controlOf(daemon);
  await daemon.waitFor((page) => page.sum("celery_load_tasks_planned_total") > 5);
  const order: Steered["order"] = (method, path, body) => orderAt(control, method, path, body);
  await body({ daemon, worker, control, order });
}

const BROKERS = {
  redis: async () => {
    const redis = await startRedis();
    return Object.assign(redis, { broker: redis.url() });
  },
  rabbitmq: async () => {
    const rabbitmq = await startRabbitmq();
    return Object.assign(rabbitmq, { broker: rabbitmq.url });
  },
};

suite("a running daemon is steered", { concurrency: true }, () => {
  for (const [name, start] of Object.entries(BROKERS)) {
    test(`each order does what it says, and the worker sees it: ${name}`, async () => {
      await using server = await start();
      await withSteered(server.broker, async (steered) => {
        const { daemon, worker, order } = steered;
        about(await plannedIn(steered, 2), 40, "the plan");

        const raised = await order("PATCH", "/api/v1/scenarios/steady", { rate: "100/s" });
        await sleep(200);
        about(await plannedIn(steered, 2), 200, "a rate");
        await order("PATCH", "/api/v1/scenarios/steady", { scale: 0.5 });
        await sleep(200);
        about(await plannedIn(steered, 3), 30, "a scale");
        await order("DELETE", `/api/v1/overrides/${raised.id}`);
        about(await plannedIn(steered, 3), 30, "what lay over it stays");

        await order("POST", "/api/v1/scenarios/steady/pause", {});
        await daemon.waitFor(
          (page) => page.value("celery_load_scenario_state", { state: "paused" }) === 1,
        );
        assert.equal(await plannedIn(steered, 1.5), 0, "a pause starts nothing");
        await daemon.waitFor((page) => page.sum("celery_load_tasks_in_flight") === 0);
        const seen = (await worker.recorded()).length;
        await sleep(500);
        assert.equal((await worker.recorded()).length, seen, "and the worker has nothing to do");
        await order("POST", "/api/v1/scenarios/steady/resume", {});
        await sleep(200);
        const before = await planned(steered);
        await order("POST", "/api/v1/scenarios/steady/burst", { count: 500 });
        await sleep(500);
        const more = (await planned(steered)) - before;
        assert.ok(more >= 500 && more < 600, `${more} after a burst of 500 on top of 10/s`);

        await order("POST", "/api/v1/stop-all", { reason: "enough" });
        await sleep(150);
        assert.equal(await plannedIn(steered, 1), 0, "the kill switch");
        const killed = await daemon.metrics();
        assert.equal(killed.value("celery_load_kill_switch"), 1);
        await order("POST", "/api/v1/release", {});
        await sleep(200);
        about(await plannedIn(steered, 3), 30, "a release");
        await order("POST", "/api/v1/scenarios/steady/stop", {});
        await daemon.waitFor(
          (page) => page.value("celery_load_scenario_state", { state: "stopped" }) === 1,
        );
        await order("POST", "/api/v1/scenarios/steady/start", {});
        await sleep(300);
        about(await plannedIn(steered, 3), 30, "a start");

        await order("POST", "/api/v1/stop-all", {});
        await sleep(150);
        const last = await daemon.waitFor((page) => page.sum("celery_load_tasks_in_flight") === 0);
        const sent = last.sum("celery_load_tasks_published_total");
        assert.equal((await worker.recorded()).length, sent, "the worker's own record");
      });
    });
  }

  test("what was ordered survives kill -9: kill switch, override, and where the plan is", async () => {
    await using redis = await startRedis();
    await using worker = await startWorker({ broker: redis.url() });
    assert.ok(worker);
    const configText = CONFIG(redis.url(), await scratchFile("state.json"));
    {
      await using daemon = await startDaemon({ configText });
      const control = await controlOf(daemon);
      await daemon.waitFor((page) => page.sum("celery_load_tasks_planned_total") > 5);
      await orderAt(control, "PATCH", "/api/v1/scenarios/steady", { rate: "60/s", ttl: "1h" });
      await orderAt(control, "POST", "/api/v1/stop-all", { reason: "broken" });
      daemon.signal("SIGKILL");
      await daemon.exit;
    }
    await using daemon = await startDaemon({ configText });
    await sleep(2_000);
    const held = await daemon.metrics();
    assert.equal(held.sum("celery_load_tasks_planned_total"), 0);
    assert.equal(held.value("celery_load_kill_switch"), 1);
    assert.ok(held.value("celery_load_downtime_seconds_total") > 0);
    await orderAt(await controlOf(daemon), "POST", "/api/v1/release", {});
    await daemon.waitFor((page) => page.value("celery_load_target_rate") === 60);
    about(await plannedIn({ daemon }, 2), 120, "the override");
  });

  test("a restart does not begin limits.tasksPerDay anew", async () => {
    await using redis = await startRedis();
    const state = await scratchFile("state.json");
    const configText = `${CONFIG(redis.url(), state)}limits: { tasksPerDay: 100 }\n`;
    const ceiling = (page: Metrics) =>
      page.sum("celery_load_tasks_dropped_total", { reason: "ceiling" });
    const published = (page: Metrics) => page.sum("celery_load_tasks_published_total");
    const spend = async (isSpent: (page: Metrics) => boolean) => {
      await using daemon = await startDaemon({ configText, args: ["--set", "server.linger=0s"] });
      const page = await daemon.waitFor(isSpent);
      daemon.signal("SIGQUIT");
      await daemon.exit;
      return published(page);
    };
    const first = await spend((page) => published(page) >= 10);
    const second = await spend((page) => ceiling(page) > 5);
    assert.ok(second > 0 && first + second <= 100, `${first} and ${second} of 100 a day`);
    assert.equal(await spend((page) => ceiling(page) > 5), 0);
  });

  test("a reload changes what it can, keeps counts and plan, and refuses the rest", async () => {
    await using redis = await startRedis();
    await using worker = await startWorker({ broker: redis.url() });
    assert.ok(worker);
    const file = await scratchFile("load.yml");
    const state = await scratchFile("state.json");
    const write = (rate: string, change = (text: string) => text) =>
      writeFileSync(file, change(CONFIG(redis.url(), state, rate)));
    write("20/s");
    await using daemon = await startDaemon({ args: [file] });
    const control = await controlOf(daemon);
    await daemon.waitFor((page) => page.sum("celery_load_tasks_planned_total") > 20);

    write("50/s");
    const before = await planned({ daemon });
    const secondsBefore = await secondsOf(daemon);
    const answer = await orderAt(control, "POST", "/api/v1/reload", {});
    assert.match(JSON.stringify(answer), /scenarios\.steady\.profile/);
    const after = await planned({ daemon });
    assert.ok(after >= before, `${before} planned, then ${after}`);
    about(await plannedIn({ daemon }, 2), 100, "the new rate");
    assert.ok((await secondsOf(daemon)) >= secondsBefore + 2, "it is the same run");

    // A task is added, by the signal; what was before goes on.
    write("50/s", (text) =>
      text
        .replace("tasks: {", "tasks: { other: { name: tests.sleep, args: [0] },")
        .replace("scenarios: {", "scenarios: { second: { profile: 10/s, mix: [other] },")
        .replace("profile: 50/s", "profile: 50/s, mix: [add]"),
    );
    daemon.signal("SIGHUP");
    const two = await daemon.waitFor(
      (page) => page.value("celery_load_tasks_planned_total", { task: "tests.sleep" }) > 5,
    );
    assert.ok(two.value("celery_load_tasks_planned_total", { task: "tests.add" }) >= after);
    assertBalanced(two);

    for (const [change, why] of [
      [(text: string) => text.replace("profile: 50/s", "profle: 50/s"), /profle.*profile/],
      [
        (text: string) => text.replace(redis.url(), "redis://127.0.0.1:1/0"),
        /connections.*restart/is,
      ],
    ] as const) {
      write("50/s", change);
      const { status, text } = await askFor(control, "POST", "/api/v1/reload", {});
      assert.equal(status, 422);
      assert.match(text, why);
      const page = await daemon.metrics();
      assert.equal(page.value("celery_load_config_last_reload_successful"), 0);
    }
    about(await plannedIn({ daemon }, 2), 120, "all goes on as it was");
    const settled = await daemon.waitFor((page) => page.sum("celery_load_tasks_in_flight") < 20);
    assertBalanced(settled);
  });

  test("users are ordered by hand, and the worker has a task of each", async () => {
    await using redis = await startRedis();
    await using worker = await startWorker({ broker: redis.url(), concurrency: 30 });
    await using daemon = await startDaemon({
      configText: CONFIG(
        redis.url(),
        await scratchFile("state.json"),
        "{ users: 5, wait: 10ms }",
      ).replace("tests.add, args: [1, 2]", "tests.sleep, args: [0.3]"),
    });
    const control = await controlOf(daemon);
    const set = (change: string) => ctl(["set", "steady", change], control);
    const isBusyWith = (users: number) => (page: Metrics) =>
      page.value("celery_load_users") === users &&
      page.sum("celery_load_tasks_in_flight") === users;
    await daemon.waitFor(isBusyWith(5));
    const done = await set("users=20");
    assert.equal(done.code, 0, done.stderr);
    await daemon.waitFor(isBusyWith(20));
    // They are published; that they run is a moment later.
    await waitUntil(
      async () => {
        const runs = await worker.recorded();
        const atOnce = runs.filter(({ endedMs }) => endedMs === null).length;
        assert.ok(atOnce <= 20, `${atOnce} tasks run at once`);
        return atOnce > 10;
      },
      10_000,
      "more than ten tasks that run at once",
    );
    assert.match((await ctl(["status"], control)).stdout, /20 users/);
    assert.equal((await set("scale=0.4")).code, 0);
    await daemon.waitFor(isBusyWith(2));
    const refused = await set("rate=5/s");
    assert.match(refused.stderr, /users/);
    await orderAt(control, "POST", "/api/v1/scenarios/steady/pause", {});
    await daemon.waitFor((page) => page.sum("celery_load_tasks_in_flight") === 0);
    const seen = (await worker.recorded()).length;
    await sleep(500);
    assert.equal((await worker.recorded()).length, seen, "and the worker has nothing to do");
    await orderAt(control, "POST", "/api/v1/scenarios/steady/resume", {});
    assertBalanced(await daemon.waitFor(isBusyWith(2)));
  });

  test("celery-load ctl says what it did, and what is refused", async () => {
    await using redis = await startRedis();
    await withSteered(redis.url(), async ({ control, daemon }) => {
      const done = await ctl(
        ["set", "steady", "rate=40/s", "--reason", "a try", "--ttl", "1m"],
        control,
      );
      assert.equal(done.code, 0, done.stderr);
      assert.match(done.stdout, /steady is running/);
      await daemon.waitFor((page) => page.value("celery_load_target_rate") === 40);
      assert.match((await ctl(["status"], control)).stdout, /rate 40\/s by ctl, "a try"/);
      const refused = await ctl(["pause", "stedy"], control);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /steady/);
      assert.equal((await ctl(["stop-all", "--json"], control)).code, 0);
      await daemon.waitFor((page) => page.value("celery_load_kill_switch") === 1);
    });
  });
});
