import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { freePort } from "../../src/setup/ports.js";
import { widthOf } from "../../src/terminal/text.js";
import { type DaemonOptions, startDaemon } from "../support/daemon.js";
import { inTerminal } from "../support/in-terminal.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { startWorker, type TestWorker } from "../support/worker.js";

/** What a terminal and a pipe show of runs, of `plan`, `check` and `doctor`: all against the same servers. */
const UNKNOWN = "shop.倉庫.inventory.tasks.synchronise_reserved_quantities_of_all_warehouses";

let redis: TestRedis;
let worker: TestWorker;
before(async () => {
  redis = await startRedis();
  worker = await startWorker({ broker: redis.url() });
});
after(async () => {
  await worker[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

/** Steps that repeat, wide and long names, a task that no worker knows, an SLO: much to show. */
const config = (port: number, more = "") => `
connections: { main: { broker: ${redis.url()} } }
tasks:
  add: { name: tests.add, args: [1, 2], kwargs: {} }
  unknown: { name: ${UNKNOWN}, args: [], headers: { note: "${"many words ".repeat(12)}" } }
scenarios:
  steady:
    profile: { steps: [20/s for 1s, 60/s for 1s, 0/s for 500ms], repeat: true }
    duration: 4s
    mix: { add: 3, unknown: 1 }
  warehouse_of_the_north:
    profile: { ramp: { from: 1/s, stages: [{ to: 20/s, over: 2s }] } }
    mix: { add: 1 }
slos:
  - { name: quick-enough-for-everybody, objective: 99%, latency: 500ms }
server: { listen: 127.0.0.1:${port} }
${more}`;

async function configFile(): Promise<string> {
  const file = await scratchFile("load.yml");
  await writeFile(file, config(await freePort()), { mode: 0o600 });
  return file;
}

function assertFits(lines: readonly string[], columns: number): void {
  for (const line of lines) {
    assert.ok(widthOf(line) <= columns, `${widthOf(line)} columns of ${columns}: ${line}`);
  }
}

for (const columns of [80, 200]) {
  test(`a run fits a terminal of ${columns} columns, one line for each thing`, async () => {
    const { code, lines } = await inTerminal({ columns, args: ["run", await configFile()] });
    const all = lines.join("\n");
    assert.equal(code, 0, all);
    assertFits(lines, columns);
    const reportAt = lines.findIndex((line) => line.startsWith("Ran for 4."));
    assert.ok(reportAt > 0, all);
    for (const line of lines.slice(0, reportAt)) {
      assert.match(line, /^\[\d\d:\d\d:\d\d\] (INFO|WARN): .|^(steady|\d running).* \| /, all);
    }
    const report = lines.slice(reportAt).join("\n");
    // More room is used: at 200 columns each table is one, and names are whole.
    assert.equal(report.match(/^task /gm)!.length, columns === 80 ? 2 : 1, report);
    assert.equal(report.includes(`\n${UNKNOWN}  `), columns === 200, report);
    assert.match(report, /^shop\..*of_all_warehouses +32 +32 +0 +32\b/m);
    assert.match(report, /^steady 2: 60\/s for 1s +1\.5 s +60\/s +60\/s /m);
    assert.match(report, /Nothing of\s+shop\./);
    // What the report says is not in the log beside it.
    assert.doesNotMatch(
      lines.slice(0, reportAt).join("\n"),
      /the SLO is|Nothing of|latencySeconds/,
    );
  });
}

test("a terminal that becomes narrower is measured again", async () => {
  const { lines } = await inTerminal({
    columns: 200,
    resized: { when: "| target", columns: 80 },
    args: ["run", await configFile()],
  });
  const widths = lines.filter((line) => line.includes(" | ")).map(widthOf);
  assert.ok(widths[0]! > 80, `${widths}`);
  // Another line may have been shown before the terminal was resized.
  assert.ok(widths.length > 3 && widths.slice(2).every((width) => width <= 80), `${widths}`);
  assertFits(lines.slice(lines.findIndex((line) => line.startsWith("Ran for"))), 80);
});

for (const command of ["plan", "check", "doctor"]) {
  test(`${command} fits 80 and 200 columns, and uses them`, async () => {
    const file = await configFile();
    const [narrow, wide] = await Promise.all(
      [80, 200].map((columns) => inTerminal({ columns, args: [command, file] })),
    );
    assertFits(narrow!.lines, 80);
    assertFits(wide!.lines, 200);
    const longest = Math.max(...wide!.lines.map(widthOf));
    assert.ok(longest > 80, `${longest} columns of 200\n${wide!.lines.join("\n")}`);
    const isDoctor = command === "doctor"; // which finds the unknown task
    assert.deepEqual([narrow!.code, wide!.code], isDoctor ? [1, 1] : [0, 0]);
  });
}

test("faults of a configuration fit the terminal, too", async () => {
  const args = ["run", "--broker", "redis://h", "--task", "a", "--rate", "1/s", "--set", "seed=x"];
  for (const columns of [80, 200]) {
    const { code, lines } = await inTerminal({ columns, args });
    assert.equal(code, 104);
    assertFits(lines, columns);
  }
});

test("NO_COLOR and FORCE_COLOR are respected", async () => {
  const args = ["run", await configFile(), "--for", "1s"];
  const hasColor = async (env: Record<string, string>) =>
    (await inTerminal({ columns: 80, args, env })).raw.includes(ESCAPE);
  assert.equal(await hasColor({}), true);
  assert.equal(await hasColor({ NO_COLOR: "1" }), false);
  assert.equal(await hasColor({ FORCE_COLOR: "0" }), false);
});

const ESCAPE = String.fromCharCode(27);

/** A run whose output goes into pipes, to its end. */
async function piped(options: DaemonOptions) {
  await using daemon = await startDaemon(options);
  const { code } = await daemon.exit;
  const records = daemon
    .stderr()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  return { code, stdout: daemon.stdout(), records };
}

test("piped, a run that ends by itself says every ten seconds how it goes, then the same table", async () => {
  const { code, stdout, records } = await piped({
    configText: `
connections: { main: { broker: ${redis.url()} } }
tasks: { ad: { name: tests.ad } }
scenarios: { short: { profile: { steps: [2/s for 5s, 4/s for 5500ms] }, mix: ad } }
`,
    env: { FORCE_COLOR: "1" },
  });
  assert.equal(code, 0);
  const [progress, ...more] = records.filter(({ msg }) => msg.startsWith("short running"));
  assert.deepEqual(more, []);
  assert.match(progress.msg, /^short running 2\/2 4\/s for 5500ms \| target 4\/s \| achieved /);
  assert.equal(progress.planned, progress.published);
  assert.ok(progress.planned >= 27 && progress.failed >= 27, JSON.stringify(progress));
  const lines = stdout.trimEnd().split("\n");
  assert.match(lines[0]!, /^Ran for 10\.\d s, /);
  assert.match(stdout, /^tests\.ad +32 +32 +0 +32 /m);
  assert.match(stdout, /^2: 4\/s for 5500ms +5\.5 s +4\/s +4\/s +22 +22 +0 +22/m);
  const nothing =
    /^Nothing succeeded: of 32 starts 32 failed with NotRegistered\. The workers of queue celery do not know tests\.ad: /;
  assert.match(lines.at(-1)!, nothing);
  assert.match(records.at(-1).msg, nothing);
});

test("a daemon without an end keeps its standard output clean", async () => {
  await using daemon = await startDaemon({
    args: ["--broker", redis.url(), "--task", "tests.add", "--args", "[1, 2]", "--rate", "20/s"],
  });
  await daemon.waitFor((metrics) => metrics.sum("celery_load_task_outcomes_total") > 5);
  daemon.signal("SIGTERM");
  daemon.signal("SIGTERM"); // it does not linger either
  assert.equal((await daemon.exit).code, 0);
  assert.equal(daemon.stdout(), "");
});

test("the JSON report has the stages, which add up, with warm-up, threads, segments and cycles", async () => {
  const { code, stdout } = await piped({
    configText: `
connections: { main: { broker: ${redis.url()} } }
tasks:
  add: { name: tests.add, args: [1, 2], kwargs: {} }
  slow: { name: tests.sleep, args: [1], kwargs: {}, timeout: 5s }
  two: { chain: [add, add] }
scenarios:
  cycle:
    profile: { steps: [30/s for 1s, 90/s for 1s], repeat: true }
    duration: 4500ms
    warmup: 500ms
    mix: { add: 8, two: 1 }
  late:
    profile: { steps: [4/s for 1s, 0/s for 1s] }
    mix: slow
threads: 2
segment: 1/2
`,
    args: ["--json"],
  });
  assert.equal(code, 0);
  const report = JSON.parse(stdout);
  assert.match(report.version, /^\d+\.\d+\.\d+/);
  assert.match(report.configHash, /^[0-9a-f]{12}$/);
  const took = (Date.parse(report.endedAt) - Date.parse(report.startedAt)) / 1000;
  assert.ok(Math.abs(took - report.seconds) < 0.01, `${took} is not ${report.seconds}`);
  assert.equal(typeof report.saturatedSeconds, "number");

  const { stages, total } = report;
  assert.deepEqual(
    stages.map(({ scenario, number, seconds, planned }: Record<string, unknown>) => [
      ...[scenario, number, seconds, planned],
    ]),
    [
      // Of 75 and 180 every second one.
      ["cycle", 1, 2.5, 38],
      ["cycle", 2, 2, 90],
      ["late", 1, 1, 2],
      ["late", 2, 1, 0],
    ].map((row) => row),
  );
  for (const name of ["planned", "published"]) {
    assert.equal(sum(stages.map((stage: Record<string, number>) => stage[name]!)), total[name]);
  }
  for (const group of ["dropped", "publishFailures", "outcomes"]) {
    for (const [label, count] of Object.entries(total[group])) {
      assert.equal(
        sum(stages.map((s: Record<string, Record<string, number>>) => s[group]![label]!)),
        count,
      );
    }
  }
  // They ended after their stage, and are counted in it.
  const late = stages[2];
  assert.deepEqual([late.outcomes.succeeded, late.published], [2, 2]);
  assert.ok(late.latencySeconds.p50 > 0.9 && stages[3].latencySeconds.p50 === null);

  const { phases, bottleneck } = report.tasks["tests.add"];
  assert.ok(phases.dispatch.count > 0 && phases.dispatch.p50 > 0 && phases.publish.p99 > 0);
  assert.deepEqual(Object.keys(bottleneck), ["side", "evidence", "secondsBySide"]);
});

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
