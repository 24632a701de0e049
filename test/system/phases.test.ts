// Runs alone: which side is slow is judged by times.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureCelery } from "../matrix/celery-environment.js";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced } from "../support/metrics.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import {
  inMs,
  offsMs,
  percentile,
  phaseMs,
  RUN_MS,
  singleRuns,
  toldOf,
} from "../support/single-runs.js";
import { startWorker } from "../support/worker.js";

let rabbitmq: TestRabbitmq;
let redis: TestRedis;
before(async () => {
  rabbitmq = await startRabbitmq();
  redis = await startRedis();
});
after(async () => {
  await rabbitmq[Symbol.asyncDispose]();
  await redis.stop();
});

const CONCURRENCY = 4;

type Pool = "prefork" | "threads" | "gevent";
interface Trial {
  readonly kind: "redis" | "amqp";
  readonly pool: Pool;
  /** 20/s is what the worker can do: at 30/s its queue grows. */
  readonly rate: number;
}

/** PHASES_GRID=1 tries all of them, in about nine minutes. */
const TRIALS: readonly Trial[] =
  process.env.PHASES_GRID === undefined
    ? [
        { kind: "redis", pool: "prefork", rate: 30 },
        { kind: "redis", pool: "gevent", rate: 18 },
        { kind: "amqp", pool: "threads", rate: 30 },
        { kind: "amqp", pool: "prefork", rate: 10 },
      ]
    : (["redis", "amqp"] as const).flatMap((kind) =>
        (["prefork", "threads", "gevent"] as const).flatMap((pool) =>
          [10, 18, 30].map((rate) => ({ kind, pool, rate })),
        ),
      );
const SECONDS = 12;

let trials = 0;

for (const trial of TRIALS) {
  const { kind, pool, rate } = trial;
  test(`the phases of each task of 200 ms add up to its latency: ${pool}, ${rate}/s over ${kind}`, async () => {
    const queue = `phases-${++trials}`;
    const count = SECONDS * rate;
    const urls = {
      broker: kind === "redis" ? redis.url(1) : rabbitmq.url,
      backend: redis.url(15),
    };
    await using _worker = await startWorker({
      ...{ ...urls, pool, concurrency: CONCURRENCY, queues: [queue], extraArgs: ["-E"] },
      env: { SLEEPS: String(count) },
      ...(pool === "gevent" ? { interpreter: (await ensureCelery("5.7")).python } : {}),
    });
    await using daemon = await startDaemon({
      configText: singleRuns({ ...urls, queue, rate, seconds: SECONDS }),
    });
    // Not scraped meanwhile: so many series cost a core that the worker needs.
    const busyMs = Math.max(SECONDS, count / (CONCURRENCY / (RUN_MS / 1_000))) * 1_000;
    await sleep(busyMs);
    const page = await daemon.waitFor(
      (metrics) => metrics.value("celery_load_scenario_state", { state: "stopped" }) === 1,
      60_000,
      "the scenario to stop",
    );
    assertBalanced(page);
    const told = toldOf(page);
    const offs = offsMs(told);
    const runs = phaseMs(told, "run").map((ms) => Math.abs(ms - RUN_MS));
    const queues = phaseMs(told, "queue");
    const offset = page.value("celery_load_worker_clock_offset_seconds");
    const uncertainty = page.value("celery_load_worker_clock_uncertainty_seconds");
    const uncertain = page.sum("celery_load_task_phase_uncertain_total", { phase: "queue" });
    const within = (values: readonly number[], ms: number) =>
      `${((100 * values.filter((value) => value <= ms).length) / values.length).toFixed(1)} %`;
    const report =
      `${kind} ${pool} ${rate}/s: ${offs.length} of ${count} tasks; ` +
      `sum - latency ${inMs(offs)} ms (${within(offs, 2)} within 2 ms), ` +
      `run - 200 ms ${inMs(runs)} ms (${within(runs, 5)} within 5 ms), ` +
      `queue ${inMs(queues)} ms (${uncertain} uncertain), ` +
      `clock ${(offset * 1e3).toFixed(2)} ± ${(uncertainty * 1e3).toFixed(2)} ms`;
    console.log(report);
    // The first ones may have been over before the observer listened, and a busy machine may drop starts.
    assert.ok(offs.length >= 0.9 * count, report);
    assert.ok(percentile(offs, 99) <= 2 && percentile(runs, 50) <= 50, report);
    // One machine has one clock; a backlog of seconds does not unsettle what is known of it.
    assert.ok(Math.abs(offset) <= uncertainty + 0.002 && uncertainty < 0.1, report);
    if (rate > 20) assert.ok(percentile(queues, 100) > 1_000, report);
  });
}

for (const kind of ["redis", "amqp"] as const) {
  test(`tasks that store no result end by their events over ${kind}`, async () => {
    const number = ++trials;
    const broker = kind === "redis" ? redis.url(number) : rabbitmq.url;
    const queue = `phases-${number}`;
    await using _worker = await startWorker({
      ...{ broker, backend: redis.url(15), pool: "prefork", queues: [queue] },
    });
    await using daemon = await startDaemon({
      configText: `
connections: { main: { broker: "${broker}", backend: "${redis.url(15)}", events: on } }
tasks:
  good:     { name: tests.add, args: [1, 2], queue: ${queue}, ignoreResult: true }
  failing:  { name: tests.fail, args: [KeyError], queue: ${queue}, ignoreResult: true }
  retrying: { name: tests.retry, args: [2], queue: ${queue}, ignoreResult: true, expires: none }
scenarios:
  steady: { profile: 15/s, mix: [good, failing, retrying], startAfter: 8s, duration: 4s, gracefulStop: 20s }
server: { linger: 5s }
`,
    });
    const page = await daemon.waitFor(
      (metrics) => metrics.value("celery_load_scenario_state", { state: "stopped" }) === 1,
      60_000,
      "the scenario to stop",
    );
    assertBalanced(page);
    const outcome = (task: string, name: string) =>
      page.value("celery_load_task_outcomes_total", { task: `tests.${task}`, outcome: name });
    const log = JSON.stringify(page.ledger());
    assert.deepEqual(
      [outcome("add", "succeeded"), outcome("fail", "failed"), outcome("retry", "succeeded")],
      [20, 20, 20],
      log,
    );
    const errors = { task: "tests.fail", exception: "KeyError" };
    assert.equal(page.value("celery_load_task_errors_total", errors), 20);
    const ofAdd = { task: "tests.add", phase: "run" };
    assert.equal(page.value("celery_load_task_phase_seconds_count", ofAdd), 20);
  });
}
