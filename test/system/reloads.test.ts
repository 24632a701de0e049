import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ctl } from "../support/ctl.js";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced, type Metrics } from "../support/metrics.js";
import { askFor, controlOf, orderAt } from "../support/orders.js";
import { startRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker } from "../support/worker.js";

// biome-ignore lint/suspicious/noExplicitAny: it is written wrong on purpose
type Config = any;

interface Change {
  readonly name: string;
  readonly edit?: (config: Config) => void;
  /** The whole file, instead; null: there is none. */
  readonly text?: (config: Config) => string | null;
  /** Default: by the API. */
  readonly by?: "SIGHUP" | "ctl";
}

interface Good extends Change {
  /** A key that the answer names, or nothing where nothing has changed. */
  readonly path: string | null;
  readonly shows: (page: Metrics) => boolean;
}

interface Bad extends Change {
  readonly place: RegExp;
  readonly why: RegExp;
}

const rateOf = (scenario: string) => (page: Metrics) =>
  page.value("celery_load_target_rate", { scenario });
const isThere = (name: string, labels: Record<string, string>) => (page: Metrics) =>
  page.select(`celery_load_${name}`, labels).length > 0;
const planned = (scenario: string, task?: string) => (page: Metrics) =>
  page.sum("celery_load_tasks_planned_total", { scenario, ...(task ? { task } : {}) });

const GOOD: readonly Good[] = [
  {
    name: "another rate",
    edit: ({ scenarios }) => {
      scenarios.changed.profile = "12/s";
    },
    path: "scenarios.changed.profile",
    shows: (page) => rateOf("changed")(page) === 12,
  },
  {
    name: "stages instead of a rate",
    edit: ({ scenarios }) => {
      scenarios.changed.profile = { steps: ["8/s for 1h"] };
    },
    path: "scenarios.changed.profile",
    by: "SIGHUP",
    shows: (page) => rateOf("changed")(page) === 8,
  },
  {
    name: "a comment",
    text: (config) => `# nothing else\n${JSON.stringify(config)}`,
    path: null,
    shows: () => true,
  },
  {
    name: "another task in the mix",
    edit: ({ scenarios }) => {
      scenarios.changed.mix = { add: 1, nap: 1 };
    },
    path: "scenarios.changed.mix",
    shows: (page) => planned("changed", "tests.sleep")(page) > 3,
  },
  {
    name: "other arguments",
    edit: ({ tasks }) => {
      tasks.nap.args = [0.01];
    },
    path: "tasks.nap.args",
    by: "ctl",
    shows: () => true,
  },
  {
    name: "another header",
    edit: ({ tasks }) => {
      tasks.add.headers = { mark: "second" };
    },
    path: "tasks.add.headers",
    shows: () => true,
  },
  {
    name: "another timeout",
    edit: ({ tasks }) => {
      tasks.add.timeout = "30s";
    },
    path: "tasks.add.timeoutMs",
    shows: () => true,
  },
  {
    name: "Poisson arrivals",
    edit: ({ scenarios }) => {
      scenarios.changed.arrival = "poisson";
    },
    path: "scenarios.changed.arrival",
    shows: () => true,
  },
  {
    name: "a scenario and a task more",
    edit: ({ scenarios, tasks }) => {
      tasks.sum = { name: "tests.total", args: [[1, 2]] };
      scenarios.added = { profile: "5/s", mix: "sum" };
    },
    path: "scenarios.added",
    shows: (page) => planned("added")(page) > 2,
  },
  {
    name: "an SLO",
    edit: (config) => {
      config.slos = [{ name: "quick", scenario: "changed", objective: "90%", latency: "5s" }];
    },
    path: "slos",
    shows: isThere("slo_events_total", { slo: "quick" }),
  },
  {
    name: "a guard",
    edit: (config) => {
      config.guards = [{ name: "unwatched", watch: "scrapeAge", above: "1h" }];
    },
    path: "guards",
    by: "SIGHUP",
    shows: isThere("guard_state", { guard: "unwatched" }),
  },
  {
    name: "a guard and limits less",
    edit: (config) => {
      config.guards = [];
      config.limits = { maxRate: "300/s", maxInFlight: 5_000 };
    },
    path: "limits.maxRate",
    shows: (page) => !isThere("guard_state", { guard: "unwatched" })(page),
  },
  {
    name: "a scenario less",
    edit: ({ scenarios }) => {
      delete scenarios.added;
    },
    path: "scenarios.added",
    shows: (page) => !isThere("target_rate", { scenario: "added" })(page),
  },
];

