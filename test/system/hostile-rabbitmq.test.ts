// Also on today's brokers.
/*
 * Bytes that no RabbitMQ sends, in the middle of what a real one sends: they end the connection that they come
 * on, and never the process; nothing is lost from the ledger, and no page is broken by them.
 */
import assert from "node:assert/strict";
import { after, before, suite, type TestContext, test } from "node:test";
import { HOSTILE } from "../support/amqp-frames.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { assertBalanced } from "../support/metrics.js";
import { startProxy } from "../support/proxy.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startWorker, type TestWorker } from "../support/worker.js";

/** One of each kind; `hostile-connection.test.ts` has all of them, at every step. */
const IN_USE = [
  "an answer of HTTP",
  "a method of no known number",
  "an answer that nobody waits for",
  "a confirm of a huge tag",
  "a message for no consumer",
  "a message of 256 TiB",
  "tables in tables",
] as const;

let rabbitmq: TestRabbitmq;
let worker: TestWorker;
before(async () => {
  rabbitmq = await startRabbitmq();
  worker = await startWorker({ broker: rabbitmq.url, backend: "rpc://" });
});
after(async () => {
  await worker?.stop();
  await rabbitmq?.[Symbol.asyncDispose]();
});

// Most of the time is spent waiting to connect again: beside each other.
suite("bytes that no RabbitMQ sends", { concurrency: true }, () => {
  for (const client of ["direct", "library"] as const) {
    test(`client: ${client}`, (t) => injectAll(t, client));
  }
});

async function injectAll(t: TestContext, client: string): Promise<void> {
  await using proxy = await startProxy(rabbitmq.port);
  await using daemon = await start(proxy.port, client);
  await isWorking(daemon);
  for (const what of IN_USE) {
    await t.test(what, async () => {
      proxy.inject(HOSTILE[what]!.toString("latin1"));
      await isWorking(daemon);
    });
  }
  const log = daemon.stderr();
  assert.match(log, /does not speak RabbitMQ's protocol \(AMQP 0-9-1\): it sent/);
  assert.doesNotMatch(log, /is not a function|Maximum call stack|Unknown consumer|out of range/);
  for (const line of log.trim().split("\n")) JSON.parse(line);
  assert.equal((await daemon.stop()).code, 0);
}

function start(port: number, client: string): Promise<TestDaemon> {
  return startDaemon({
    configText: `
connections:
  main: { broker: "amqp://guest:guest@127.0.0.1:${port}//", backend: "rpc://", client: ${client} }
tasks: { add: { name: tests.add, args: [1, 2], timeout: 5s } }
scenarios: { steady: { profile: 50/s, gracefulStop: 6s } }
server: { linger: 0s }
`,
  });
}

/** Tasks succeed that were published after now, and the page is one that Prometheus would take. */
async function isWorking(daemon: TestDaemon): Promise<void> {
  const succeeded = { outcome: "succeeded" };
  const before = (await daemon.metrics()).sum("celery_load_task_outcomes_total", succeeded);
  const page = await daemon.waitFor(
    (page) =>
      page.value("celery_load_connection_up", { role: "broker" }) === 1 &&
      page.value("celery_load_connection_up", { role: "backend" }) === 1 &&
      page.sum("celery_load_task_outcomes_total", succeeded) > before + 10,
    30_000,
    "tasks to succeed",
  );
  assertBalanced(page);
}
