// Also on today's brokers.
/*
 * What RabbitMQ refuses to take is a publish failure of that task, with the broker's words; every other task goes
 * on as if nothing had been, over the same connection.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Channel } from "amqplib";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { assertBalanced, type Metrics } from "../support/metrics.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { startWorker, type TestWorker } from "../support/worker.js";

let rabbitmq: TestRabbitmq;
let redis: TestRedis;
let worker: TestWorker;
let channel: Channel;
before(async () => {
  rabbitmq = await startRabbitmq();
  redis = await startRedis();
  worker = await startWorker({
    broker: rabbitmq.url,
    backend: redis.url(),
    env: { SLEEPS: "7" },
  });
  channel = await (await rabbitmq.client()).createChannel();
  for (const [exchange, options] of Object.entries(EXCHANGES)) await make(exchange, options);
});
after(async () => {
  await worker[Symbol.asyncDispose]();
  await rabbitmq[Symbol.asyncDispose]();
  await redis.stop();
});

/** Each brings what has a key that begins with a to the worker's queue. */
const EXCHANGES = {
  open: {},
  topics: {},
  closed: {},
  "it's closed": {},
  inner: { internal: true },
};

async function make(exchange: string, options: object = {}): Promise<void> {
  await channel.assertExchange(exchange, "topic", options);
  await channel.bindQueue("celery", exchange, "a.#");
}

/** A user who may write to these alone, by a pattern. */
async function userWho(name: string, mayWrite: string): Promise<string> {
  await rabbitmq.ctl("add_user", name, "PASSWORD");
  await rabbitmq.ctl("set_permissions", name, ".*", mayWrite, ".*");
  return `amqp://${name}:PASSWORD@127.0.0.1:${rabbitmq.port}//`;
}

const GOOD_RATE = 20;
const BAD_RATE = 5;
const SECONDS = 4;

interface Refusal {
  readonly exchange: string;
  readonly key: string;
  readonly kind?: string;
  readonly words: RegExp;
}

const WRITING =
  "celery.pidbox|celeryev|reply.*|celery-load.*|open|topics|inner|missing|amq.default";
/** By the task's name. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  sleep: {
    exchange: "closed",
    key: "a.b",
    words: /ACCESS_REFUSED - .*exchange 'closed' in vhost '\/' refused.*routing key \\"a.b\\"/,
  },
  sleep_0: {
    exchange: "it's closed",
    key: "a.b",
    words: /ACCESS_REFUSED - .*exchange 'it's closed' in vhost/,
  },
  sleep_1: { exchange: "inner", key: "a.b", words: /ACCESS_REFUSED - cannot publish to internal/ },
  sleep_2: { exchange: "topics", key: "a.secret", words: /ACCESS_REFUSED - .*topic 'a.secret'/ },
  sleep_3: {
    exchange: "missing",
    key: "a.b",
    kind: "unroutable",
    words: /there is no exchange \\"missing\\"/,
  },
  sleep_4: {
    exchange: "open",
    key: "b",
    kind: "unroutable",
    words: /no queue is bound to exchange \\"open\\" for \\"b\\"/,
  },
};

for (const client of ["direct", "library"] as const) {
  test(`refused from the start, client ${client}`, async () => {
    const user = `picky-${client}`;
    const broker = await userWho(user, `^(${WRITING})$`);
    await rabbitmq.ctl("set_topic_permissions", user, "topics", "^a\\.open$", ".*");
    await using daemon = await startDaemon({
      configText: configOf({
        broker,
        client,
        tasks: { ...GOOD, ...REFUSALS },
      }),
      args: ["--for", `${SECONDS}s`, "--json"],
    });
    assert.deepEqual(await daemon.exit, { code: 0, signal: null }, daemon.stderr());
    const report = reportOf(daemon);
    assertOthersUnharmed(report, Object.keys(GOOD));
    for (const [name, { kind = "rejected", words }] of Object.entries(REFUSALS)) {
      const { planned, published, dropped, publishFailures } = report.tasks[`tests.${name}`];
      assert.equal(planned, BAD_RATE * SECONDS, name);
      assert.equal(published, 0, name);
      assert.equal(publishFailures[kind], planned - dropped.saturated, name);
      const lines = linesOf(daemon, `"task":"tests.${name}"`).filter((line) => words.test(line));
      assert.equal(lines.length, 1, `${name}: ${daemon.stderr()}`);
      if (kind === "rejected") assert.match(lines[0]!, /"remedy":"/);
    }
    assert.equal(linesOf(daemon, "not connected").length, 0, daemon.stderr());
  });
}

/** Tasks that nothing is wrong with. */
const GOOD = {
  add: { exchange: "", key: "celery" },
  sleep_5: { exchange: "open", key: "a.b" },
  sleep_6: { exchange: "topics", key: "a.open" },
};