const PLACE = /load\.yml:\d+:\d+/;
const FIXED = /cannot change while the daemon runs/;

const BAD: readonly Bad[] = [
  {
    name: "a misspelt key",
    edit: ({ scenarios }) => {
      scenarios.changed.profle = "5/s";
    },
    place: PLACE,
    why: /profle.*profile/,
  },
  {
    name: "no YAML",
    text: () => "scenarios: {\n  steady: [",
    place: PLACE,
    why: /./,
    by: "SIGHUP",
  },
  {
    name: "an empty file",
    text: () => "",
    place: /load\.yml/,
    why: /connections|tasks|scenarios|empty/,
  },
  { name: "no file", text: () => null, place: /configuration|load\.yml/, why: /load\.yml|no such/ },
  {
    name: "another broker",
    edit: ({ connections }) => {
      connections.main.broker = "redis://127.0.0.1:1/0";
    },
    place: PLACE,
    why: FIXED,
  },
  {
    name: "threads",
    edit: (config) => {
      config.threads = 2;
    },
    place: PLACE,
    why: FIXED,
  },
  {
    name: "buckets",
    edit: (config) => {
      config.buckets = ["1s"];
    },
    place: PLACE,
    why: FIXED,
  },
  {
    name: "a lease",
    edit: ({ scenarios }) => {
      scenarios.constant.lease = true;
    },
    place: PLACE,
    why: FIXED,
    by: "ctl",
  },
  {
    name: "a task that is not there",
    edit: ({ scenarios }) => {
      scenarios.changed.mix = { ad: 1 };
    },
    place: PLACE,
    why: /ad.*add/s,
  },
  {
    name: "a rate above the limit",
    edit: (config) => {
      config.limits = { maxRate: "10/s" };
    },
    place: PLACE,
    why: /maxRate/,
  },
  {
    name: "a duration without its unit",
    edit: ({ tasks }) => {
      tasks.add.timeout = "30";
    },
    place: PLACE,
    why: /30/,
  },
  {
    name: "a guard that watches nothing of ours",
    edit: (config) => {
      config.guards = [{ name: "deep", watch: "queueLength", queue: "others", above: 10 }];
    },
    place: PLACE,
    why: /no queue .*celery/,
  },
];

