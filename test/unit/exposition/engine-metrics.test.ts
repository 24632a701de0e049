import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { engineMetrics } from "../../../src/exposition/engine-metrics.js";
import { METRIC_PREFIX, METRICS } from "../../../src/exposition/metrics.js";
import { MetricsRegistry } from "../../../src/exposition/registry.js";
import { observe } from "../../../src/ledger/histogram.js";
import { createLayout } from "../../../src/ledger/layout.js";
import { ledgerBytes, openLedger } from "../../../src/ledger/snapshot.js";
import { createProfile } from "../../../src/plan/profile.js";
import { LedgerView } from "../../../src/readings/ledger-view.js";
import { NO_SCRIPTS, type ScriptReading } from "../../../src/readings/script-reading.js";
import type { Subject } from "../../../src/readings/subject.js";
import {
  DRIFTS,
  GUARDS,
  LEASES,
  OBSERVED,
  RELOADED,
  SIDES_OF,
  STEERED,
  UNKNOWN,
} from "./observed.js";

/** One check of a script has been made. */
const SCRIPTS: ScriptReading = {
  scenarios: new Map([
    ["steady", { succeeded: 0, failed: 0, checks: new Map([["a sum", { passed: 0, failed: 0 }]]) }],
  ]),
  modules: new Map(),
};

const subject: Subject = {
  scenarios: [
    { name: "steady", stages: createProfile({ kind: "constant", ratePerSecond: 5 }).stages },
  ],
  entries: [
    { scenario: 0, task: "app.a", queue: "celery", userRow: null },
    { scenario: 0, task: "app.a", queue: "other", userRow: null },
    { scenario: 0, task: "app.b", queue: "celery", userRow: 0 },
  ],
  members: [{ row: 3, workflow: 2, task: "app.c" }],
  connections: ["main"],
  slos: [
    {
      name: "fast",
      objectiveRatio: 0.99,
      latencyMs: 2000,
      windowMs: 604_800_000,
      rows: [
        { row: 0, entry: 0 },
        { row: 1, entry: 1 },
        { row: 2, entry: 2 },
      ],
    },
    {
      name: "good",
      objectiveRatio: 0.999,
      latencyMs: null,
      windowMs: 604_800_000,
      rows: [{ row: 3, entry: 2 }],
    },
  ],
  modules: [{ file: "shopper.mjs", scripts: ["steady"] }],
  data: [{ name: "rows", rows: 3, endsScenarios: [] }],
  exceptions: [
    { row: 4, entry: 0, name: "ValueError" },
    { row: 5, entry: 1, name: "ValueError" },
  ],
  version: "1.2.3",
  commit: "abc",
  configHash: "feed",
};

function setUp(observed = [OBSERVED]) {
  const layout = createLayout({
    entries: 4,
    scenarios: 1,
    connections: 1,
    bucketsMs: [5, 1000],
    phaseBucketsMs: [5],
    data: 1,
    exceptionRows: 7,
    sloRows: 4,
    userRows: 1,
    slots: 4,
  });
  const { live } = openLedger(layout, new SharedArrayBuffer(ledgerBytes(layout)));
  const metrics = engineMetrics(subject, {
    view: () => new LedgerView(layout, [live]),
    observed: () => observed,
    sides: () => SIDES_OF,
    drifts: () => DRIFTS,
    scripts: () => SCRIPTS,
    leases: () => LEASES,
    guards: () => GUARDS,
    steering: () => STEERED,
    reload: () => RELOADED,
  });
  const faults: string[] = [];
  const registry = new MetricsRegistry(metrics, (metric) => faults.push(metric));
  return { layout, cells: live.cells, metrics, registry, faults };
}

test("tasks of one name are one series, whatever their arguments; queues stay apart", async () => {
  const { layout, cells, registry } = setUp();
  cells[layout.entryCounter(0, "published")] = 2;
  cells[layout.entryCounter(1, "published")] = 3;
  cells[layout.entryCounter(0, "planned")] = 2;
  cells[layout.entryCounter(1, "planned")] = 3;
  cells[layout.exception(4)] = 1;
  cells[layout.exception(5)] = 1;
  const page = String(await registry.render("text"));
  assert.match(page, /^celery_load_tasks_planned_total\{scenario="steady",task="app.a"\} 5$/m);
  assert.match(
    page,
    /^celery_load_tasks_published_total\{scenario="steady",task="app.a",queue="celery"\} 2$/m,
  );
  assert.match(
    page,
    /^celery_load_tasks_published_total\{scenario="steady",task="app.a",queue="other"\} 3$/m,
  );
  assert.match(
    page,
    /^celery_load_task_errors_total\{scenario="steady",task="app.a",exception="ValueError"\} 2$/m,
  );
});

