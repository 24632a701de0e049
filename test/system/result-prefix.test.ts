import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndReport } from "../../src/reports/end-report.js";
import { assertAllSucceeded } from "../support/all-succeeded.js";
import { startDaemon } from "../support/daemon.js";
import { startProxy } from "../support/proxy.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";

const withPrefix = (prefix: string) => [
  "--",
  `result_backend_transport_options=(dict){"global_keyprefix": "${prefix}"}`,
];

const config = (broker: string, backend: string, options: string) => `
connections: { main: { broker: "${broker}", backend: "${backend}", ${options} } }
tasks: { add: { name: tests.add, args: [1, 2], timeout: 20s } }
scenarios: { steady: { profile: 50/s, gracefulStop: 20s } }
server: { linger: 0s }
`;

for (const [prefix, start] of [
  ["shop", "shop_celery-task-meta-"],
  ["a*[b]?:", "a*[b]?:celery-task-meta-"],
] as const) {
  test(`results of a worker with the prefix ${prefix} arrive, are looked up and are removed`, async () => {
    await using redis = await startRedis();
    await using _worker = await startWorker({ broker: redis.url(), extraArgs: withPrefix(prefix) });
    await using proxy = await startProxy(redis.port);
    await using daemon = await startDaemon({
      configText: config(
        redis.url(),
        `redis://127.0.0.1:${proxy.port}`,
        `forget: false, backendOptions: { global_keyprefix: "${prefix}" }`,
      ),
    });
    await daemon.waitFor(
      (page) => page.sum("celery_load_task_outcomes_total", { outcome: "succeeded" }) > 20,
    );
    const stored = async () => (await redis.cli().keys("*")).filter((key) => /task-meta/.test(key));
    const keys = await stored();
    assert.ok(keys.length > 20 && keys.every((key) => key.startsWith(start)), keys[0]);

    await proxy.refuse();
    proxy.reset();
    const down = await daemon.waitFor(
      (page) => page.value("celery_load_connection_up", { role: "backend" }) === 0,
    );
    const published = down.sum("celery_load_tasks_published_total");
    await daemon.waitFor((page) => page.sum("celery_load_tasks_published_total") > published + 20);
    await proxy.mode("pass");
    await daemon.waitFor((page) => page.sum("celery_load_results_recovered_total") >= 20);

    await daemon.stop();
    const before = await stored();
    await using forgetting = await startDaemon({
      configText: config(
        redis.url(),
        redis.url(),
        `backendOptions: { global_keyprefix: "${prefix}" }`,
      ),
      args: ["--count", "50", "--json"],
    });
    assert.equal((await forgetting.exit).code, 0, forgetting.stderr());
    const { total } = JSON.parse(forgetting.stdout()) as EndReport;
    assertAllSucceeded(total, 50, forgetting.stderr());
    assert.deepEqual((await stored()).sort(), before.sort(), "its own results are gone");
  });
}

test("Celery 5.2 ignores the prefix of results: leave it out, and the broker's does not count", async () => {
  await using redis = await startRedis();
  await using _worker = await startWorker({
    broker: redis.url(),
    python: "debian",
    extraArgs: [
      ...withPrefix("shop"),
      `broker_transport_options=(dict){"global_keyprefix": "queue-"}`,
    ],
  });
  await using daemon = await startDaemon({
    configText: config(redis.url(), redis.url(), "options: { global_keyprefix: queue- }"),
    args: ["--count", "50", "--json"],
  });
  assert.equal((await daemon.exit).code, 0, daemon.stderr());
  const { total } = JSON.parse(daemon.stdout()) as EndReport;
  assertAllSucceeded(total, 50, daemon.stderr());
});