test("25 changed files: good ones take over without a lost or doubled start, bad ones change nothing", async () => {
  await using redis = await startRedis();
  await using worker = await startWorker({ broker: redis.url() });
  const file = await scratchFile("load.yml");
  let config: Config = {
    connections: { main: { broker: redis.url(), backend: redis.url() } },
    tasks: {
      add: { name: "tests.add", args: [1, 2], headers: { mark: "first" } },
      nap: { name: "tests.sleep", args: [0] },
      fixed: { name: "tests.big", args: [1] },
    },
    scenarios: {
      changed: { profile: "5/s", mix: { add: 1 } },
      constant: { profile: "10/s", mix: "fixed" },
    },
    control: { listen: "127.0.0.1:0" },
  };
  /** Puts what a change makes of the configuration into the file, and returns it. */
  const change = ({ edit, text }: Pick<Change, "edit" | "text">): Config => {
    const next = structuredClone(config);
    edit?.(next);
    const content = text === undefined ? `${JSON.stringify(next, null, 1)}\n` : text(next);
    if (content === null) rmSync(file);
    else writeFileSync(file, content, { mode: 0o600 });
    return next;
  };
  change({});
  await using daemon = await startDaemon({ args: [file] });
  const control = await controlOf(daemon);
  const constant = planned("constant");
  const first = await daemon.waitFor((page) => constant(page) > 10);
  const firstMs = performance.now();

  /** What the daemon answers, whoever asks: its text, and whether it was done. */
  const reload = async (by: Change["by"]): Promise<{ isDone: boolean; text: string }> => {
    if (by === "ctl") {
      const { code, stdout, stderr } = await ctl(["reload"], control);
      return { isDone: code === 0, text: stdout + stderr };
    }
    if (by === "SIGHUP") {
      const from = daemon.stderr().length;
      daemon.signal("SIGHUP");
      const said = () => daemon.stderr().slice(from);
      const end = /"msg":"(reloaded|the configuration could not)/;
      await waitUntil(() => end.test(said()), 10_000, "the log to say what became of it");
      return { isDone: /"msg":"reloaded/.test(said()), text: said() };
    }
    const { status, text } = await askFor(control, "POST", "/api/v1/reload", {});
    assert.ok(status === 200 || status === 422, `${status}: ${text}`);
    if (status === 422) {
      for (const { path } of JSON.parse(text).errors) assert.match(path, /load\.yml|configuration/);
    }
    return { isDone: status === 200, text };
  };

  const all = [...GOOD, ...BAD].length;
  assert.equal(all, 25);
  // A bad one after each good one.
  for (const [index, good] of GOOD.entries()) {
    const { name, path, shows, by } = good;
    // Eight plans may wait for their last results, no more.
    await daemon.waitFor((page) => page.sum("celery_load_tasks_in_flight") < 20);
    config = change(good);
    const done = await reload(by);
    assert.ok(done.isDone, `${name}: ${done.text}`);
    if (path !== null) assert.ok(done.text.includes(path), `${name}: ${done.text}`);
    const page = await daemon.waitFor(shows, 10_000, name);
    assert.equal(page.value("celery_load_config_last_reload_successful"), 1, name);
    assertBalanced(page);

    const bad = BAD[index];
    if (bad === undefined) continue;
    change(bad);
    const refused = await reload(bad.by);
    assert.ok(!refused.isDone, `${bad.name}: ${refused.text}`);
    assert.match(refused.text, bad.why, bad.name);
    assert.match(refused.text, bad.place, bad.name);
    const after = await daemon.metrics();
    assert.equal(after.value("celery_load_config_last_reload_successful"), 0, bad.name);
    assert.equal(rateOf("changed")(after), rateOf("changed")(page), bad.name);
  }

  // What no file has changed: as many as its rate says, over all of them.
  const last = await daemon.metrics();
  const seconds = (performance.now() - firstMs) / 1_000;
  const wanted = seconds * 10;
  const got = constant(last) - constant(first);
  console.log(
    `25 files in ${seconds.toFixed(1)} s: ${got} starts, ${wanted.toFixed(1)} by the rate`,
  );
  assert.ok(Math.abs(got - wanted) <= 3, `${got} starts instead of ${wanted.toFixed(1)}`);

  await orderAt(control, "POST", "/api/v1/stop-all", {});
  await sleep(200);
  const settled = await daemon.waitFor((page) => page.sum("celery_load_tasks_in_flight") === 0);
  assertBalanced(settled);
  const runs = await worker.recorded();
  assert.equal(new Set(runs.map(({ id }) => id)).size, runs.length, "none ran twice");
  // The counts of a scenario that was removed went with it.
  const kept = runs.filter(({ name }) => name !== "tests.total");
  assert.equal(kept.length, settled.sum("celery_load_tasks_published_total"));
  assert.ok(runs.some(({ mark }) => mark === "second"));
});
