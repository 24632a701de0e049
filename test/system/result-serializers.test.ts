/*
 * What workers answer in every format, for runs and for doctor: the ledger holds what became of each task and the class of its exception,
 * as with JSON.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { HAS_ZSTD } from "../../src/celery/messages/body-encoding.js";
import type { Finding } from "../../src/doctor/advice.js";
import { celeryLoad } from "../support/command.js";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced } from "../support/metrics.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { ensureSerializers } from "../support/serializers.js";
import { startWorker, type TestWorker } from "../support/worker.js";

const SERIALIZERS = ["json", "msgpack", "yaml", "pickle"];
const WAYS = ["redis", "redisRpc", "rabbitmqRpc"] as const;

interface Variant {
  readonly name: string;
  readonly way: (typeof WAYS)[number];
  readonly conf: Readonly<Record<string, unknown>>;
  /** Without it: read. */
  readonly isUnreadable?: boolean;
}

const compressed = (serializer: string, compression: string, isUnreadable = false): Variant => ({
  name: `${serializer}_${compression}`,
  way: "redis",
  conf: { result_serializer: serializer, result_compression: compression },
  isUnreadable,
});

const VARIANTS: readonly Variant[] = [
  ...WAYS.flatMap((way) =>
    SERIALIZERS.map((serializer) => ({
      name: `${serializer}_${way}`,
      way,
      conf: { result_serializer: serializer },
    })),
  ),
  compressed("json", "gzip"),
  compressed("pickle", "brotli"),
  compressed("msgpack", "zstd", !HAS_ZSTD),
  // Node has none of it: events say how tasks ended.
  compressed("json", "bzip2", true),
];

let redis: TestRedis;
let rabbitmq: TestRabbitmq;
const workers: TestWorker[] = [];

function connectionOf({ way }: Variant, index: number) {
  const broker = way === "rabbitmqRpc" ? rabbitmq.url : redis.url(index);
  return { broker, backend: way === "redis" ? broker : "rpc://" };
}

before(async () => {
  redis = await startRedis({ args: ["--databases", "32"] });
  rabbitmq = await startRabbitmq();
  const modules = await ensureSerializers("current");
  const start = async (variant: Variant, index: number) => {
    const conf = { accept_content: ["json", variant.conf.result_serializer], ...variant.conf };
    const worker = await startWorker({
      ...connectionOf(variant, index),
      queues: [variant.name],
      concurrency: 1,
      extraArgs: ["-E", "--without-gossip", "--without-mingle"],
      env: {
        PYTHONPATH: modules,
        C_FORCE_ROOT: "1", // without it Celery lets no root accept pickle
        CELERY_CONF: JSON.stringify(conf),
      },
    });
    workers.push(worker);
  };
  await Promise.all(VARIANTS.map(start));
});
after(async () => {
  await Promise.all(workers.map((worker) => worker[Symbol.asyncDispose]()));
  await rabbitmq?.[Symbol.asyncDispose]();
  await redis?.stop();
});

