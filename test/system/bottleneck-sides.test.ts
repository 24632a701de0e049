// Runs alone: which side is slow is judged by times.
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureCelery } from "../matrix/celery-environment.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { startProxy } from "../support/proxy.js";
import { startRabbitmq } from "../support/rabbitmq.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";
import { assertNamed, configText, sleeping, untilNamed } from "./bottleneck-watch.js";

const EVENTS = ["on", "auto"] as const;

/** Long enough for what is known of a task to be of a deployment that was well. */
async function beWell(daemon: TestDaemon): Promise<void> {
  await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > 5);
  await sleep(8_000);
  assertNamed(daemon);
}

suite("the side that is slow is named", { concurrency: 5 }, () => {
  test("a generator that gets no processor is named itself", async () => {
    await using redis = await startRedis();
    await using _worker = await startWorker({ broker: redis.url() });
    await using daemon = await startDaemon({
      configText: configText({ broker: redis.url(), profile: "20/s" }),
    });
    await beWell(daemon);
    // As a container over its CPU limit is throttled: 3 parts of 10 are left.
    let isThrottled = true;
    const throttling = (async () => {
      while (isThrottled) {
        daemon.signal("SIGSTOP");
        await sleep(700);
        daemon.signal("SIGCONT");
        await sleep(300);
      }
    })();
    try {
      await untilNamed(daemon, "generator");
    } finally {
      isThrottled = false;
      await throttling;
    }
    assertNamed(daemon, "generator");
  });

  test("a broker that blocks its publishers is named", async () => {
    await using rabbitmq = await startRabbitmq();
    await using redis = await startRedis();
    await using _worker = await startWorker({ broker: rabbitmq.url, backend: redis.url() });
    await using daemon = await startDaemon({
      configText: configText({ broker: rabbitmq.url, backend: redis.url(), profile: "5/s" }),
    });
    await beWell(daemon);
    await rabbitmq.ctl("set_vm_memory_high_watermark", "absolute", "1MB");
    await untilNamed(daemon, "broker");
    assertNamed(daemon, "broker");
  });

  test("a broker that is slow to accept is named", async () => {
    await using redis = await startRedis();
    await using slow = await startProxy(redis.port);
    await using _worker = await startWorker({ broker: redis.url() });
    await using daemon = await startDaemon({
      configText: configText({
        ...{ broker: `redis://127.0.0.1:${slow.port}/0`, backend: redis.url(), profile: "5/s" },
      }),
    });
    await beWell(daemon);
    slow.latency({ toServerMs: 400 });
    await untilNamed(daemon, "broker");
    assertNamed(daemon, "broker");
  });

  // Four places of 200 ms are 20 tasks a second, of which the worker's heartbeats to RabbitMQ leave 9 (docs/bottleneck.md).
  for (const [heartbeat, side] of [
    [120, "workers_idle_but_waiting"],
    [0, "workers_busy"],
  ] as const) {
    test(`a gevent worker of Celery 5.7 with broker_heartbeat ${heartbeat} is ${side}`, async () => {
      await using rabbitmq = await startRabbitmq();
      await using redis = await startRedis();
      await using _worker = await startWorker({
        ...{ broker: rabbitmq.url, backend: redis.url(), pool: "gevent" },
        interpreter: (await ensureCelery("5.7")).python,
        env: { CELERY_CONF: JSON.stringify({ broker_heartbeat: heartbeat }) },
      });
      await using daemon = await startDaemon({
        configText: configText({
          ...{ broker: rabbitmq.url, backend: redis.url(), events: "auto", task: sleeping(0.2) },
          profile: "40/s",
        }),
      });
      await untilNamed(daemon, side);
      assertNamed(daemon, side);
    });
  }

  for (const events of EVENTS) {
    test(`too few workers are busy, with events: ${events}`, async () => {
      await using redis = await startRedis();
      await using _worker = await startWorker({ broker: redis.url(), concurrency: 1 });
      await using daemon = await startDaemon({
        configText: configText({
          ...{ broker: redis.url(), events, task: sleeping(0.5), profile: "4/s" },
        }),
      });
      await untilNamed(daemon, "workers_busy");
      assertNamed(daemon, "workers_busy");
    });

    test(`tasks that one worker hoards wait while the other idles, with events: ${events}`, async () => {
      await using redis = await startRedis();
      await using _hoarder = await startWorker({
        ...{ broker: redis.url(), concurrency: 1, extraArgs: ["--prefetch-multiplier", "200"] },
      });
      await using daemon = await startDaemon({
        configText: configText({
          ...{ broker: redis.url(), events, task: sleeping(1) },
          profile: "{ steps: [20/s for 5s, 0.5/s for 10m] }",
        }),
      });
      // It has fetched all of them, and nobody else is there yet.
      await untilNamed(daemon, "workers_busy");
      await using _idler = await startWorker({ broker: redis.url(), concurrency: 4 });
      await untilNamed(daemon, "workers_idle_but_waiting");
      assertNamed(daemon, "workers_busy", "workers_idle_but_waiting");
    });

    test(`a task that takes its time is named, with events: ${events}`, async () => {
      await using redis = await startRedis();
      await using _worker = await startWorker({ broker: redis.url() });
      await using daemon = await startDaemon({
        configText: configText({
          ...{ broker: redis.url(), events, task: sleeping(0.3), profile: "3/s" },
        }),
      });
      await untilNamed(daemon, "code");
      await sleep(10_000);
      assertNamed(daemon, "code");
    });

    // Without events nothing hangs on what is known of the worker's clock.
    const whens = events === "on" ? ["from the first task on", "later"] : ["later"];
    for (const [whose, when] of ["the worker's", "our"].flatMap((it) =>
      whens.map((w) => [it, w]),
    )) {
      test(`a result backend that is slow on ${whose} side ${when} is named, with events: ${events}`, async () => {
        await using redis = await startRedis();
        await using backend = await startRedis();
        await using slow = await startProxy(backend.port);
        const viaProxy = `redis://127.0.0.1:${slow.port}/0`;
        const isOurs = whose === "our";
        const slowDown = () => slow.latency(isOurs ? { toClientMs: 400 } : { toServerMs: 400 });
        if (when !== "later") slowDown();
        await using _worker = await startWorker({
          ...{ broker: redis.url(), backend: isOurs ? backend.url() : viaProxy },
        });
        await using daemon = await startDaemon({
          configText: configText({
            ...{ broker: redis.url(), backend: isOurs ? viaProxy : backend.url(), events },
            profile: "4/s",
          }),
        });
        if (when === "later") {
          await beWell(daemon);
          slowDown();
        }
        await untilNamed(daemon, "backend");
        await sleep(10_000);
        assertNamed(daemon, "backend");
      });
    }
  }
});
