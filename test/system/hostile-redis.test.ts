/*
 * Bytes that no Redis sends, in the middle of what a real one sends: they end the connection that they come
 * on, and never the process; nothing is lost from the ledger, and no page is broken by them.
 */
import assert from "node:assert/strict";
import { after, before, suite, type TestContext, test } from "node:test";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { assertBalanced } from "../support/metrics.js";
import { startProxy } from "../support/proxy.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { startWorker, type TestWorker } from "../support/worker.js";

let redis: TestRedis;
let worker: TestWorker;
before(async () => {
  redis = await startRedis();
  worker = await startWorker({ broker: redis.url() });
});
after(async () => {
  await worker.stop();
  await redis.stop();
});

const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;

const HOSTILE: Record<string, string> = {
  "a null that nobody asked for": "$-1\r\n",
  "a null of version 3 that nobody asked for": "_\r\n",
  "nulls, more than there are questions": "_\r\n".repeat(50),
  "an array with a negative length": "*-5\r\n",
  "a text with a negative length": "$-7\r\n",
  "arrays in arrays": "*1\r\n".repeat(20_000),
  "sets in maps": "%1\r\n+a\r\n~1\r\n".repeat(5_000),
  "a push without a channel": ">1\r\n$9\r\nsubscribe\r\n",
  "a push of nothing": ">0\r\n_\r\n",
  "a push whose kind is null": ">3\r\n_\r\n_\r\n_\r\n",
  "a subscription to null": `>3\r\n${bulk("psubscribe")}_\r\n:1\r\n`,
  "a message without a channel": `>4\r\n${bulk("pmessage")}${bulk("*")}$-1\r\n$-1\r\n`,
  "a message of two parts": `>2\r\n${bulk("pmessage")}_\r\n`,
  "a message of version 2 without anything": "*1\r\n_\r\n",
  "numbers where there are none": ":0aaaa\r\n,one\r\n(x\r\n",
  "an answer of HTTP": "HTTP/1.1 400 Bad Request\r\n\r\n",
  "errors that nobody asked for": "-ERR no\r\n!2\r\nno\r\n-\r\n",
  "an error that sends clients away": "-MOVED 1 nowhere:0\r\n",
};

// Most of the time is spent waiting to connect again: beside each other.
suite("bytes that no Redis sends", { concurrency: true }, () => {
  for (const client of ["direct", "library"] as const) {
    test(`client: ${client}`, (t) => injectAll(t, client));
  }
});

async function injectAll(t: TestContext, client: string): Promise<void> {
  await using proxy = await startProxy(redis.port);
  await using daemon = await start(proxy.port, client);
  await isWorking(daemon);
  for (const [what, bytes] of Object.entries(HOSTILE)) {
    await t.test(what, async () => {
      proxy.inject(bytes);
      await isWorking(daemon);
    });
  }
  await t.test("instead of the first answers", async () => {
    const all = Object.values(HOSTILE);
    proxy.greet(all);
    const before = proxy.connections.length;
    // Again and again, as some of them do no harm there.
    while (proxy.connections.length < before + 2 * all.length) {
      const now = proxy.connections.length;
      proxy.reset();
      await daemon.waitFor(() => proxy.connections.length > now + 2);
    }
    proxy.greet([]);
    await isWorking(daemon);
  });
  const log = daemon.stderr();
  assert.match(log, /does not speak Redis' protocol: it sent/);
  for (const line of log.trim().split("\n")) JSON.parse(line);
  assert.equal((await daemon.stop()).code, 0);
}

function start(port: number, client: string): Promise<TestDaemon> {
  return startDaemon({
    configText: `
connections:
  main: { broker: "redis://127.0.0.1:${port}/0", client: ${client} }
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
