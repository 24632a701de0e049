import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Finding } from "../../src/doctor/advice.js";
import type { ConnectionFacts, SentTask } from "../../src/doctor/facts.js";
import { phasesOf } from "../../src/doctor/phases.js";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { ensureSerializers } from "../support/serializers.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker } from "../support/worker.js";

let rabbitmq: TestRabbitmq;
let redis: TestRedis;
before(async () => {
  rabbitmq = await startRabbitmq();
  redis = await startRedis();
});
after(async () => {
  await rabbitmq[Symbol.asyncDispose]();
  await redis.stop();
});

interface Told {
  readonly code: number | null;
  readonly text: string;
  readonly advice: readonly Finding[];
  readonly facts: ConnectionFacts;
}

/** Runs the command; `signal` is sent to it as soon as `when` holds. */
async function run(
  args: readonly string[],
  signal?: { readonly name: NodeJS.Signals; readonly when: () => Promise<boolean> },
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const main = join(CHECKOUT, "dist", "src", "main.js");
  const child = spawn(process.execPath, ["--enable-source-maps", main, "doctor", ...args]);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (bytes) => {
    stdout += bytes;
  });
  child.stderr.on("data", (bytes) => {
    stderr += bytes;
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  if (signal !== undefined) {
    await waitUntil(signal.when, 20_000, "the moment of the signal");
    child.kill(signal.name);
  }
  return { code: await ended, stdout, stderr };
}

/** What it finds, and the advice in one text. */
async function doctor(args: readonly string[]): Promise<Told> {
  const { code, stdout, stderr } = await run([...args, "--json"]);
  assert.equal(stderr, "");
  const { advice, connections, ok } = JSON.parse(stdout);
  assert.equal(ok, code === 0);
  const text = (advice as Finding[]).map(({ says, remedy }) => `${says}\n${remedy}\n`).join("");
  return { code, text, advice, facts: connections[0] };
}

const codesOf = ({ advice }: Told) => advice.map(({ code }) => code);
const sent = ({ facts }: Told, key: string) =>
  facts.starts.find((start) => start.key === key)!.probe as SentTask;
const phaseNames = (probe: SentTask) => phasesOf(probe).map(({ name }) => name);
const addOn = (broker: string, ...more: string[]) => [
  ...["--broker", broker, "--task", "tests.add", "--args", "[1, 2]"],
  ...more,
];

/** Everything that a broker and a backend on this Redis hold, but for what workers refresh. */
async function redisContents(db: number): Promise<Record<string, unknown>> {
  const client = redis.cli({ db });
  const contents: Record<string, unknown> = {};
  for (const key of (await client.keys("*")).sort()) {
    const type = await client.type(key);
    contents[key] = type === "set" ? (await client.smembers(key)).sort() : type;
  }
  client.disconnect();
  return contents;
}

async function rabbitmqContents(): Promise<string[]> {
  const lists = await Promise.all(
    ["list_queues name messages", "list_exchanges name", "list_bindings"].map((command) =>
      rabbitmq.ctl(...command.split(" "), "--silent"),
    ),
  );
  return lists.join("\n").split("\n").sort();
}

/** Celery 5.2 with a pool of threads loses events now and then: several threads write one buffer. */
const WITH_EVENTS = { pool: "prefork", extraArgs: ["-E"] } as const;

for (const python of ["current", "debian"] as const) {
  test(`a healthy deployment on Redis is well, Celery ${python}, and nothing is left behind`, async () => {
    const db = python === "current" ? 1 : 2;
    await using worker = await startWorker({
      ...{ broker: redis.url(db), python },
      ...WITH_EVENTS,
    });
    const config = await scratchFile("load.yml");
    await writeFile(
      config,
      `
connections: { main: { broker: "${redis.url(db)}" } }
tasks:
  add:   { name: tests.add, args: [1, "{{ int(1, 9) }}"], expires: none }
  sleep: { name: tests.sleep, args: [0.2], priority: 9, expires: none }
scenarios:
  steady: { profile: 1/s, mix: [add, sleep] }
  more:   { profile: 1/s, mix: add }
`,
    );
    const contents = await redisContents(db);
    const told = await doctor([config]);
    assert.deepEqual(told.advice, []);
    assert.equal(told.code, 0);
    const { stdout: text } = await run([config]);
    assert.match(text, /Nothing is wrong\.\n$/);
    assert.match(text, /succeeded\n {6}dispatch \S+ ms, publish .*, queue .*, latency/);
    const [answered] = told.facts.workers.answered;
    assert.match(answered?.version ?? "", python === "current" ? /^5\.[3-9]/ : /^5\.2/);
    assert.equal(answered?.concurrency, 4);
    assert.equal(answered?.pool, "prefork");
    for (const key of ["add", "sleep"]) {
      const names = phaseNames(sent(told, key));
      assert.deepEqual(names.slice(0, 4), ["dispatch", "publish", "queue", "run"]);
      assert.equal(names.at(-1), "latency");
    }
    const phase = phasesOf(sent(told, "sleep")).find(({ name }) => name === "run");
    // Of 200 ms, less what the worker hears of the start too late.
    assert.ok(phase!.ms >= 150, JSON.stringify(phase));
    const runs = await worker.recorded();
    assert.equal(runs.length, 4, "each task once for each of the two examinations");
    assert.deepEqual(await redisContents(db), contents);
  });

  test(`a healthy deployment on RabbitMQ is well, Celery ${python}, and nothing is left behind`, async () => {
    const queue = `doctor-${python}`;
    const broker = rabbitmq.url;
    await using _worker = await startWorker({
      ...{ broker, backend: "rpc://", python },
      queues: [queue],
      ...WITH_EVENTS,
    });
    const contents = await rabbitmqContents();
    const told = await doctor(addOn(broker, "--queue", queue, "--set", "tasks.task.expires=none"));
    assert.deepEqual(told.advice, []);
    assert.equal(told.code, 0);
    assert.equal(told.facts.broker.about?.product, "RabbitMQ");
    assert.equal(told.facts.backend.kind, "rpc");
    assert.deepEqual(phaseNames(sent(told, "task")).slice(0, 3), ["dispatch", "publish", "queue"]);
    await waitUntil(
      async () => {
        assert.deepEqual(await rabbitmqContents(), contents);
        return true;
      },
      10_000,
      "RabbitMQ to hold what it held before",
    );
  });
}

test("workflows are sent whole, and a member that nobody takes is told", async () => {
  await using worker = await startWorker({ broker: redis.url(10), ...WITH_EVENTS });
  const config = await scratchFile("load.yml");
  await writeFile(
    config,
    `
connections: { main: { broker: "${redis.url(10)}" } }
tasks:
  add:    { name: tests.add, args: [1, 2] }
  plus:   { name: tests.add, args: [3] }
  total:  { name: tests.big, args: [3] }
  gone:   { name: tests.gone, queue: nobody }
  chain:  { chain: [add, plus] }
  linked: { name: tests.add, args: [4, 5], link: [plus] }
  chord:  { chord: { header: [add, add], body: { task: total, immutable: true } } }
  broken: { chain: [add, gone] }
scenarios: { all: { profile: 1/s, mix: [chain, linked, chord, broken] } }
`,
  );
  const contents = await redisContents(10);
  const told = await doctor([config]);
  assert.deepEqual(codesOf(told), ["queue-without-worker", "task-unknown"]);
  const ends = ["chain", "linked", "chord"].map((key) => sent(told, key).result?.state);
  assert.deepEqual(ends, ["SUCCESS", "SUCCESS", "SUCCESS"], JSON.stringify(told.facts.starts));
  assert.equal(sent(told, "broken").sent, false);
  assert.equal((await worker.recorded()).length, 2 + 2 + 3);
  assert.deepEqual(await redisContents(10), contents);
});

test("without -E it says that events are off, and still that nothing is wrong", async () => {
  await using _worker = await startWorker({ broker: redis.url(3) });
  const told = await doctor(addOn(redis.url(3)));
  assert.deepEqual(codesOf(told), ["events-off"]);
  assert.equal(told.code, 0);
  assert.ok(phaseNames(sent(told, "task")).includes("work"));
});

test("a wrong task and a queue that nobody consumes are named with what was meant, and nothing is sent", async () => {
  await using worker = await startWorker({ broker: redis.url(4) });
  const contents = await redisContents(4);
  const args = ["--broker", redis.url(4), "--task", "tests.ad", "--queue", "celry"];
  const told = await doctor(args);
  assert.deepEqual(codesOf(told), ["queue-without-worker", "task-unknown"]);
  assert.equal(told.code, 1);
  assert.match(told.text, /did you mean celery/);
  assert.match(told.text, /did you mean tests\.add/);
  assert.deepEqual(told.facts.starts[0]?.probe.sent, false);
  assert.deepEqual(await worker.recorded(), []);
  assert.deepEqual(await redisContents(4), contents);
});

test("no worker is a problem, on Redis and on RabbitMQ", async () => {
  const onRedis = await doctor(addOn(redis.url(5)));
  assert.deepEqual(codesOf(onRedis), ["no-worker"]);
  assert.equal(onRedis.code, 1);
  assert.deepEqual(await redisContents(5), {});

  const contents = await rabbitmqContents();
  const onRabbitmq = await doctor(addOn(rabbitmq.url, "--queue", "nobody"));
  assert.ok(codesOf(onRabbitmq).includes("no-worker"), onRabbitmq.text);
  assert.ok(codesOf(onRabbitmq).includes("queue-missing"), onRabbitmq.text);
  assert.equal(onRabbitmq.code, 1);
  await waitUntil(
    async () => {
      assert.deepEqual(await rabbitmqContents(), contents);
      return true;
    },
    10_000,
    "RabbitMQ to hold what it held before",
  );
});

test("a wrong password is said with the remedy, and is never printed", async () => {
  await using locked = await startRedis({ args: ["--requirepass", "right"] });
  const told = await doctor(addOn(`redis://:wrong@127.0.0.1:${locked.port}/0`));
  assert.deepEqual(codesOf(told), ["server-refuses"]);
  assert.equal(told.code, 1);
  assert.match(told.text, /WRONGPASS/);
  assert.match(told.text, /Correct connections\.main\.broker/);
  assert.doesNotMatch(told.text + JSON.stringify(told.facts), /:wrong@/);

  const onRabbitmq = await doctor(addOn(rabbitmq.url.replace("guest:guest", "guest:wrong")));
  assert.deepEqual(codesOf(onRabbitmq), ["server-refuses"]);
});

test("a task that fails, one that still runs, and one that ends without a result", async () => {
  await using _worker = await startWorker({ broker: redis.url(6), ...WITH_EVENTS });
  const of = (task: string, args: string, ...more: string[]) =>
    doctor(["--broker", redis.url(6), "--task", `tests.${task}`, "--args", args, ...more]);
  assert.deepEqual(codesOf(await of("fail", '["KeyError"]')), ["task-failed"]);
  assert.deepEqual(codesOf(await of("sleep", "[3]", "--wait", "500ms")), ["task-runs-on"]);
  // Ignore() ends it without a result and without an event.
  assert.deepEqual(codesOf(await of("never", "[]", "--wait", "500ms")), ["task-lost"]);
});

test("results that the workers store elsewhere", async () => {
  await using other = await startRedis();
  await using _worker = await startWorker({
    ...{ broker: redis.url(7), backend: other.url(0) },
    ...WITH_EVENTS,
  });
  // Two addresses may be one server: only a task that ends without its result proves that they are not.
  const server = await doctor(addOn(redis.url(7), "--backend", redis.url(0), "--wait", "2s"));
  assert.deepEqual(codesOf(server), ["result-missing"]);
  const both = await doctor(addOn(redis.url(7), "--backend", redis.url(1), "--wait", "2s"));
  assert.deepEqual(codesOf(both), ["results-elsewhere", "result-missing"]);
  // Channels know no databases: on the right server a result comes all the same.
  const database = await doctor(addOn(redis.url(7), "--backend", other.url(1), "--wait", "2s"));
  assert.deepEqual(codesOf(database), ["results-in-other-database"]);
});

/** How a project calls its settings: Celery's version, the namespace, and what is written before each name. */
const PROJECTS = [
  ["current", "CELERY", "CELERY_"],
  ["current", "", ""],
  ["debian", "SHOP_CELERY", "SHOP_CELERY_"],
  ["debian", "", ""],
] as const;
for (const [index, [python, namespace, prefix]] of PROJECTS.entries()) {
  const how = namespace === "" ? "old names" : `the namespace ${namespace}`;
  test(`settings with ${how} count as Celery reads them, Celery ${python}`, async () => {
    const db = 11 + index;
    const broker = namespace === "" ? "BROKER_URL" : `${prefix}BROKER_URL`;
    const names = namespace === "" ? "CELERY_" : prefix;
    await using _worker = await startWorker({
      ...{ broker: "unused", python, ...WITH_EVENTS },
      env: {
        CELERY_BROKER_URL: undefined,
        CELERY_RESULT_BACKEND: undefined,
        PYTHONPATH: await ensureSerializers(python),
        SETTINGS_NAMESPACE: namespace,
        CELERY_CONF: JSON.stringify({
          [broker]: redis.url(db),
          [`${names}RESULT_BACKEND`]: redis.url(0),
          [`${names}ACCEPT_CONTENT`]: ["json", "msgpack"],
        }),
      },
    });
    const set = ["--set", "tasks.task.serializer=msgpack", "--set", "tasks.task.expires=none"];
    const told = await doctor(addOn(redis.url(db), ...set));
    assert.deepEqual(codesOf(told), ["results-in-other-database"], told.text);
    assert.match(
      told.text,
      new RegExp(`database 0 of Redis, and this configuration looks in ${db}`),
    );
    assert.deepEqual(told.facts.workers.answered[0]?.settings.unknown, []);
  });
}

test("a setting that cannot be known is named", async () => {
  await using _worker = await startWorker({
    ...{ broker: "unused", extraArgs: ["-E"] },
    env: {
      CELERY_BROKER_URL: undefined,
      SETTINGS_NAMESPACE: "CELERY",
      CELERY_RESULT_BACKEND: redis.url(15), // its environment, which it does not tell
      CELERY_CONF: JSON.stringify({ CELERY_BROKER_URL: redis.url(15) }),
    },
  });
  const { code, stdout } = await run(addOn(redis.url(15)));
  assert.equal(code, 0, stdout);
  assert.match(stdout, /settings not known: result_backend \(not set, or by environment\)\n/);
});

test("a result that arrives disproves settings that the worker's environment overrides", async () => {
  await using _worker = await startWorker({
    ...{ broker: "unused", extraArgs: ["-E"] },
    env: {
      CELERY_BROKER_URL: undefined,
      SETTINGS_NAMESPACE: "CELERY",
      CELERY_RESULT_BACKEND: redis.url(15),
      CELERY_CONF: JSON.stringify({
        CELERY_BROKER_URL: redis.url(15),
        CELERY_RESULT_BACKEND: "rpc://",
      }),
    },
  });
  assert.deepEqual(codesOf(await doctor(addOn(redis.url(15)))), []);
});

test("a frozen worker is told from none", async () => {
  await using worker = await startWorker({ broker: redis.url(8), pool: "solo" });
  const look = () => doctor(addOn(redis.url(8), "--no-send"));
  // It says that it is ready a moment before it listens for remote control.
  const isHeard = async () => !codesOf(await look()).includes("no-worker");
  await waitUntil(isHeard, 20_000, "the worker to be heard");
  worker.signal("SIGSTOP");
  const told = await look();
  worker.signal("SIGCONT");
  assert.deepEqual(codesOf(told), ["question-unanswered"]);
});

for (const [database, name] of [
  [9, "SIGINT"],
  [13, "SIGHUP"],
  [11, "SIGQUIT"],
] as const) {
  test(`${name} ends it at once, with nothing left behind`, async () => {
    await using worker = await startWorker({ broker: redis.url(database) });
    const contents = await redisContents(database);
    const ended = await run(
      ["--broker", redis.url(database), "--task", "tests.sleep", "--args", "[3]", "--json"],
      { name, when: async () => (await worker.recorded()).length > 0 },
    );
    assert.equal(ended.code, 105, ended.stderr);
    assert.equal(ended.stdout, "");
    assert.deepEqual((await worker.recorded())[0]?.endedMs, null, "it did not wait for the task");
    assert.deepEqual(await redisContents(database), contents);
  });
}

test("SIGUSR1 does it no harm", async () => {
  await using worker = await startWorker({ broker: redis.url(12) });
  const { code, stderr } = await run(
    ["--broker", redis.url(12), "--task", "tests.sleep", "--args", "[0.5]", "--json"],
    { name: "SIGUSR1", when: async () => (await worker.recorded()).length > 0 },
  );
  assert.deepEqual([code, stderr], [0, ""]);
});

test("a configuration that cannot be used is exit code 104", async () => {
  const { code, stderr } = await run(["--broker", "redis://127.0.0.1/0"]);
  assert.equal(code, 104);
  assert.match(stderr, /--task/);
  const wait = await run(addOn("redis://127.0.0.1/0", "--wait", "soon"));
  assert.equal(wait.code, 104);
  assert.match(wait.stderr, /--wait/);
});
