// Runs beside one other: it compares times with what they should be.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startDaemon } from "../support/daemon.js";
import { fakeTime } from "../support/fake-time.js";
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

const RATE = 20;
const SECONDS = 8;
/** By worker, in seconds: two share the queue, and neither clock is ours. */
const OFFSETS = { ahead: 90, behind: -90 } as const;

for (const [kind, pool] of [
  ["redis", "prefork"],
  ["amqp", "threads"],
] as const) {
  test(`workers whose clocks are 90 s ahead and behind: true phases, and offsets within the uncertainty, over ${kind}`, async (t) => {
    const faked = await Promise.all(Object.values(OFFSETS).map(fakeTime));
    if (faked.includes(null)) {
      t.skip("libfaketime is not to be had here");
      return;
    }
    const urls = {
      broker: kind === "redis" ? redis.url(1) : rabbitmq.url,
      backend: redis.url(15),
    };
    const queue = `clocks-${kind}`;
    const count = RATE * SECONDS;
    const start = (name: keyof typeof OFFSETS, clock: Record<string, string>) =>
      startWorker({
        ...{ ...urls, pool, queues: [queue] },
        extraArgs: ["-E", "--hostname", `${name}@h`],
        env: { SLEEPS: String(count), ...clock },
      });
    await using _ahead = await start("ahead", faked[0]!);
    await using _behind = await start("behind", faked[1]!);
    await using daemon = await startDaemon({
      configText: singleRuns({ ...urls, queue, rate: RATE, seconds: SECONDS }),
    });
    await sleep(SECONDS * 1_000);
    const page = await daemon.waitFor(
      (metrics) => metrics.value("celery_load_scenario_state", { state: "stopped" }) === 1,
      60_000,
      "the scenario to stop",
    );
    assertBalanced(page);
    const told = toldOf(page);
    const offs = offsMs(told);
    const queues = phaseMs(told, "queue");
    const runs = phaseMs(told, "run").map((ms) => Math.abs(ms - RUN_MS));
    const deliveries = phaseMs(told, "delivery");
    const clocks = Object.entries(OFFSETS).map(([name, seconds]) => {
      const labels = { worker: `${name}@h` };
      return {
        ...{ name, seconds },
        offset: page.value("celery_load_worker_clock_offset_seconds", labels),
        uncertainty: page.value("celery_load_worker_clock_uncertainty_seconds", labels),
      };
    });
    const report =
      `${kind} ${pool}: ${offs.length} of ${count} tasks; sum - latency ${inMs(offs)} ms; ` +
      `queue ${inMs(queues)} ms; run - 200 ms ${inMs(runs)} ms; delivery ${inMs(deliveries)} ms; ` +
      clocks.map((clock) => `${clock.name} ${clock.offset} ± ${clock.uncertainty}`).join(", ");
    console.log(report);
    assert.ok(offs.length >= 0.9 * count, report);
    assert.ok(percentile(offs, 99) <= 2, report);
    // Workers with room: uncorrected, half of the waits would be 90 s, and half of the deliveries.
    for (const values of [queues, runs, deliveries])
      assert.ok(percentile(values, 95) < 10_000, report);
    for (const { seconds, offset, uncertainty } of clocks) {
      assert.ok(Math.abs(offset - seconds) <= uncertainty + 0.002 && uncertainty < 0.1, report);
    }
  });
}