test("histograms of one name add up, cumulative, in seconds", async () => {
  const { layout, cells, registry } = setUp();
  observe(cells, layout.entryHistogram(0, "latencySucceeded"), 4);
  observe(cells, layout.entryHistogram(1, "latencySucceeded"), 500);
  observe(cells, layout.entryHistogram(1, "latencySucceeded"), 5000);
  const page = String(await registry.render("openmetrics"));
  const labels = 'scenario="steady",task="app.a",outcome="succeeded"';
  for (const line of [
    `celery_load_task_latency_seconds_bucket{${labels},le="0.005"} 1`,
    `celery_load_task_latency_seconds_bucket{${labels},le="1.0"} 2`,
    `celery_load_task_latency_seconds_bucket{${labels},le="+Inf"} 3`,
    `celery_load_task_latency_seconds_sum{${labels}} 5.504`,
    `celery_load_task_latency_seconds_count{${labels}} 3`,
  ]) {
    assert.ok(page.includes(`${line}\n`), line);
  }
  assert.ok(page.endsWith("# EOF\n"));
});

test("every metric of the table is on the page with its labels, from the start, at 0", async () => {
  const { registry } = setUp();
  const page = String(await registry.render("text"));
  for (const { name, labels, type } of Object.values(METRICS)) {
    const full = METRIC_PREFIX + name + (type === "histogram" ? "_count" : "");
    const sample = page
      .split("\n")
      .find((line) => line.startsWith(`${full}{`) || line.startsWith(`${full} `));
    assert.ok(sample, `${full} has no sample`);
    for (const label of labels) assert.ok(sample.includes(`${label}="`), `${full} lacks ${label}`);
  }
});

test("what is known of the workers' side is on the page, and what is not has no sample", async () => {
  const page = String(await setUp().registry.render("text"));
  for (const line of [
    'queue_length{connection="main",queue="celery"} 7',
    'queue_unacked{connection="main",queue="*"} 5',
    'queue_unacked{connection="main",queue="celery"} 9',
    'queue_consumers{connection="main",queue="celery"} 1',
    'queue_falls_total{connection="main",queue="celery"} 2',
    'worker_up{connection="main",worker="celery@a"} 1',
    'worker_active_tasks{connection="main",worker="celery@a"} 3',
    'worker_pool_size{connection="main",worker="celery@a"} 4',
    'worker_processed_total{connection="main",worker="celery@a"} 1000',
    'worker_last_heartbeat_timestamp_seconds{connection="main",worker="celery@a"} 1700000000.5',
    'worker_prefetch_limit{connection="main",worker="celery@a"} 16',
    'worker_clock_offset_seconds{connection="main",worker="celery@a"} -1.5',
    'worker_clock_uncertainty_seconds{connection="main",worker="celery@a"} 0.002',
    'malformed_messages_total{source="event"} 2',
    'malformed_messages_total{source="reply"} 3',
    'bottleneck{task="app.a",side="workers_busy"} 1',
    'result_backend_memory_bytes{connection="main"} 1000000',
    'unexplained_tasks_total{connection="main"} 12',
    'drift_per_hour{what="latency_p99",task="app.a",connection="",queue=""} 0.5',
    'drift_significant{what="latency_p99",task="app.a",connection="",queue=""} 1',
    'drift_significant{what="latency_p50",task="app.a",connection="",queue=""} 0',
    'bottleneck{task="app.a",side="none"} 0',
    'connection_up{connection="main",role="events"} 1',
    'reconnects_total{connection="main",role="events"} 1',
  ]) {
    assert.ok(page.includes(`\ncelery_load_${line}\n`), line);
  }
  const unknown = String(await setUp([UNKNOWN]).registry.render("text"));
  assert.doesNotMatch(unknown, /^celery_load_(queue_(?!falls_)|worker_)/m);
  assert.match(unknown, /^celery_load_queue_falls_total{connection="main",queue="celery"} 0$/m);
});

