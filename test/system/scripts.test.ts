// Runs beside one other: it compares the rate beside an endless loop with what it should be.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { startDaemon } from "../support/daemon.js";
import { startRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { ensureSerializers } from "../support/serializers.js";
import { startWorker } from "../support/worker.js";

const SHOPPER = `
/** What it finds is wrong it says by its checks. */
export default async function ({ send, sleep, check, random, row, user }) {
  const token = await send("login", { args: [row.id, 40] });
  check("the answer is the next one's argument", token === Number(row.id) + 40);
  const both = await Promise.all([send("use", { args: [token, 1] }), send("use", { args: [token, 2] })]);
  check("side by side", both[0] === token + 1 && both[1] === token + 2);
  check("as configured", (await send("use")) === 3);
  const big = await send("total", { kwargs: { numbers: [1234567890123456789n, 1] } });
  check("a bigint comes back", big === 1234567890123456790n);
  for (let tries = 1; (await send("use", { args: [tries, 0] })) < 3; tries++) await sleep("10ms");
  try {
    await send("boom", { args: ["OutOfStock", "none left"] });
    check("a failure is thrown", false);
  } catch (error) {
    check("by class", error.name === "OutOfStock" && error.message === "none left" && error.outcome === "failed");
  }
  const slow = await send("slow").catch((error) => error.outcome);
  check("a timeout", slow === "timed_out");
  const unknown = await send("nothing").catch((error) => error.message);
  check("a task that is not in the mix", /There are: login, use/.test(unknown));
  check("random", random() < 1 && user >= 0);
  if (row.id === 7) throw new Error("seven");
}
`;

test("a user logs in, uses the token, sends several at once, asks until done, and catches failures by class", async () => {
  await using redis = await startRedis();
  const folder = dirname(await scratchFile("load.yml"));
  await using worker = await startWorker({
    broker: redis.url(),
    pool: "threads",
    concurrency: 8,
  });
  const rows = Array.from({ length: 40 }, (_, row) => row);
  await writeFile(join(folder, "rows.csv"), `id\n${rows.join("\n")}\n`);
  await writeFile(join(folder, "shopper.mjs"), SHOPPER);
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: ${redis.url()} } }
data: { rows: { file: rows.csv, take: once } }
tasks:
  login: { name: tests.add }
  use: { name: tests.add, args: [1, 2] }
  total: { name: tests.total }
  boom: { name: tests.fail }
  slow: { name: tests.sleep, args: [1.5], timeout: 500ms }
scenarios:
  shop:
    mix: [login, use, total, boom, slow]
    profile: { users: 8, wait: 10ms }
    script: ./shopper.mjs
    data: rows
server: { linger: 4s }
threads: 2
`,
  });
  const page = await daemon.waitFor(
    (metrics) =>
      metrics.sum("celery_load_scenario_state", { state: "stopped" }) === 1 &&
      metrics.sum("celery_load_script_iterations_total") === rows.length,
    60_000,
  );
  const count = (name: string, labels: Record<string, string> = {}) =>
    page.sum(`celery_load_${name}`, labels);
  assert.equal(count("script_iterations_total", { outcome: "succeeded" }), 39, daemon.stderr());
  assert.equal(count("script_iterations_total", { outcome: "failed" }), 1);
  assert.equal(count("script_checks_total", { outcome: "failed" }), 0, daemon.stderr());
  assert.equal(count("script_checks_total", { outcome: "passed" }), 40 * 8);
  assert.equal(count("module_faults_total"), 1);
  assert.match(
    daemon.stderr(),
    /the script of scenario shop failed: Error: seven \(.*shopper\.mjs:\d+:\d+\)/,
  );
  assert.equal(count("tasks_planned_total", { task: "tests.total" }), 40);
  assert.equal(count("tasks_planned_total", { task: "tests.add" }), 40 * 7);
  assert.equal(count("tasks_planned_total"), count("tasks_published_total"));
  assert.equal(count("task_outcomes_total", { outcome: "timed_out" }), 40);
  assert.equal(count("task_errors_total", { exception: "OutOfStock" }), 40);
  const logins = (await worker.recorded()).filter(({ name }) => name === "tests.total");
  assert.equal(logins.length, 40);
});

test("a function makes arguments ahead of the starts, in every serializer, with each row once", async () => {
  await using redis = await startRedis();
  const folder = dirname(await scratchFile("load.yml"));
  await using worker = await startWorker({
    broker: redis.url(),
    pool: "threads",
    env: {
      PYTHONPATH: await ensureSerializers("current"),
      CELERY_CONF: JSON.stringify({ accept_content: ["json", "msgpack", "yaml"] }),
    },
  });
  await writeFile(join(folder, "rows.csv"), "id\n10\n20\n30\n");
  await writeFile(
    join(folder, "made.mjs"),
    `export default async ({ seq, row, random, task }) => {
      if (seq === 5) throw new Error("five");
      const bytes = task === "yaml" || task === "msgpack" ? [new Uint8Array([104, 105])] : [new Date(0)];
      return { args: [seq, row.id, 9007199254740993n, "ü", ...bytes], kwargs: { text: "[]" } };
    };`,
  );
  const tasks = ["json", "msgpack", "yaml"].map(
    (name) =>
      `  ${name}: { name: tests.numbers, payload: ./made.mjs, data: rows, serializer: ${name} }`,
  );
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: ${redis.url()}, forget: false } }
data: { rows: { file: rows.csv } }
tasks:
${tasks.join("\n")}
scenarios:
  made: { mix: [json, msgpack, yaml], profile: 100/s, duration: 600ms }
server: { linger: 4s }
`,
  });
  const page = await daemon.waitFor(
    (metrics) => metrics.sum("celery_load_scenario_state", { state: "stopped" }) === 1,
    40_000,
  );
  assert.equal(page.sum("celery_load_publish_failures_total", { kind: "invalid" }), 3);
  assert.match(daemon.stderr(), /the payload function failed: Error: five \(.*made\.mjs:2:\d+\)/);
  const cli = redis.cli();
  const metas = await cli.mget(await cli.keys("celery-task-meta-*"));
  const read = metas.map((meta) => (JSON.parse(meta!) as { result: { read: string } }).result.read);
  const published = page.sum("celery_load_tasks_published_total");
  assert.ok(published > 40, String(published));
  assert.equal(read.length, published, worker.log().slice(-2_000));
  for (const name of ["json", "other"]) {
    const last = name === "json" ? "datetime.datetime(1970, 1, 1, 0, 0, tzinfo=" : "b'hi'";
    const own = read.filter((text) => text.includes(last));
    const seqs = own.map((text) => Number(/^\[(\d+), /.exec(text)![1]));
    for (const [index, text] of own.entries()) {
      const row = 10 * ((seqs[index]! % 3) + 1);
      assert.ok(text.startsWith(`[${seqs[index]}, ${row}, 9007199254740993, 'ü', ${last}`), text);
    }
    const most = name === "json" ? 1 : 2;
    const times = new Map<number, number>();
    for (const seq of seqs) times.set(seq, (times.get(seq) ?? 0) + 1);
    assert.ok([...times.values()].every((count) => count <= most));
  }
});

