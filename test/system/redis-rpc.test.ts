// Also on today's brokers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_TRANSPORT } from "../../src/celery/urls/transport.js";
import { openRedisRpcResults } from "../../src/connections/redis/rpc-results.js";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced } from "../support/metrics.js";
import { startProxy } from "../support/proxy.js";
import { startRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker } from "../support/worker.js";

for (const python of ["current", "debian"] as const) {
  test(`results come back over rpc:// on Redis, Celery ${python}`, async () => {
    await using redis = await startRedis();
    await using _worker = await startWorker({ broker: redis.url(), backend: "rpc://", python });
    await using daemon = await startDaemon({
      configText: `
connections: { main: { broker: "${redis.url()}", backend: "rpc://" } }
tasks:
  good: { name: tests.add, args: [1, 2] }
  bad:  { name: tests.fail, args: [KeyError] }
scenarios: { s: { profile: 50/s, mix: [good, bad], gracefulStop: 20s } }
server: { linger: 2s }
`,
      args: ["--for", "3s", "--json"],
    });
    const metrics = await daemon.waitFor((page) => {
      assertBalanced(page);
      return page.value("celery_load_scenario_state", { state: "stopped" }) === 1;
    });
    assert.deepEqual(await daemon.exit, { code: 0, signal: null });
    const outcome = (name: string) =>
      metrics.sum("celery_load_task_outcomes_total", { outcome: name });
    // A start that a busy machine was too late for is dropped, and has no result.
    const sent = (task: string) =>
      75 - metrics.sum("celery_load_tasks_dropped_total", { task, reason: "saturated" });
    const [good, bad] = [sent("tests.add"), sent("tests.fail")];
    assert.deepEqual([outcome("succeeded"), outcome("failed")], [good, bad]);
    assert.equal(metrics.value("celery_load_task_errors_total", { exception: "KeyError" }), bad);
    assert.equal(metrics.sum("celery_load_unmatched_results_total"), 0);
    // Of ours nothing is left: what remains belongs to the worker.
    await waitUntil(
      async () => (await redis.cli().keys("*")).every((key) => key.startsWith("_kombu")),
      5_000,
      "only the worker's own keys to be there",
    );
  });
}

test("replies that are on their way when the connection is cut are kept", async () => {
  await using redis = await startRedis();
  await using proxy = await startProxy(redis.port);
  // So that there always are some, and removals as well.
  proxy.latency({ toClientMs: 20, toServerMs: 50 });
  const read = new Map<string, number>();
  let repeats = 0;
  let ups = 0;
  const part = openRedisRpcResults({
    url: `redis://127.0.0.1:${proxy.port}/0`,
    ...{ clientName: "test", idPrefix: "", replyTo: "replies", client: "direct" },
    events: {
      up: () => ups++,
      down() {},
      blocked() {},
      dataLost() {},
      repliesLost() {},
      sentEventsLost() {},
      resultsMissed() {},
      result(id, _idAt, text, isRepeat) {
        assert.equal(text, "{}");
        read.set(id, (read.get(id) ?? 0) + (isRepeat ? 0 : 1));
        if (isRepeat) repeats++;
      },
    },
    transport: DEFAULT_TRANSPORT,
    backendTransport: { global_keyprefix: "" },
  });
  const until = (condition: () => boolean, what: string) => waitUntil(condition, 30_000, what);
  let sent = 0;
  const sending = setInterval(() => {
    const envelopes = Array.from({ length: 20 }, () =>
      JSON.stringify({ body: "{}", properties: { correlation_id: String(sent++) } }),
    );
    void redis.cli().lpush("replies", ...envelopes);
  }, 5);
  try {
    for (let cuts = 1; cuts <= 10; cuts++) {
      const before = read.size;
      await until(() => read.size > before + 100, "some replies");
      proxy.reset();
      await until(() => ups === cuts + 1, "the connection to be back");
    }
    clearInterval(sending);
    await until(() => read.size === sent, "all replies");
  } finally {
    clearInterval(sending);
    await part.close(false);
  }
  // Those whose removal did not arrive come again, and say so.
  assert.ok(repeats > 0);
  assert.ok([...read.values()].every((times) => times === 1));
  await waitUntil(async () => (await redis.cli().exists("replies")) === 0, 5_000, "an empty list");
});