for (const client of ["direct", "library"]) {
  test(`every serializer and compression of results over every way, client ${client}`, async () => {
    const each = (line: (variant: Variant, index: number) => string) =>
      VARIANTS.map(line).join("\n");
    await using daemon = await startDaemon({
      configText: `
connections:
${each((variant, index) => {
  const { broker, backend } = connectionOf(variant, index);
  return `  ${variant.name}: { broker: "${broker}", backend: "${backend}", client: ${client} }`;
})}
tasks:
${each(({ name }) => {
  const common = `queue: ${name}, timeout: 20s`;
  return `
  ${name}_good: { name: tests.add, args: [1, 2], expect: { result: 3 }, ${common} }
  ${name}_wrong: { name: tests.add, args: [1, 3], expect: { result: 3 }, ${common} }
  ${name}_bad: { name: tests.fail, args: [KeyError], ${common} }
  ${name}_own: { name: tests.fail, args: [OurError], ${common} }`;
})}
scenarios:
${each(({ name }) => `  ${name}: { connection: ${name}, profile: 4/s, startAfter: 3s, mix: [${name}_good, ${name}_wrong, ${name}_bad, ${name}_own] }`)}
limits: { series: 7000 }
server: { linger: 2s }
`,
      args: ["--count", String(8 * VARIANTS.length), "--json"],
    });
    const page = await daemon.waitFor(
      (page) => {
        assertBalanced(page);
        return (
          page.sum("celery_load_tasks_planned_total") === 8 * VARIANTS.length &&
          page.sum("celery_load_tasks_in_flight") === 0
        );
      },
      40_000,
      "all tasks to end",
    );
    assert.deepEqual(await daemon.exit, { code: 0, signal: null });
    const told = (scenario: string) => {
      const sum = (metric: string, labels = {}) =>
        page.sum(`celery_load_${metric}_total`, { scenario, ...labels });
      return {
        succeeded: sum("task_outcomes", { outcome: "succeeded" }),
        failed: sum("task_outcomes", { outcome: "failed" }),
        KeyError: sum("task_errors", { exception: "KeyError" }),
        OurError: sum("task_errors", { exception: "OurError" }),
        check: sum("task_errors", { exception: "check" }),
      };
    };
    for (const { name, isUnreadable = false } of VARIANTS) {
      const published = page.sum("celery_load_tasks_published_total", { scenario: name });
      assert.ok(published >= 6, `${name}: ${published} tasks`);
      const { succeeded, failed, KeyError, OurError, check } = told(name);
      assert.equal(succeeded + failed, published, name);
      // Where no answer can be read, none is wrong.
      assert.equal(failed, KeyError + OurError + check, name);
      const fails = page.sum("celery_load_tasks_published_total", {
        scenario: name,
        task: "tests.fail",
      });
      assert.equal(KeyError + OurError, fails, name);
      assert.ok(KeyError > 0 && OurError > 0, name);
      assert.equal(check > 0, !isUnreadable, name);
    }
    const unreadable = VARIANTS.filter(({ isUnreadable }) => isUnreadable).length;
    assert.ok(page.sum("celery_load_malformed_messages_total") >= 6 * unreadable);
    const log = daemon.stdout() + daemon.stderr();
    assert.match(log, /application\/x-bz2/);
    // Once for each worker, with the remedy.
    const pickled = VARIANTS.filter(({ conf }) => conf.result_serializer === "pickle").length;
    const unread = [...log.matchAll(/not read here \(result_compression \w+\)/g)];
    assert.equal([...log.matchAll(/are pickled .*remedy|remedy.*are pickled/g)].length, pickled);
    assert.equal(unread.length, unreadable);
  });
}

/** Codes of what doctor says of a variant, and whether all is well. */
async function doctorOn(name: string, task: string, ...more: readonly string[]) {
  const index = VARIANTS.findIndex((variant) => variant.name === name);
  const { broker, backend } = connectionOf(VARIANTS[index]!, index);
  return doctor(broker, backend, ...["--task", task, "--queue", name, ...more]);
}

async function doctor(broker: string, backend: string, ...more: readonly string[]) {
  const args = ["--broker", broker, "--backend", backend, ...more];
  const { stdout, code } = await celeryLoad(["doctor", ...args, "--json"]);
  const { advice } = JSON.parse(stdout) as { advice: Finding[] };
  return { codes: advice.map((each) => each.code), isWell: code === 0 };
}

const ADD = ["--args", "[1, 2]"];
for (const way of WAYS) {
  test(`doctor reads what workers answer by ${way}, and names pickles`, async () => {
    const told = await Promise.all(
      SERIALIZERS.map((serializer) => doctorOn(`${serializer}_${way}`, "tests.add", ...ADD)),
    );
    const expected = SERIALIZERS.map((serializer) => ({
      codes: serializer === "pickle" ? ["results-pickled"] : [],
      isWell: true,
    }));
    assert.deepEqual(told, expected);
  });
}

test("doctor names a compression that is not read", async () => {
  const { codes, isWell } = await doctorOn("json_bzip2", "tests.add", ...ADD);
  assert.deepEqual([codes.sort(), isWell], [["result-unreadable", "results-unreadable"], false]);
});

test("a worker that does not accept its own results has none of a task that retries", async () => {
  const broker = redis.url(30);
  await using _worker = await startWorker({
    ...{ broker, extraArgs: ["-E"] },
    env: {
      PYTHONPATH: await ensureSerializers("current"),
      CELERY_CONF: JSON.stringify({ result_serializer: "yaml" }),
    },
  });
  const task = ["--task", "tests.retry", "--wait", "4s", "--args"];
  const once = await doctor(broker, broker, ...task, "[0]");
  assert.deepEqual(once, { codes: ["results-refused"], isWell: true });
  const again = await doctor(broker, broker, ...task, "[1]");
  assert.deepEqual([again.codes.length, again.isWell], [2, false]);
});
