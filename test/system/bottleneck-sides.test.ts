import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { SIDES } from "../../src/observer/bottleneck.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { startProxy } from "../support/proxy.js";
import { startRabbitmq } from "../support/rabbitmq.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";

/** How long nothing is to be named of a deployment that is well. */
const HEALTHY_SECONDS = Number(process.env.HEALTHY_SECONDS ?? 60);

const EVENTS = ["on", "auto"] as const;

/** One task on one connection, in the queue `celery`. */
const configText = (parts: {
  readonly broker: string;
  readonly backend?: string;
  readonly events?: (typeof EVENTS)[number];
  readonly task?: string;
  readonly profile: string;
}) => `
connections:
  main:
    broker: "${parts.broker}"
    backend: "${parts.backend ?? parts.broker}"
    events: ${parts.events ?? "on"}
tasks: { it: ${parts.task ?? "{ name: tests.add, args: [1, 2], timeout: 5m }"} }
scenarios: { steady: { profile: ${parts.profile}, gracefulStop: 0s } }
`;

const sleeping = (seconds: number) => `{ name: tests.sleep, args: [${seconds}], timeout: 5m }`;

async function untilNamed(daemon: TestDaemon, side: string): Promise<void> {
  const page = await daemon.waitFor(
    (metrics) => metrics.sum("celery_load_bottleneck", { side }) === 1,
    60_000,
    `the side to be ${side}`,
  );
  assert.equal(page.select("celery_load_bottleneck").length, SIDES.length);
  assert.equal(page.sum("celery_load_bottleneck"), 1);
}

/** Every verdict that was ever given, with its evidence. */
function verdicts(daemon: TestDaemon): { side: string; evidence: Record<string, unknown> }[] {
  return daemon
    .stderr()
    .split("\n")
    .filter((line) => line.includes("another side makes the task slow"))
    .map((line) => JSON.parse(line));
}

function assertNamed(daemon: TestDaemon, ...sides: string[]): void {
  const told = verdicts(daemon);
  assert.deepEqual(
    told.map(({ side }) => side),
    sides,
    JSON.stringify(told),
  );
}

/** Long enough for what is known of a task to be of a deployment that was well. */
async function beWell(daemon: TestDaemon): Promise<void> {
  await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > 5);
  await sleep(8_000);
  assertNamed(daemon);
}

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

  for (const whose of ["the worker's", "our"]) {
    test(`a result backend that is slow on ${whose} side is named, with events: ${events}`, async () => {
      await using redis = await startRedis();
      await using backend = await startRedis();
      await using slow = await startProxy(backend.port);
      const viaProxy = `redis://127.0.0.1:${slow.port}/0`;
      const isOurs = whose === "our";
      await using _worker = await startWorker({
        ...{ broker: redis.url(), backend: isOurs ? backend.url() : viaProxy },
      });
      await using daemon = await startDaemon({
        configText: configText({
          ...{ broker: redis.url(), backend: isOurs ? viaProxy : backend.url(), events },
          profile: "4/s",
        }),
      });
      await beWell(daemon);
      slow.latency(isOurs ? { toClientMs: 400 } : { toServerMs: 400 });
      await untilNamed(daemon, "backend");
      await sleep(10_000);
      assertNamed(daemon, "backend");
    });
  }
}

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