test("an SLO has a series for each scenario and task, and its exclusions by reason", async () => {
  const { layout, cells, registry } = setUp();
  cells[layout.slo(0, "events")] = 5;
  cells[layout.slo(1, "events")] = 7;
  cells[layout.slo(1, "bad")] = 2;
  cells[layout.slo(2, "excludedWarmup")] = 3;
  cells[layout.slo(0, "excludedWarmup")] = 1;
  const page = String(await registry.render("text"));
  const lines = page.split("\n").filter((line) => line.startsWith("celery_load_slo_"));
  const labels = (slo: string, task: string) => `{slo="${slo}",scenario="steady",task="${task}"}`;
  assert.deepEqual(lines, [
    `celery_load_slo_objective_ratio${labels("fast", "app.a")} 0.99`,
    `celery_load_slo_objective_ratio${labels("fast", "app.b")} 0.99`,
    `celery_load_slo_objective_ratio${labels("good", "app.b")} 0.999`,
    `celery_load_slo_latency_threshold_seconds${labels("fast", "app.a")} 2`,
    `celery_load_slo_latency_threshold_seconds${labels("fast", "app.b")} 2`,
    `celery_load_slo_window_seconds${labels("fast", "app.a")} 604800`,
    `celery_load_slo_window_seconds${labels("fast", "app.b")} 604800`,
    `celery_load_slo_window_seconds${labels("good", "app.b")} 604800`,
    `celery_load_slo_events_total${labels("fast", "app.a")} 12`,
    `celery_load_slo_events_total${labels("fast", "app.b")} 0`,
    `celery_load_slo_events_total${labels("good", "app.b")} 0`,
    `celery_load_slo_bad_events_total${labels("fast", "app.a")} 2`,
    `celery_load_slo_bad_events_total${labels("fast", "app.b")} 0`,
    `celery_load_slo_bad_events_total${labels("good", "app.b")} 0`,
    ...["warmup", "saturated", "stopped", "invalid"].map(
      (reason) =>
        `celery_load_slo_excluded_events_total{slo="fast",reason="${reason}"} ${reason === "warmup" ? 4 : 0}`,
    ),
    ...["warmup", "saturated", "stopped", "invalid"].map(
      (reason) => `celery_load_slo_excluded_events_total{slo="good",reason="${reason}"} 0`,
    ),
  ]);
});

test("prom-client gets the same values as the page", async () => {
  const { layout, cells, metrics } = setUp();
  observe(cells, layout.entryHistogram(2, "latencyFailed"), 4);
  const latency = metrics.find(({ name }) => name === "celery_load_task_latency_seconds")!;
  const { values } = await latency.get();
  const inf = values.find(
    ({ labels }) => labels.task === "app.b" && labels.outcome === "failed" && labels.le === "+Inf",
  );
  assert.equal(inf?.value, 1);
});

test("a metric that cannot be collected costs itself and not the page", async () => {
  const faults: string[] = [];
  const [planned, ...others] = engineMetrics(subject, {
    view: () => {
      throw new Error("boom");
    },
    observed: () => [],
    sides: () => SIDES_OF,
    drifts: () => DRIFTS,
    scripts: () => NO_SCRIPTS,
    leases: () => LEASES,
    guards: () => GUARDS,
    steering: () => STEERED,
    reload: () => RELOADED,
  });
  const broken = new MetricsRegistry([planned!, ...others], (metric) => faults.push(metric));
  const page = String(await broken.render("text"));
  assert.ok(faults.includes("celery_load_tasks_planned_total"));
  assert.match(page, /^process_cpu_user_seconds_total /m);
});

test("a page stays as it is when the next one is made", async () => {
  const { layout, cells, registry } = setUp();
  const place = layout.entryHistogram(2, "latencySucceeded");
  observe(cells, place, 4);
  const first = await registry.render("text");
  const text = String(first);
  observe(cells, place, 4);
  const [second, third] = await Promise.all([registry.render("text"), registry.render("text")]);
  assert.equal(String(first), text);
  const line = (count: number) =>
    `celery_load_task_latency_seconds_bucket{scenario="steady",task="app.b",outcome="succeeded",le="0.005"} ${count}\n`;
  assert.ok(text.includes(line(1)));
  for (const page of [second, third]) assert.ok(String(page).includes(line(2)));
});

test("series that come and go leave the others their labels", async () => {
  const { registry, layout, cells } = setUp();
  cells[layout.exception(4)] = 1;
  await registry.render("text");
  const known = subject.exceptions.splice(0);
  try {
    cells[layout.exception(2)] = 7;
    const page = String(await registry.render("text"));
    assert.doesNotMatch(page, /ValueError/);
    assert.match(page, /^celery_load_task_errors_total\{.*task="app.b",exception="other"\} 7$/m);
  } finally {
    subject.exceptions.push(...known);
  }
  assert.match(String(await registry.render("text")), /exception="ValueError"\} 1$/m);
});

test("the event loop's lag is that of the scrape before, and its statistics are left out", async () => {
  const { registry } = setUp();
  await registry.render("text");
  await nextTurn();
  const page = String(await registry.render("text"));
  const seconds = Number(/^nodejs_eventloop_lag_seconds (\S+)$/m.exec(page)?.[1]);
  assert.ok(seconds > 0 && seconds < 10, `${seconds} s`);
  assert.doesNotMatch(page, /nodejs_eventloop_lag_p99/);
});
