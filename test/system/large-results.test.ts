/*
 * Results of up to 50 MB of every kind of content, from a stand-in for the worker: what they are is known, and
 * neither do they hold the engine up nor take memory beyond their own.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { type DaemonOptions, startDaemon } from "../support/daemon.js";
import { assertBalanced } from "../support/metrics.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { waitUntil } from "../support/wait-until.js";

let redis: TestRedis;
let rabbitmq: TestRabbitmq;
before(async () => {
  // By default Redis closes the connection of whoever is to get more than 32 MB at once.
  redis = await startRedis({ args: ["--client-output-buffer-limit", "pubsub 0 0 0"] });
  rabbitmq = await startRabbitmq();
});
after(async () => {
  await rabbitmq?.[Symbol.asyncDispose]();
  await redis?.stop();
});

const BYTES = 50_000_000;
const VALUES: readonly string[] = [
  `[${"{},".repeat(BYTES / 3)}{}]`,
  "[".repeat(BYTES / 2) + "]".repeat(BYTES / 2),
  JSON.stringify("x".repeat(BYTES)),
  JSON.stringify('{"a": '.repeat(BYTES / 8)),
];
const metaOf = (index: number) => {
  const value = VALUES[index % VALUES.length]!;
  return index % 2 === 0
    ? `{"status": "SUCCESS", "result": ${value}, "traceback": null, "children": []}`
    : `{"status": "FAILURE", "result": {"exc_type": "TooMuch", "exc_message": [${value}]}, "traceback": "no"}`;
};
const TASKS = 8;

/** Notes the longest time, in ms, for which the engine's thread did nothing else. */
const PROBE = `data:text/javascript,${encodeURIComponent(`
import { writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
if (!isMainThread) {
  let last = performance.now(), longest = 0, turns = 0;
  setInterval(() => {
    const now = performance.now();
    if (++turns > 400) longest = Math.max(longest, now - last);
    last = now;
    if (turns % 20 === 0) writeFileSync(process.env.PROBE_FILE, String(longest));
  }, 5);
}`)}`;

async function run(name: string, broker: string, backend: string, work: Work) {
  const file = await scratchFile("longest");
  const options: DaemonOptions = {
    configText: `
connections: { main: { broker: "${broker}", backend: "${backend}", events: auto } }
tasks: { big: { name: tests.big, queue: ${name}, timeout: 60s, expect: { result: 42 } } }
scenarios: { steady: { profile: { steps: [0/s for 4s, 2/s for 4s, 0/s for 10m] }, gracefulStop: 20s } }
server: { linger: 0s }
`,
    nodeFlags: ["--import", PROBE],
    env: { PROBE_FILE: file },
  };
  await using daemon = await startDaemon(options);
  const memory = (field: string) =>
    Number(
      new RegExp(`${field}:\\s+(\\d+)`).exec(
        readFileSync(`/proc/${daemon.pid}/status`, "utf8"),
      )![1],
    ) / 1024;
  // Answered when all are there: whoever starts late drops them.
  await daemon.waitFor((page) => page.sum("celery_load_tasks_in_flight") === TASKS);
  const before = memory("VmRSS");
  await work(name);
  const outcome = (of: string) => ({ outcome: of });
  const page = await daemon.waitFor(
    (page) =>
      page.sum("celery_load_task_outcomes_total", outcome("succeeded")) === TASKS / 2 &&
      page.sum("celery_load_task_errors_total", { exception: "TooMuch" }) === TASKS / 2,
    60_000,
    "all results",
  );
  assertBalanced(page);
  assert.equal(page.sum("celery_load_unchecked_results_total"), TASKS / 2);
  assert.equal(page.sum("celery_load_malformed_messages_total"), 0);
  let longest = "";
  await waitUntil(
    () => {
      longest = readFileSync(file, "utf8"); // "" while it is written anew
      return longest !== "";
    },
    5_000,
    "the engine's longest pause to be written",
  );
  const longestMs = Number(longest);
  const peak = memory("VmHWM") - before;
  console.error(
    `${name}: the engine stood still for ${longestMs.toFixed(0)} ms at most, ${peak.toFixed(0)} MB more`,
  );
  // A tree of one of them takes 25 s and 1,600 MB.
  // Alone it is some 80 ms at most; here others have the same cores.
  assert.ok(longestMs < 500, `the engine stood still for ${longestMs} ms`);
  assert.ok(peak < 100, `${peak} MB more`);
}

type Work = (queue: string) => Promise<void>;

test("a subscription of Redis", () =>
  run("redis", redis.url(), redis.url(), async (queue) => {
    const client = redis.cli();
    for (let index = 0; index < TASKS; index++) {
      const [, envelope] = (await client.brpop(queue, 30))!;
      const { id } = JSON.parse(envelope).headers;
      await client.publish(`celery-task-meta-${id}`, metaOf(index));
    }
  }));

test("rpc:// over Redis", () =>
  run("redis-rpc", redis.url(), "rpc://", async (queue) => {
    const client = redis.cli();
    for (let index = 0; index < TASKS; index++) {
      const [, envelope] = (await client.brpop(queue, 30))!;
      const { headers, properties } = JSON.parse(envelope);
      const body = Buffer.from(metaOf(index)).toString("base64");
      const reply = { correlation_id: headers.id, body_encoding: "base64", delivery_mode: 2 };
      const text = JSON.stringify({ body, headers: {}, properties: reply });
      await client.lpush(properties.reply_to, text);
    }
  }));

test("rpc:// over RabbitMQ", async () => {
  const channel = await (await rabbitmq.client()).createChannel();
  await channel.assertQueue("rabbitmq");
  await channel.prefetch(1);
  await run("rabbitmq", rabbitmq.url, "rpc://", async (queue) => {
    let index = 0;
    await new Promise<void>((resolve) => {
      void channel.consume(queue, (message) => {
        const { correlationId, replyTo } = message!.properties;
        channel.sendToQueue(replyTo, Buffer.from(metaOf(index)), { correlationId });
        channel.ack(message!);
        if (++index === TASKS) resolve();
      });
    });
  });
});
