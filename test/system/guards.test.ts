// Runs alone: it compares times with what they should be.
// Also on today's brokers.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { mustRun } from "../../src/setup/programs.js";
import { ensurePython } from "../../src/setup/python.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { startManagement } from "../support/management.js";
import { assertBalanced, type Metrics } from "../support/metrics.js";
import { controlOf, orderAt } from "../support/orders.js";
import { startRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";
import { type RecordedRun, startWorker, type TestWorker } from "../support/worker.js";

/** Every guard, fired by what it is there for; the worker's own record shows the pause. */

const COOL_DOWN_MS = 3_000;
/** A look each second, what it looks at each second, an order, and a machine that is busy. */
const LOOKS_MS = 5_000;

let redis: TestRedis;
let worker: TestWorker;
before(async () => {
  redis = await startRedis();
  worker = await startWorker({
    broker: redis.url(),
    queues: ["failing", "slow", "scraped"],
    concurrency: 16,
  });
});
after(async () => {
  await worker[Symbol.asyncDispose]();
  await redis.stop();
});

interface Place {
  readonly broker: string;
  readonly backend?: string;
  readonly management?: string;
  readonly tasks: string;
  readonly scenarios: string;
  /** Without its name, `resumeBelow` and `coolDown` as here unless they are written. */
  readonly guards: readonly string[];
}

function configText({ broker, backend, management, tasks, scenarios, guards }: Place): string {
  const other = management === undefined ? "" : `, management: "${management}"`;
  return `
connections: { main: { broker: "${broker}", backend: "${backend ?? broker}"${other} } }
tasks: { ${tasks} }
scenarios: { ${scenarios} }
guards: [${guards.map((guard) => `{ ${guard}, coolDown: ${COOL_DOWN_MS}ms }`).join(", ")}]
control: { listen: "127.0.0.1:0" }
`;
}

function stateOf(page: Metrics, guard: string): string {
  const current = page
    .select("celery_load_guard_state", { guard })
    .filter(({ value }) => value === 1);
  return current.map(({ labels }) => labels.state).join();
}

function isPaused(page: Metrics, scenario: string): boolean {
  return page.value("celery_load_scenario_state", { scenario, state: "paused" }) === 1;
}

/** Scrapes a few times a second: several tests wait at the same time. */
async function untilPage(
  daemon: TestDaemon,
  isSo: (page: Metrics) => boolean,
  withinMs: number,
  what: string,
): Promise<Metrics> {
  let last: Metrics | undefined;
  await waitUntil(
    async () => {
      last = await daemon.metrics();
      if (isSo(last)) return true;
      await sleep(200);
      return false;
    },
    withinMs,
    `${what}\n${daemon.stderr().slice(-2_000)}`,
  );
  return last!;
}

interface Trial {
  readonly daemon: TestDaemon;
  readonly guard: string;
  /** What it holds back. */
  readonly scenario: string;
  /** Of the scenario's tasks, by the worker. */
  readonly runs: () => Promise<readonly RecordedRun[]>;
  /** From the cause to the pause. */
  readonly firesWithinMs: number;
  readonly goesOnWithinMs: number;
  cause(): Promise<unknown>;
  end(): Promise<unknown>;
}

/** Ok, then the cause; fired and paused; then its end; ok, and the load goes on. */
async function fires(trial: Trial): Promise<void> {
  const { daemon, guard, scenario, runs } = trial;
  const well = await untilPage(
    daemon,
    (page) =>
      stateOf(page, guard) === "ok" &&
      page.select("celery_load_guard_headroom_ratio", { guard }).length === 1 &&
      page.sum("celery_load_task_outcomes_total", { scenario, outcome: "succeeded" }) > 20,
    40_000,
    `${guard} to see that all is well`,
  );
  const room = well.value("celery_load_guard_headroom_ratio", { guard });
  assert.ok(room > 0 && room <= 1, `${guard}: headroom ${room}`);

  const causedMs = performance.now();
  await trial.cause();
  const fired = await untilPage(
    daemon,
    (page) => stateOf(page, guard) === "fired" && isPaused(page, scenario),
    trial.firesWithinMs,
    `${guard} to fire`,
  );
  const firedMs = performance.now() - causedMs;
  const firedUnixMs = Date.now();
  const times = (page: Metrics) => page.value("celery_load_guard_fired_total", { guard });
  assert.equal(times(fired) - times(well), 1);
  const beyond = fired.value("celery_load_guard_headroom_ratio", { guard });
  assert.ok(beyond < 0, `${guard}: headroom ${beyond} when it has fired`);
  const published = fired.sum("celery_load_tasks_published_total", { scenario });

  const endedMs = performance.now();
  await trial.end();
  const over = await untilPage(
    daemon,
    (page) => stateOf(page, guard) === "ok" && !isPaused(page, scenario),
    trial.goesOnWithinMs,
    `${guard} to let go`,
  );
  const overMs = performance.now() - endedMs;
  const overUnixMs = Date.now();
  assert.ok(over.value("celery_load_guard_headroom_ratio", { guard }) > 0);
  const on = await untilPage(
    daemon,
    (page) => page.sum("celery_load_tasks_published_total", { scenario }) > published + 10,
    10_000,
    `${scenario} to go on`,
  );
  assertBalanced(on);

  const silentMs = silence(await runs(), firedUnixMs, overUnixMs);
  console.log(
    `${guard}: fired after ${Math.round(firedMs)} ms (headroom ${beyond.toFixed(2)}), let go ${Math.round(overMs)} ms after the end; the worker began nothing for ${Math.round(silentMs)} ms`,
  );
  assert.ok(
    silentMs > COOL_DOWN_MS - 1_000,
    `the worker's longest pause is ${Math.round(silentMs)} ms`,
  );
}

/** The longest time between two moments in which the worker has begun nothing of it. */
function silence(runs: readonly RecordedRun[], fromMs: number, toMs: number): number {
  const begun = runs.map(({ startedMs }) => startedMs).filter((ms) => ms > fromMs && ms < toMs);
  const moments = [fromMs, ...begun.sort((a, b) => a - b), toMs];
  return Math.max(...moments.slice(1).map((ms, index) => ms - moments[index]!));
}

/** Celery's own producer, which knows nothing of us. */
async function produce(broker: string, program: string): Promise<void> {
  await mustRun("send others' tasks", await ensurePython("current"), ["-c", program], {
    env: {
      ...process.env,
      PYTHONPATH: "test/support",
      CELERY_BROKER_URL: broker,
      CELERY_RESULT_BACKEND: broker,
    },
  });
}

describe("a guard fires, and lets go", { concurrency: 4 }, () => {
  test("queueLength: a queue that another producer has filled", async () => {
    await using own = await startWorker({
      ...{ broker: redis.url(), queues: ["deep"], concurrency: 4 },
    });
    await using daemon = await startDaemon({
      configText: configText({
        broker: redis.url(),
        tasks: "add: { name: tests.add, args: [1, 2], queue: deep }",
        scenarios: "steady: { profile: 10/s }",
        guards: [
          "name: deep, watch: queueLength, queue: deep, above: 100, for: 2s, resumeBelow: 10",
        ],
      }),
    });
    await fires({
      ...{ daemon, guard: "deep", scenario: "steady" },
      runs: async () => (await own.recorded()).filter(({ name }) => name === "tests.add"),
      cause: () =>
        produce(
          redis.url(),
          'import tasks; [tasks.sleep.apply_async((0.1,), queue="deep") for _ in range(300)]',
        ),
      // The worker does what was sent.
      end: async () => {},
      firesWithinMs: 10_000 + LOOKS_MS,
      goesOnWithinMs: 20_000 + COOL_DOWN_MS + LOOKS_MS,
    });
  });

  test("brokerMemory: Redis has reached its maxmemory", async () => {
    await using full = await startRedis({ args: ["--maxmemory", "32mb"] });
    const client = full.cli();
    await using own = await startWorker({ broker: full.url(), backend: redis.url(2) });
    await using daemon = await startDaemon({
      configText: configText({
        ...{ broker: full.url(), backend: redis.url(2) },
        tasks: "add: { name: tests.add, args: [1, 2] }",
        scenarios: "steady: { profile: 20/s }",
        guards: ["name: default-broker-memory, for: 1s"],
      }),
    });
    await fires({
      ...{ daemon, guard: "default-broker-memory", scenario: "steady" },
      runs: () => own.recorded(),
      cause: async () => {
        const block = "x".repeat(1 << 20);
        await assert.rejects(async () => {
          for (let count = 0; count < 64; count++) await client.rpush("others", block);
        }, /OOM/);
      },
      end: () => client.del("others"),
      firesWithinMs: 1_000 + LOOKS_MS,
      goesOnWithinMs: COOL_DOWN_MS + LOOKS_MS,
    });
  });

  test("brokerBlocked, and brokerMemory of RabbitMQ: its alarm", async () => {
    await using rabbitmq = await startRabbitmq();
    const port = await startManagement(rabbitmq);
    await using own = await startWorker({ broker: rabbitmq.url, backend: redis.url(3) });
    await using daemon = await startDaemon({
      configText: configText({
        ...{ broker: rabbitmq.url, backend: redis.url(3) },
        management: `http://guest:guest@127.0.0.1:${port}`,
        tasks: "add: { name: tests.add, args: [1, 2] }",
        scenarios: "steady: { profile: 20/s }",
        guards: [
          "name: default-broker-blocked, for: 1s",
          "name: default-broker-memory, for: 1s, do: warn",
        ],
      }),
    });
    await fires({
      ...{ daemon, guard: "default-broker-blocked", scenario: "steady" },
      runs: () => own.recorded(),
      cause: () => rabbitmq.ctl("set_vm_memory_high_watermark", "0.0001"),
      end: async () => {
        await untilPage(
          daemon,
          (page) => stateOf(page, "default-broker-memory") === "fired",
          20_000,
          "the memory's guard to fire as well",
        );
        await rabbitmq.ctl("set_vm_memory_high_watermark", "0.6");
      },
      firesWithinMs: 5_000 + LOOKS_MS,
      goesOnWithinMs: COOL_DOWN_MS + 2 * LOOKS_MS,
    });
  });

  test("backlogSlope: the workers stand still", async () => {
    await using own = await startWorker({ broker: redis.url(), queues: ["slope"] });
    await using daemon = await startDaemon({
      configText: configText({
        broker: redis.url(),
        tasks: "add: { name: tests.add, args: [1, 2], queue: slope }",
        scenarios: "steady: { profile: 20/s }",
        guards: ["name: slope, watch: backlogSlope, for: 2s"],
      }),
    });
    await fires({
      ...{ daemon, guard: "slope", scenario: "steady" },
      runs: () => own.recorded(),
      cause: async () => own.signal("SIGSTOP", { group: true }),
      end: async () => own.signal("SIGCONT", { group: true }),
      firesWithinMs: 35_000 + LOOKS_MS,
      goesOnWithinMs: 10_000 + COOL_DOWN_MS + LOOKS_MS,
    });
  });

  // What is watched goes on while something else is held back: so it can be seen to be over.
  for (const { guard, rule, good, bad } of [
    {
      guard: "failing",
      rule: "watch: failedShare, scenario: canary, above: 30%, resumeBelow: 25%",
      good: "{ name: tests.add, args: [1, 2], queue: failing }",
      bad: "{ name: tests.fail, queue: failing }",
    },
    {
      guard: "slow",
      rule: "watch: latency, scenario: canary, quantile: 50%, above: 600ms, resumeBelow: 500ms",
      good: "{ name: tests.add, args: [1, 2], queue: slow }",
      bad: "{ name: tests.sleep, args: [1.2], queue: slow }",
    },
  ]) {
    test(`${rule.split(",")[0]!.split(": ")[1]}: tasks are ${guard}`, async () => {
      await using daemon = await startDaemon({
        configText: configText({
          broker: redis.url(),
          tasks: `add: { name: tests.add, args: [1, 2], queue: ${guard}, headers: { mark: ${guard} } }, good: ${good}, bad: ${bad}`,
          scenarios:
            "steady: { profile: 20/s, mix: add }, canary: { profile: 10/s, mix: { good: 99, bad: 1 } }",
          guards: [`name: ${guard}, ${rule}, for: 2s, scenarios: [steady]`],
        }),
      });
      const control = await controlOf(daemon);
      const canary = (body: object) => orderAt(control, "PATCH", "/api/v1/scenarios/canary", body);
      await fires({
        ...{ daemon, guard, scenario: "steady" },
        runs: () => marked(guard),
        cause: () => canary({ mix: { bad: 1 } }),
        end: async () => {
          await canary({ mix: { good: 1 } });
          await canary({ rate: "30/s" });
        },
        firesWithinMs: 12_000 + LOOKS_MS,
        goesOnWithinMs: 15_000 + COOL_DOWN_MS + LOOKS_MS,
      });
    });
  }

  test("scrapeAge: nobody is watching", async () => {
    await using daemon = await startDaemon({
      configText: configText({
        broker: redis.url(),
        tasks: "add: { name: tests.add, args: [1, 2], queue: scraped, headers: { mark: scraped } }",
        scenarios: "steady: { profile: 20/s }",
        guards: ["name: unwatched, watch: scrapeAge, above: 4s"],
      }),
    });
    await untilPage(
      daemon,
      (page) => page.sum("celery_load_task_outcomes_total", { outcome: "succeeded" }) > 20,
      40_000,
      "the load to run",
    );
    const lastScrapeUnixMs = Date.now();
    const status = () => statusOf(daemon);
    await waitUntil(
      async () => (await status()).scenarios.steady.state === "paused",
      4_000 + LOOKS_MS,
      "the guard to pause, as nobody scrapes",
    );
    const firedUnixMs = Date.now();
    const { state, headroomRatio, scenarios } = (await status()).guards.unwatched!;
    assert.deepEqual({ state, scenarios }, { state: "fired", scenarios: ["steady"] });
    assert.ok(headroomRatio < 0, `headroom ${headroomRatio}`);
    await untilPage(
      daemon,
      (page) => stateOf(page, "unwatched") === "ok" && !isPaused(page, "steady"),
      COOL_DOWN_MS + LOOKS_MS,
      "the load to go on as it is scraped again",
    );
    const silentMs = silence(await marked("scraped"), firedUnixMs, Date.now());
    console.log(
      `unwatched: fired ${firedUnixMs - lastScrapeUnixMs} ms after the last scrape, let go ${Date.now() - firedUnixMs} ms after the next; the worker began nothing for ${Math.round(silentMs)} ms`,
    );
    assert.ok(silentMs > COOL_DOWN_MS - 1_000, `the worker's pause is ${silentMs} ms`);
  });

  test("share: our part of a queue's tasks", async () => {
    await using own = await startWorker({
      ...{ broker: redis.url(), queues: ["shared"], extraArgs: ["-E"] },
    });
    const shared = (mark: string, guards: readonly string[]) =>
      startDaemon({
        configText: configText({
          ...{ broker: redis.url(), guards },
          tasks: `add: { name: tests.add, args: [1, 2], queue: shared, headers: { mark: ${mark} } }`,
          scenarios: "steady: { profile: 20/s }",
        }),
      });
    await using others = await shared("others", []);
    await untilPage(
      others,
      (page) => page.sum("celery_load_task_outcomes_total", { outcome: "succeeded" }) > 20,
      40_000,
      "others' load to run",
    );
    await using daemon = await shared("ours", ["name: guest, watch: share, above: 25%"]);
    const beganMs = performance.now();
    const rate = (page: Metrics) => page.value("celery_load_target_rate");
    const first = await untilPage(
      daemon,
      (page) => stateOf(page, "guest") === "fired" && rate(page) < 20,
      10_000 + LOOKS_MS,
      "our rate to be lowered",
    );
    const firedMs = performance.now() - beganMs;
    assert.ok(first.value("celery_load_guard_headroom_ratio", { guard: "guest" }) < 0);
    const modest = await untilPage(
      daemon,
      (page) => page.value("celery_load_guard_headroom_ratio", { guard: "guest" }) >= 0,
      40_000,
      "our share to be within the limit",
    );
    const withinMs = performance.now() - beganMs;
    assert.ok(rate(modest) <= 20 * 0.7 ** 3, `${rate(modest)}/s beside 20/s of others`);
    assert.equal(modest.value("celery_load_overrides_active"), 0, "an override is a person's");
    await sleep(3_000);
    const begun = (await own.recorded()).filter(({ startedMs }) => startedMs > Date.now() - 3_000);
    const ours = begun.filter(({ mark }) => mark === "ours").length / begun.length;
    console.log(
      `guest: lowered after ${Math.round(firedMs)} ms, within its share after ${Math.round(withinMs)} ms at ${rate(modest).toFixed(1)}/s; of ${begun.length} that the worker then began in 3 s ${Math.round(ours * 100)} % were ours`,
    );
    assert.ok(ours < 0.3, `${ours} by the worker's record`);
    const control = await controlOf(others);
    await orderAt(control, "PATCH", "/api/v1/scenarios/steady", { rate: "100/s" });
    const before = rate(modest);
    await untilPage(
      daemon,
      (page) => rate(page) > before,
      12_000 + LOOKS_MS,
      "our rate to rise as others do more",
    );
  });
});

/** What of `/api/v1/status` is read here. */
interface Status {
  readonly scenarios: { readonly steady: { readonly state: string } };
  readonly guards: Readonly<
    Record<string, { state: string; headroomRatio: number; scenarios: readonly string[] }>
  >;
}

async function statusOf({ url }: TestDaemon): Promise<Status> {
  return (await (await fetch(`${url}/api/v1/status`)).json()) as Status;
}

/** What the common worker began for one test. */
async function marked(wanted: string): Promise<readonly RecordedRun[]> {
  return (await worker.recorded()).filter(({ mark }) => mark === wanted);
}
