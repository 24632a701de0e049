// Runs alone: which side is slow is judged by times.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { startDaemon } from "../support/daemon.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";
import { assertNamed, untilNamed, verdicts } from "./bottleneck-watch.js";

suite("the side that is slow is named", { concurrency: 2 }, () => {
  for (const events of ["on", "auto"]) {
    test(`the side that is slow is named as it changes, with events: ${events}`, async () => {
      await using redis = await startRedis();
      await using backend = await startRedis();
      await using worker = await startWorker({
        ...{ broker: redis.url(), backend: backend.url(), pool: "prefork", concurrency: 4 },
      });
      // Four places of 200 ms are 20 tasks a second.
      await using daemon = await startDaemon({
        configText: `
connections: { main: { broker: "${redis.url()}", backend: "${backend.url()}", events: ${events} } }
tasks: { slow: { name: tests.sleep, args: [0.2], timeout: 5m } }
scenarios: { steady: { profile: { steps: [5/s for 30s, 30/s for 15s, 5/s for 10m] }, gracefulStop: 0s } }
`,
      });
      await untilNamed(daemon, "code");
      await untilNamed(daemon, "workers_busy");
      // Half a minute after the backlog has gone it is out of sight.
      await untilNamed(daemon, "code");
      worker.signal("SIGKILL", { group: true });
      await untilNamed(daemon, "workers_idle_but_waiting");
      await redis.kill("SIGKILL");
      await untilNamed(daemon, "broker");
      assertNamed(daemon, "code", "workers_busy", "code", "workers_idle_but_waiting", "broker");
      for (const { task, evidence } of verdicts(daemon)) {
        assert.equal(task, "tests.sleep");
        assert.ok("busyRatio" in evidence);
      }
    });
  }
});
