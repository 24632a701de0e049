import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { fineLowerMs } from "../../src/ledger/histogram.js";
import { type RunReport, reportJsonSchema } from "../../src/reports/files/report-schema.js";
import { browserMissing, startBrowser, type TestBrowser } from "../support/browser.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { schemaRefusals } from "../support/json-schema.js";
import { pushgatewayMissing, startPushgateway } from "../support/pushgateway.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { judgedTexts, type ReadReports, readReports } from "../support/reports.js";
import { scratchFile } from "../support/scratch.js";
import { startWorker, type TestWorker } from "../support/worker.js";

const RATE = 20;
const PASSWORD = "a-password-of-the-backend";

const noBrowser = await browserMissing();
const noGateway = await pushgatewayMissing();

/** A scenario of quick tasks, and another of those that `mix` says. */
const configText = (broker: string, more: string, mix = "{ quick: 1 }") => `
connections: { main: { broker: ${broker}, events: on } }
tasks:
  quick:   { name: tests.add, args: [1, 2], timeout: 10s, expect: { result: 3 }, kwargs: {} }
  failing: { name: tests.fail, timeout: 10s, headers: { api_key: ${PASSWORD} } }
scenarios:
  steady: { profile: ${RATE}/s, mix: ${mix}, gracefulStop: 10s }
slos:
  - { name: fast, scenario: steady, objective: 90%, latency: 2s, window: 7d }
${more}
`;

interface EndedRun {
  readonly code: number | null;
  readonly reports: ReadReports;
  readonly directory: string;
  readonly log: string;
  readonly stdout: string;
}

