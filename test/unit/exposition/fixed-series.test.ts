import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../../src/config/load.js";
import { unsteered } from "../../../src/control/steering-reading.js";
import type { WatchedDrift } from "../../../src/diagnosis/drift.js";
import { engineMetrics } from "../../../src/exposition/engine-metrics.js";
import { fixedSeries } from "../../../src/exposition/fixed-series.js";
import { SERIES_OF_A_WORKER } from "../../../src/exposition/observer-metrics.js";
import { MetricsRegistry } from "../../../src/exposition/registry.js";
import { createLayout } from "../../../src/ledger/layout.js";
import { ledgerBytes, openLedger } from "../../../src/ledger/snapshot.js";
import type { ObservedConnection } from "../../../src/observer/connection-observer.js";
import { LedgerView } from "../../../src/readings/ledger-view.js";
import { NO_SCRIPTS } from "../../../src/readings/script-reading.js";
import { planEngine } from "../../../src/workload/workload.js";
import { OBSERVED, UNKNOWN } from "./observed.js";

/** What each configuration has beside, or instead of, one scenario with one task. */
const CONFIGURATIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "one task": {},
  "one task in two queues and two scenarios": {
    "tasks.b": { name: "app.a", queue: "other" },
    "scenarios.two": { profile: "1/s", mix: { a: 1, b: 1 } },
  },
  "steps, an SLO for everything and one for a task": {
    "scenarios.two": { profile: { steps: ["1/s for 5s", "2/s for 5s"] }, mix: "a" },
    slos: [
      { name: "all", objective: "99%", latency: "1s" },
      { name: "one", objective: "99%", task: "app.a" },
    ],
  },
  workflows: {
    "tasks.b": { name: "app.b" },
    "tasks.w": { chain: ["a", "b", "a"] },
    "scenarios.two": { profile: "1/s", mix: "w" },
  },
  "two connections and three threads": {
    threads: 3,
    "connections.second": { broker: "redis://127.0.0.1/1" },
    "scenarios.two": { profile: "1/s", mix: "a", connection: "second" },
  },
  "users and a rate": {
    "tasks.b": { name: "app.b", queue: "other" },
    "tasks.w": { chain: ["a", "b"] },
    "scenarios.users": { profile: { users: 5, wait: "1s" }, mix: ["a", "b", "w"] },
    "scenarios.steps": { profile: { users: ["5 for 1m", "9 for 1m"] }, mix: "b" },
  },
  "one bucket": { buckets: ["1s"] },
};

for (const [name, settings] of Object.entries(CONFIGURATIONS)) {
  test(`a page of ${name} has exactly the series that were counted, when everything is known`, async () => {
    const { counted, page } = setUp(settings);
    assert.equal(
      await page((connection) => ({ ...OBSERVED, ...connection, workers: [] })),
      counted,
    );
  });

  test(`a worker adds as many series to the page of ${name} as are reckoned for one`, async () => {
    const { counted, page, connections } = setUp(settings);
    const workers = connections * SERIES_OF_A_WORKER;
    assert.equal(await page((connection) => ({ ...OBSERVED, ...connection })), counted + workers);
  });

  test(`what is unknown of ${name} has no series, and is all that the count is too high by`, async () => {
    const { counted, page, connections, queues } = setUp(settings);
    // Of a queue: messages that wait, are fetched, its consumers, its falls. Of a connection: what all its queues have fetched,
    // tasks of others, memory of the backend.
    const unknown = 4 * queues + 3 * connections;
    assert.equal(
      await page((connection) => ({ ...UNKNOWN, name: connection.name, workers: [], queues: [] })),
      counted - unknown,
    );
  });
}

/** What is counted of a configuration, and how many lines of ours are on its page for what is observed. */
function setUp(settings: Readonly<Record<string, unknown>>) {
  const set = (path: string[], value: unknown) => ({ path, value, flag: "--test" });
  const { config } = loadConfig({
    files: [],
    env: {},
    overrides: [
      set(["connections", "main", "broker"], "redis://127.0.0.1/0"),
      set(["tasks", "a"], { name: "app.a" }),
      set(["scenarios", "one"], { profile: "1/s", mix: "a", connection: "main" }),
      ...Object.entries(settings).map(([path, value]) => set(path.split("."), value)),
    ],
  });
  const planned = planEngine({
    config,
    forMs: null,
    countLimit: null,
    templateLines: {},
    data: [],
    version: "1",
    commit: "c",
  });
  assert.ok("plan" in planned);
  const { subject, observe, plan } = planned;
  const { scenarios, slos, others } = fixedSeries({
    subject,
    connections: observe,
    leases: [],
    guards: [],
    threads: plan.threads,
    bucketsMs: config.bucketsMs,
    phaseBucketsMs: config.phaseBucketsMs,
  });
  const layout = createLayout(plan.dimensions);
  const { live } = openLedger(layout, new SharedArrayBuffer(ledgerBytes(layout)));
  const page = async (observed: (connection: Known) => ObservedConnection) => {
    const halves = Array.from({ length: plan.threads }, () => live);
    const metrics = engineMetrics(subject, {
      view: () => new LedgerView(layout, halves),
      observed: () =>
        observe.map(({ name, queues }) => observed({ name, queues: queues.map(known) })),
      sides: () => new Map(subject.entries.map(({ task }) => [task, "code"])),
      drifts: () => watchedOf(planned),
      scripts: () => NO_SCRIPTS,
      leases: () => [],
      guards: () => [],
      steering: () => unsteered(subject.scenarios.map(({ name }) => name)),
      reload: () => ({ revision: 1, isLastDone: true, doneUnixMs: 0 }),
    });
    const text = String(await new MetricsRegistry(metrics, assert.fail).render("text"));
    return text.split("\n").filter((line) => line.startsWith("celery_load_")).length;
  };
  return {
    counted: scenarios.reduce((sum, { tasks, stages }) => sum + tasks + stages, slos + others),
    page,
    connections: observe.length,
    queues: observe.flatMap(({ queues }) => queues).length,
  };
}

type Known = Pick<ObservedConnection, "name" | "queues">;

function known(name: string): ObservedConnection["queues"][number] {
  return { name, ready: 1, consumers: 1, unacked: 1, started: null, falls: 0, lastFall: null };
}

/** Four things of each task, two of each connection, one of each queue, and our own memory (docs/drift.md). */
function watchedOf({
  subject,
  observe,
}: Exclude<ReturnType<typeof planEngine>, { issues: unknown }>) {
  const tasks = new Set(subject.entries.map(({ task }) => task));
  const drift = (what: WatchedDrift["what"], labels: WatchedDrift["labels"] = {}) => ({
    what,
    labels,
    perHour: 1,
    isSignificant: true,
  });
  return [
    ...[...tasks].flatMap((task) =>
      (["latency_p50", "latency_p99", "rate", "retries"] as const).map((what) =>
        drift(what, { task }),
      ),
    ),
    ...observe.flatMap(({ name: connection, queues }) => [
      drift("worker_pool_size", { connection }),
      drift("result_backend_memory", { connection }),
      ...queues.map((queue) => drift("queue_length", { connection, queue })),
    ]),
    drift("resident_memory"),
  ];
}
