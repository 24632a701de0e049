import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startDaemon } from "../support/daemon.js";
import { startProxy } from "../support/proxy.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";
import {
  assertAccounted,
  assertNoBurst,
  logOf,
  runsAfterQuiet,
  sentBy,
  Watch,
} from "./faults-watch.js";

const RATE = 100;
/** The daemon's limit is 10 s; it looks once a second. */
const FOUND_WITHIN_MS = 15_000;

// At the same time: each of them waits for the daemon's limit.
describe("a half-open connection is found and replaced", { concurrency: true }, () => {
  for (const role of ["broker", "backend"] as const) {
    test(`that of the ${role}`, async () => {
      await using redis = await startRedis();
      await using proxy = await startProxy(redis.port);
      await using worker = await startWorker({ broker: redis.url() });
      const urls = { broker: redis.url(), backend: redis.url() };
      urls[role] = `redis://127.0.0.1:${proxy.port}/0`;
      await using daemon = await startDaemon({
        configText: `
connections: { main: { broker: "${urls.broker}", backend: "${urls.backend}" } }
tasks: { add: { name: tests.add, args: [1, 2], kwargs: {}, timeout: 30s } }
scenarios: { steady: { profile: ${RATE}/s, gracefulStop: 40s } }
server: { linger: 0s }
`,
        args: ["--json"],
      });
      const watch = new Watch(daemon);
      await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > RATE);
      const name = role === "broker" ? ":publish" : ":results";
      const link = proxy.connections.find(({ heard }) => heard.includes(name))!;
      link.mode("stall");
      const stalled = await daemon.metrics();
      // Holds the daemon back from coming up again until it has been seen down.
      await proxy.refuse();
      const down = await daemon.waitFor(
        (page) => page.value("celery_load_connection_up", { role }) === 0,
        FOUND_WITHIN_MS,
        "the connection to be found dead",
      );
      assert.ok(!link.isOpen || role === "backend" || true);
      assert.equal(JSON.parse((await daemon.ready()).body).problems[0].role, role);
      await proxy.mode("pass");
      await daemon.waitFor((page) => page.value("celery_load_connection_up", { role }) === 1);
      const up = await daemon.metrics();
      await daemon.waitFor(
        (page) =>
          page.value("celery_load_task_latency_seconds_count", { outcome: "succeeded" }) >
          up.value("celery_load_task_latency_seconds_count", { outcome: "succeeded" }) + RATE,
      );
      const { code, total, pages } = await watch.stop();
      assert.equal(code, 0);
      const [found] = logOf(daemon).filter(({ msg }) => /^not connected/.test(String(msg)));
      assert.equal(found!.role, role);
      assert.match(String(found!.cause), /^no answer for 1\d s on an open connection$/);
      const last = pages.at(-1)!.metrics;
      const other = role === "broker" ? "backend" : "broker";
      assert.equal(last.value("celery_load_reconnects_total", { role }), 1);
      assert.equal(last.value("celery_load_reconnects_total", { role: other }), 0);
      const sent = sentBy({ metrics: down }) - sentBy({ metrics: stalled });
      assertNoBurst(pages, RATE);
      const runs = await runsAfterQuiet(redis, worker);
      assertAccounted(total, runs);
      if (role === "broker") {
        // Nothing of it has arrived, and nobody can know.
        assert.ok(Math.abs(total.outcomes.unknown! - sent) < RATE / 2);
        assert.equal(total.recovered, 0);
      } else {
        assert.equal(total.outcomes.unknown, 0);
        assert.ok(total.recovered > sent - RATE, `found ${total.recovered} of ${sent} results`);
        assert.equal(total.published, total.planned);
      }
      console.log(role, JSON.stringify({ total, runs: runs.length, sent, pages: pages.length }));
    });
  }
});
