// Runs beside one other: it compares times with what they should be.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { assertBalanced } from "../support/metrics.js";
import { startProxy } from "../support/proxy.js";
import { startRabbitmq } from "../support/rabbitmq.js";
import { startRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker, type TestWorker } from "../support/worker.js";

/** The lease as two whole daemons have it: what the worker has begun says who published, and when. */

/** The shortest that there is. */
const LEASE_MS = 6_000;
const SLACK_MS = 3_000;
const TAKE_OVER_MS = LEASE_MS + SLACK_MS;
/** The longest back-off of a connection, of the daemon's and the worker's. */
const RECONNECT_MS = 10_000;

const BROKERS = {
  async redis() {
    const redis = await startRedis();
    return Object.assign(redis, {
      urlAt: (port: number) => ({ broker: `redis://127.0.0.1:${port}/0` }),
    });
  },
  async rabbitmq() {
    const rabbitmq = await startRabbitmq();
    const { restart } = rabbitmq;
    return Object.assign(rabbitmq, {
      async restart() {
        await rabbitmq.kill("SIGKILL");
        await restart();
      },
      urlAt: (port: number) => ({
        broker: `amqp://guest:guest@127.0.0.1:${port}//`,
        backend: "rpc://",
      }),
    });
  },
};

function startWith(who: "a" | "b", { broker, backend }: { broker: string; backend?: string }) {
  return startDaemon({
    configText: `
connections: { main: { broker: "${broker}", backend: "${backend ?? broker}" } }
tasks: { add: { name: tests.add, args: [1, 2], headers: { mark: ${who} }, timeout: 20s } }
scenarios: { steady: { profile: 40/s, lease: ${LEASE_MS}ms } }
control: { listen: off }
`,
  });
}

/** Who was published by, one after the other, as the worker began their tasks. */
async function holders(worker: TestWorker): Promise<string[]> {
  const runs = (await worker.recorded()).sort((a, b) => a.startedMs - b.startedMs);
  return runs
    .map(({ mark }) => String(mark))
    .filter((mark, index, marks) => mark !== marks[index - 1]);
}

async function untilBegun(worker: TestWorker, who: string, withinMs: number): Promise<number> {
  const beganMs = performance.now();
  const known = (await worker.recorded()).length;
  await waitUntil(
    async () => (await worker.recorded()).slice(known).some(({ mark }) => mark === who),
    withinMs,
    `tasks of ${who}; so far ${(await holders(worker)).join(" ")}`,
  );
  return Math.round(performance.now() - beganMs);
}

async function assertStandby(daemon: TestDaemon): Promise<void> {
  await waitUntil(
    async () => {
      const { status, body } = await daemon.ready();
      return status === 200 && /steady stands by: another daemon has its lease/.test(body);
    },
    TAKE_OVER_MS + RECONNECT_MS,
    "a standby that says so in /readyz",
  );
  const page = await daemon.metrics();
  assert.equal(page.value("celery_load_lease_held"), 0);
  assertBalanced(page);
}

describe("of two daemons with a lease one publishes", { concurrency: true }, () => {
  for (const [kind, start] of Object.entries(BROKERS)) {
    test(kind, async () => {
      await using server = await start();
      await using proxy = await startProxy(server.port);
      const direct = server.urlAt(server.port);
      await using worker = await startWorker(direct);
      const took: string[] = [];
      const takesOver = async (who: "a" | "b", after: string) => {
        took.push(`${after}: ${await untilBegun(worker, who, TAKE_OVER_MS)} ms`);
      };

      await using killed = await startWith("a", direct);
      await untilBegun(worker, "a", 30_000);
      assert.equal((await killed.metrics()).value("celery_load_lease_held"), 1);
      await using b = await startWith("b", direct);
      await assertStandby(b);

      killed.signal("SIGKILL");
      await takesOver("b", "kill -9");

      // Through the proxy, so that it can be cut off.
      await using a = await startWith("a", server.urlAt(proxy.port));
      await assertStandby(a);
      b.signal("SIGSTOP");
      await takesOver("a", "SIGSTOP");
      b.signal("SIGCONT");
      await assertStandby(b);

      await proxy.mode("stall");
      await takesOver("b", "a cut connection");
      await proxy.mode("pass");
      await assertStandby(a);
      assert.deepEqual(await holders(worker), ["a", "b", "a", "b"]);

      const before = (await worker.recorded()).length;
      await server.restart();
      await waitUntil(
        async () => (await worker.recorded()).length > before + 40,
        TAKE_OVER_MS + RECONNECT_MS + RECONNECT_MS,
        "one of them to go on after the broker's restart",
      );
      await sleep(1_000);
      const [one, ...others] = (await holders(worker)).slice(4);
      assert.ok(one === undefined || (one === "a" && others.length === 0), `${one} ${others}`);
      assertBalanced(await a.metrics());
      assertBalanced(await b.metrics());
      console.log(`${kind}, a lease of ${LEASE_MS} ms: ${took.join(", ")}`);
    });
  }
});