describe("the files of a report", () => {
  let redis: TestRedis;
  let worker: TestWorker;
  const runs: EndedRun[] = [];

  before(async () => {
    redis = await startRedis();
    worker = await startWorker({ broker: redis.url(), pool: "prefork", concurrency: 3 });
  });

  after(async () => {
    await worker[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });

  async function run(
    text: string,
    args: readonly string[],
    meanwhile: (daemon: TestDaemon) => Promise<void> = async () => {},
  ): Promise<EndedRun> {
    const directory = await scratchFile("report");
    await using daemon = await startDaemon({
      configText: text,
      args: ["--report", directory, "--json", ...args],
    });
    await meanwhile(daemon);
    const { code } = await daemon.exit;
    const ended = {
      ...{ code, directory, log: daemon.stderr(), stdout: daemon.stdout() },
      reports: readReports(directory),
    };
    runs.push(ended);
    return ended;
  }

  test("a run that keeps its thresholds: met, 0, and everything in its report", async () => {
    const thresholds = `thresholds: ["p95(quick) < 2s", "failed(all) < 1%", "rate(scenario:steady) > ${RATE * 0.9}/s"]`;
    const { code, reports, log } = await run(configText(redis.url(), thresholds), ["--for", "8s"]);
    assert.equal(code, 0, log);
    const { json } = reports;
    assert.equal(json.verdict.verdict, "met", JSON.stringify(json.verdict));
    assert.equal(json.run.endedBy, "plan");
    const planned = 8 * RATE;
    const { ledger, histograms, blocks, timeline, environment } = json;
    assert.equal(ledger.total.planned, planned);
    assert.equal(ledger.scenarios.steady!.tasks["tests.add"]!.outcomes.succeeded, planned);
    // Whole histograms, of every phase, and the same in the blocks.
    const own = histograms.tasks["tests.add"]!;
    assert.equal(own.latency.succeeded.count, planned);
    for (const phase of ["dispatch", "publish", "queue", "run", "delivery"]) {
      const { count } = own.phases[phase]!;
      assert.ok(count > planned * 0.9, `${phase}: ${count} of ${planned}`);
      const inBlocks = blocks.tasks["tests.add"]!.phases[phase]!;
      assert.equal(sum(inBlocks.map((block) => block.count)), count, phase);
    }
    assert.deepEqual(blocks.stepSeconds, 30);
    assert.equal(sum(blocks.tasks["tests.add"]!.counts.succeeded!), planned);
    // By the bounds alone, as a reader would: the same median as the ledger's.
    const p50 = quantileOf(own.latency.succeeded.cells, 0.5);
    assert.ok(Math.abs(p50 / ledger.total.latencySeconds.p50! - 1) < 0.02, `${p50}`);
    // The timeline has all of it.
    const published = timeline.series.find(({ of, what }) => of === "all" && what === "published")!;
    const total = sum(published.values.map((rate, at) => rate! * timeline.seconds[at]!));
    assert.ok(Math.abs(total - planned) < 1, `${total} in the timeline, ${planned} planned`);
    assert.equal(timeline.stepSeconds, 1);
    // What it was run against.
    const { server, pools } = environment.connections.main!;
    assert.match(`${server?.product} ${server?.version}`, /^(Redis|Valkey) \d+\./);
    const [{ workers, pool, places, version }] = pools as [(typeof pools)[number]];
    assert.deepEqual({ workers, pool, places }, { workers: 1, pool: "prefork", places: 3 });
    assert.match(version ?? "", /^\d+\.\d+/);
    assert.match(environment.configuration.text!, /p95\(quick\) < 2s/);
    assert.doesNotMatch(JSON.stringify(json), new RegExp(PASSWORD));
    assert.deepEqual(
      json.thresholds.map(({ verdict, n }) => [verdict, n >= planned]),
      [
        ["met", true],
        ["met", true],
        ["met", true],
      ],
    );
    assert.match(reports.markdown, /^## ✅ Met/);
    assert.match(reports.junit, /failures="0" errors="0" skipped="0"/);
  });

  test("a run that misses a threshold with abort ends early, with 99", async () => {
    const thresholds = `thresholds: [{ check: "failed(all) < 1%", abort: true, after: 2s }]`;
    const startedMs = performance.now();
    const text = configText(redis.url(), thresholds, "{ quick: 3, failing: 1 }");
    const { code, reports, log } = await run(text, ["--for", "60s"]);
    assert.equal(code, 99, log);
    assert.ok(performance.now() - startedMs < 20_000, "it ended before its time");
    assert.match(log, /stopping: threshold failed\(all\) < 1% is missed/);
    const { json, markdown, junit } = reports;
    assert.deepEqual([json.verdict.verdict, json.run.endedBy], ["missed", "threshold"]);
    const value = json.thresholds[0]!.value!;
    assert.ok(value > 0.15 && value < 0.35, `${value}`);
    assert.match(markdown, /^## ❌ Missed/);
    assert.match(
      junit,
      /<failure type="missed" message="[^"]+">missed: [^<]+\nvalue: 2\d(\.\d)?%\nlimit: 1%\nn: \d+/,
    );
    assert.match(junit, /check tests.fail succeeds/);
  });

  test("a run whose generator was starved is inconclusive: 98, skipped, and with --strict an error", async () => {
    const thresholds = `thresholds: ["p95(quick) < 1ms"]`;
    const starve = async (daemon: TestDaemon) => {
      for (let turn = 0; turn < 7; turn++) {
        daemon.signal("SIGSTOP");
        await sleep(500);
        daemon.signal("SIGCONT");
        await sleep(500);
      }
    };
    const text = configText(redis.url(), thresholds);
    const { code, reports, log } = await run(text, ["--for", "7s", "--strict"], starve);
    assert.equal(code, 98, log);
    const { json, markdown, junit } = reports;
    assert.equal(json.verdict.verdict, "inconclusive", JSON.stringify(json.verdict));
    assert.ok(json.run.saturatedSeconds > 1, `${json.run.saturatedSeconds}`);
    assert.match(json.thresholds[0]!.reason, /this daemon was the bottleneck for/);
    assert.match(markdown, /^## ⚠️ Inconclusive/);
    assert.match(junit, /<error type="inconclusive" message=/);
    assert.doesNotMatch(junit, /<skipped/);
  });

  test("a run that a signal stopped has its reports, too", async () => {
    const stop = async (daemon: TestDaemon) => {
      await sleep(3_000);
      daemon.signal("SIGTERM");
    };
    const { code, reports, log } = await run(configText(redis.url(), ""), ["--for", "60s"], stop);
    assert.equal(code, 105, log);
    const { json, junit } = reports;
    assert.deepEqual([json.verdict.verdict, json.run.endedBy], ["inconclusive", "signal"]);
    assert.match(json.verdict.reasons[0]!, /stopped by a signal/);
    // The SLO had too few events.
    assert.match(junit, /<skipped message="\d+ events are too few, it needs 100">/);
  });

  test("each of them is what those want who read it: schema, XSD and Markdown", async () => {
    assert.equal(runs.length, 4);
    const refusals = await schemaRefusals(
      runs.map(({ reports }) => reports.json),
      reportJsonSchema(),
    );
    assert.deepEqual(refusals, [null, null, null, null]);
    const broken = { ...runs[0]!.reports.json, verdict: "good" } as unknown as RunReport;
    const [refusal] = await schemaRefusals([broken], reportJsonSchema());
    assert.match(refusal ?? "", /verdict/);
    const { junit, html } = await judgedTexts(
      runs.map(({ reports }) => reports.junit),
      runs.map(({ reports }) => reports.markdown),
    );
    assert.deepEqual(junit, [null, null, null, null]);
    for (const [index, text] of html.entries()) {
      assert.match(text, /^<h2>. ?\S* ?(Met|Missed|Inconclusive)/u, text.slice(0, 100));
      assert.equal(text.match(/<table>/g)?.length, 1, text);
      assert.match(text, /<td>\S+ (met|missed|inconclusive)<\/td>/, text);
      assert.match(text, /tests\.add/, `${index}`);
    }
  });

  test("the page of each opens from the disk", { skip: noBrowser ?? false }, async () => {
    await using browser: TestBrowser = await startBrowser();
    for (const { directory } of runs) {
      const opened = await browser.open(pathToFileURL(`${directory}/report.html`).href);
      await opened.page.getByText("a run that is over").waitFor();
      assert.deepEqual(opened.complaints, []);
      await opened.close();
    }
  });

  test("a folder that cannot be written to is found before the first start", async () => {
    await using daemon = await startDaemon({
      configText: configText(redis.url(), ""),
      args: ["--for", "2s", "--report", "/proc/nowhere"],
      isExpectedToFail: true,
    });
    assert.equal((await daemon.exit).code, 104);
    assert.match(daemon.stderr(), /--report.*cannot be written to/);
  });

  test("what nothing scrapes is pushed to a gateway, as a group of its own", {
    skip: noGateway ?? false,
  }, async () => {
    await using gateway = await startPushgateway();
    const text = configText(redis.url(), "");
    const { code, reports, log } = await run(text, ["--for", "2s", "--push", gateway.url]);
    assert.equal(code, 0, log);
    const metrics = await gateway.metrics();
    const { id } = reports.json.run;
    const labels = { job: "celery_load", run: id, outcome: "succeeded" };
    assert.equal(metrics.sum("celery_load_task_outcomes_total", labels), 2 * RATE);
    // A gateway that is away is told of, and changes nothing.
    const away = await run(text, ["--for", "1s", "--push", "http://127.0.0.1:9/gateway"]);
    assert.equal(away.code, 0);
    assert.match(away.log, /the metrics could not be pushed/);
  });
});

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Seconds, from pairs of cells and counts. */
function quantileOf(cells: readonly number[], q: number): number {
  const total = sum(cells.filter((_, index) => index % 2 === 1));
  let seen = 0;
  for (let index = 0; index < cells.length; index += 2) {
    seen += cells[index + 1]!;
    if (seen >= q * total) return fineLowerMs(cells[index]!) / 1000;
  }
  return Number.NaN;
}