const BAD: readonly (readonly [what: string, line: string, told: RegExp, isRestarted: boolean])[] =
  [
    [
      "an endless loop",
      "for (;;) Math.sqrt(2);",
      /bad0\.mjs did nothing for 5 s but run at .*bad0\.mjs:3:\d+/,
      true,
    ],
    [
      "a leak",
      "for (let i = 0; i < 1e5; i++) kept.push({ i, text: i + ' of many' });",
      /bad1\.mjs used more than 256 MiB/,
      true,
    ],
    ["process.exit", "process.exit(0);", /bad2\.mjs has ended, by process\.exit/, true],
    [
      "a throw in a timer",
      'setTimeout(() => { throw new Error("late"); }, 1);',
      /an error was not caught: Error: late \(.*bad3\.mjs:3:\d+\)/,
      false,
    ],
    [
      "a promise that nobody awaits",
      'Promise.reject(new Error("alone"));',
      /a promise was rejected that nobody awaits: Error: alone/,
      false,
    ],
  ];

test("what scripts do wrong harms neither the rate beside them nor the ledger, and is told with its line", async () => {
  await using redis = await startRedis();
  const folder = dirname(await scratchFile("load.yml"));
  await using _worker = await startWorker({ broker: redis.url(), pool: "threads" });
  const scenarios: string[] = [];
  for (const [index, [, line]] of BAD.entries()) {
    const text = `const kept = [];\nexport default async function ({ send, user }) {\n${line}\nawait send("in");\n}\n`;
    await writeFile(join(folder, `bad${index}.mjs`), text);
    scenarios.push(
      `  s${index}: { mix: [in], profile: { users: 2, wait: 300ms }, script: ./bad${index}.mjs }`,
    );
  }
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: ${redis.url()} } }
tasks:
  in: { name: tests.add, args: [1, 2] }
  out: { name: tests.total, args: [[1]] }
scenarios:
  good: { mix: [out], profile: 50/s }
${scenarios.join("\n")}
`,
  });
  await daemon.waitFor(
    () => BAD.every(([, , told]) => told.test(daemon.stderr())),
    60_000,
    "every fault to be told",
  );
  const page = await daemon.metrics();
  const good = (name: string) => page.sum(`celery_load_${name}`, { scenario: "good" });
  const planned = good("tasks_planned_total");
  const beganAt = page.value("celery_load_last_change_timestamp_seconds", {
    ...{ scenario: "good", kind: "start" },
  });
  const seconds = Date.now() / 1000 - beganAt;
  assert.ok(planned >= 50 * (seconds - 1.5) - 5, `${planned} planned in ${seconds} s`);
  // The processor that loops take is not there for others on a small machine.
  assert.ok(good("tasks_dropped_total") <= 0.2 * planned);
  for (const [index, [what, , , isRestarted]] of BAD.entries()) {
    const labels = { module: `./bad${index}.mjs` };
    const restarts = page.sum("celery_load_module_restarts_total", labels);
    const faults = page.sum("celery_load_module_faults_total", labels);
    assert.equal(restarts > 0, isRestarted, what);
    assert.ok(isRestarted || faults > 0, what);
  }
});