interface Change {
  readonly what: string;
  readonly kind: string;
  readonly words: RegExp;
  take(exchange: string, user: string): Promise<unknown>;
  giveBack(exchange: string, user: string): Promise<unknown>;
}

/** A channel remembers what its user may do until it has been idle for some seconds. */
const FORGET =
  "[sys:replace_state(P, fun(S) -> erase(permission_cache), S end) || P <- rabbit_channel:list()].";
const allow = async (user: string, mayWrite: string) => {
  await rabbitmq.ctl("set_permissions", user, ".*", mayWrite, ".*");
  await rabbitmq.ctl("eval", FORGET);
};
const makeAnew = async (exchange: string, options: object) => {
  await channel.deleteExchange(exchange);
  await make(exchange, options);
};
const CHANGES: readonly Change[] = [
  {
    what: "the right to write",
    kind: "rejected",
    words: /ACCESS_REFUSED - .*exchange 'changing-/,
    take: (exchange, user) => allow(user, `^(?!${exchange}$)`),
    giveBack: (_, user) => allow(user, ".*"),
  },
  {
    what: "the exchange",
    kind: "unroutable",
    words: /there is no exchange \\"changing-/,
    take: (exchange) => channel.deleteExchange(exchange),
    giveBack: (exchange) => make(exchange),
  },
  {
    what: "an exchange that becomes internal",
    kind: "rejected",
    words: /ACCESS_REFUSED - cannot publish to internal/,
    take: (exchange) => makeAnew(exchange, { internal: true }),
    giveBack: (exchange) => makeAnew(exchange, {}),
  },
];

test("taken away in mid-run and given back", { concurrency: true }, async (t) => {
  await Promise.all(
    ["direct", "library"].map((client) => t.test(`client ${client}`, () => assertChanges(client))),
  );
});

async function assertChanges(client: string): Promise<void> {
  const user = `changed-${client}`;
  const exchange = `changing-${client}`;
  const broker = await userWho(user, ".*");
  await make(exchange);
  await using daemon = await startDaemon({
    configText: configOf({
      ...{ broker, client },
      tasks: { ...GOOD, sleep: { exchange, key: "a.b" } },
    }),
    args: ["--for", "10m", "--json"],
  });
  const bad = { task: "tests.sleep" };
  const published = (page: Metrics) => page.sum("celery_load_tasks_published_total", bad);
  const failed = (page: Metrics, kind: string) =>
    page.value("celery_load_publish_failures_total", { ...bad, kind });
  let page = await daemon.waitFor((each) => published(each) > 1);
  for (const { what, kind, words, take, giveBack } of CHANGES) {
    const before = page;
    await take(exchange, user);
    const without = await daemon.waitFor(
      (each) => failed(each, kind) > failed(before, kind) + 1,
      30_000,
      `${what} to be missed`,
    );
    assertBalanced(without);
    assert.match(daemon.stderr(), words);
    await giveBack(exchange, user);
    page = await daemon.waitFor(
      (each) => published(each) > published(without) + 1,
      30_000,
      `${what} to be back`,
    );
    assertBalanced(page);
    assert.equal(page.reconnects(), 0, daemon.stderr());
  }
  daemon.signal("SIGTERM");
  assert.equal((await daemon.exit).code, 105, daemon.stderr());
  const report = reportOf(daemon);
  assertOthersUnharmed(report, [...Object.keys(GOOD), "sleep"]);
  await channel.deleteExchange(exchange);
}

