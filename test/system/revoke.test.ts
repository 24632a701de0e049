import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DEFAULT_TRANSPORT } from "../../src/celery/urls/transport.js";
import type { LinkReport } from "../../src/connections/observe-ports.js";
import { openControl, openEvents } from "../../src/connections/open.js";
import { revokeAll } from "../../src/observer/revoke.js";
import { startDaemon } from "../support/daemon.js";
import type { Metrics } from "../support/metrics.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker } from "../support/worker.js";

/** More than go into one command. */
const TASKS = 1_200;
/** Long enough that all others are revoked meanwhile: a worker of Celery 5.2 sees a revocation when a place is free. */
const LONG_SECONDS = 10;
/** Such a worker ends about 40 revoked tasks a second over AMQP. */
const REVOKED_WITHIN_MS = 120_000;
/** Tasks that a worker takes ahead, at most. */
const PREFETCHED = 16;
const SLOTS = 2;

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

/** Opens something and waits until it is usable. */
function usable<T>(open: (report: LinkReport) => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const opened = open({ up: () => resolve(opened), down: (cause) => reject(new Error(cause)) });
  });
}

let database = 0;

// Both brokers at the same time, as workers are waited for.
describe("what is queued is revoked, what runs goes on", { concurrency: true }, () => {
  for (const kind of ["redis", "amqp"] as const)
    describe(kind, { concurrency: false }, () => revokes(kind));
});

function revokes(kind: "redis" | "amqp"): void {
  for (const python of ["current", "debian"] as const) {
    test(`Celery ${python} over ${kind}`, async () => {
      database += 2;
      const broker = kind === "redis" ? redis.url(database) : rabbitmq.url;
      const backend = redis.url(database + 1);
      const queue = `revoke-${python}`;
      await using worker = await startWorker({
        ...{ broker, backend, python, queues: [queue], concurrency: SLOTS },
      });
      const ids: string[] = [];
      const common = { url: broker, transport: DEFAULT_TRANSPORT };
      const events = await usable((report) =>
        openEvents({
          ...{ ...common, report },
          received(batch) {
            for (const { type, uuid } of batch.events) if (type === "task-sent") ids.push(uuid!);
          },
        }),
      );
      await using daemon = await startDaemon({
        configText: `
connections:
  main: { broker: "${broker}", backend: "${backend}", sendTaskSentEvents: true }
tasks:
  # Those that run first do so until all others are revoked.
  long: { name: tests.sleep, args: [${LONG_SECONDS}], queue: ${queue}, timeout: 5m }
scenarios:
  load: { profile: max, maxInFlight: ${TASKS}, gracefulStop: 4m }
`,
        args: ["--count", String(TASKS)],
      });
      await waitUntil(() => ids.length === TASKS, 60_000, "all tasks to be published");
      const runs = () => worker.recorded();
      await waitUntil(async () => (await runs()).length === SLOTS, 60_000, "tasks to run");
      const running = (await runs()).map(({ id }) => id).sort();

      const control = await usable((report) => openControl({ ...common, report }));
      const revoked = await revokeAll(ids, control);
      await Promise.all([control.close(), events.close()]);
      assert.deepEqual(revoked, { ids: TASKS, heardBy: kind === "redis" ? 1 : null });

      const outcome = (page: Metrics, name: string) =>
        page.sum("celery_load_task_outcomes_total", { outcome: name });
      // What a worker had taken from the queue before may run all the same.
      const page = await daemon.waitFor(
        (each) => outcome(each, "revoked") >= TASKS - SLOTS - PREFETCHED,
        REVOKED_WITHIN_MS,
        "what was queued to be revoked",
      );
      console.log(`Celery ${python}, ${kind}: ${outcome(page, "revoked")} revoked`);
      assert.equal(outcome(page, "failed"), 0);
      const others = (await runs()).map(({ id }) => id).filter((id) => !running.includes(id));
      assert.ok(others.length <= PREFETCHED, `${others.length} have run that were revoked`);
      daemon.signal("SIGKILL");
    });
  }
}