test("a run of which the broker takes nothing exits 1 and says why", async () => {
  const broker = await userWho("shut-out", "^(celery.pidbox|celeryev|reply.*)$");
  for (const bound of [
    ["--for", "3s"],
    ["--count", "40"],
  ]) {
    await using daemon = await startDaemon({
      args: [
        ...["--broker", broker, "--backend", redis.url(), "--task", "tests.add"],
        ...["--rate", "20/s", ...bound, "--json", "--set", "server.linger=0s"],
      ],
    });
    assert.equal((await daemon.exit).code, 1, daemon.stderr());
    const { total, withoutSuccess } = reportOf(daemon);
    assert.equal(total.publishFailures.rejected, total.planned - total.dropped.saturated);
    assert.equal(total.dropped.not_connected, 0);
    assert.match(
      withoutSuccess[0],
      /^Nothing succeeded: .* refused by the broker: ACCESS_REFUSED .*'amq\.default'.*rabbitmqctl set_permissions/,
    );
  }
});

test("a connection that an operator closes is connected again, and refuses nothing", async () => {
  await using daemon = await startDaemon({
    configText: configOf({ broker: rabbitmq.url, client: "direct", tasks: GOOD }),
    args: ["--for", "12s", "--json"],
  });
  await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > 30);
  await rabbitmq.ctl("close_all_connections", "by the test");
  channel = await (await rabbitmq.client()).createChannel();
  assert.equal((await daemon.exit).code, 0, daemon.stderr());
  const { total, balanced } = reportOf(daemon);
  assert.ok(balanced);
  assert.equal(total.publishFailures.rejected, 0);
  assert.ok(total.outcomes.succeeded > 60);
  assert.match(daemon.stderr(), /CONNECTION_FORCED - by the test/);
});

interface ConfigOptions {
  readonly broker: string;
  readonly client: string;
  readonly tasks: Readonly<Record<string, { readonly exchange: string; readonly key: string }>>;
}

/** Each task has a scenario of its own. */
function configOf({ broker, client, tasks }: ConfigOptions): string {
  const entries = Object.entries(tasks);
  const quoted = JSON.stringify;
  return `
connections: { main: { broker: "${broker}", backend: "${redis.url()}", client: ${client} } }
tasks:
${entries
  .map(([name, { exchange, key }]) => {
    const route =
      exchange === "" ? `queue: ${key}` : `exchange: ${quoted(exchange)}, routingKey: ${key}`;
    const args = name === "add" ? "[1, 2]" : "[0]";
    return `  ${name}: { name: tests.${name}, args: ${args}, ${route} }`;
  })
  .join("\n")}
scenarios:
${entries
  .map(([name]) => {
    const rate = name in GOOD ? GOOD_RATE : BAD_RATE;
    return `  ${name}: { profile: ${rate}/s, mix: ${name}, gracefulStop: 20s }`;
  })
  .join("\n")}
server: { linger: 0s }
`;
}

// biome-ignore lint/suspicious/noExplicitAny: what the daemon printed
type Report = any;

function reportOf(daemon: TestDaemon): Report {
  return JSON.parse(daemon.stdout());
}

function linesOf(daemon: TestDaemon, text: string): string[] {
  return daemon
    .stderr()
    .split("\n")
    .filter((line) => line.includes(text));
}

function assertOthersUnharmed(report: Report, names: readonly string[]): void {
  assert.ok(report.balanced);
  for (const name of names) {
    const { planned, published, dropped, publishFailures, outcomes } =
      report.tasks[`tests.${name}`];
    const { rejected, unroutable } = publishFailures;
    // A busy machine may be too late for some.
    assert.equal(published, planned - dropped.saturated - rejected - unroutable, name);
    if (name in GOOD) assert.equal(rejected + unroutable, 0, name);
    assert.equal(outcomes.succeeded, published, name);
  }
}
