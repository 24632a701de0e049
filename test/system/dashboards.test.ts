import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { METRIC_PREFIX } from "../../src/exposition/metrics.js";
import { correlationRules } from "../../src/rules/recordings/groups.js";
import type { AlertingRule, Rule } from "../../src/rules/rule.js";
import { DEFAULT_LINKS, ruleGroups } from "../../src/rules/rules-file.js";
import { parseExpositionText, type Sample } from "../../src/setup/exposition-text.js";
import { ensurePrometheus } from "../../src/setup/prometheus.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { type Series, startPrometheus, type TestPrometheus } from "../support/prometheus.js";
import { startRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker } from "../support/worker.js";
import { type ClassicBoard, committedBoard, repository } from "../unit/dashboards/classic-board.js";
import { substituted, type VariableValues } from "../unit/dashboards/variables.js";
import { IDLE, IDLE_MESSAGES, startSources } from "./dashboards-sources.js";

/** Steps, a constant rate and the closed loop; successes, failures of two classes, and retries. */
const CONFIG = (broker: string) => `
connections: { main: { broker: ${broker} } }
tasks:
  good:     { name: tests.add, args: [1, 2] }
  slow:     { name: tests.sleep, args: [0.05], queue: second }
  failing:  { name: tests.fail, args: [KeyError] }
  own:      { name: tests.fail, args: [PaymentDeclined] }
  retrying: { name: tests.retry, args: [1], expires: none }
  pipeline: { chain: [good, { task: slow, immutable: true }] }
  broken:   { chain: [failing, { task: good, immutable: true }] }
scenarios:
  stepped:
    profile: { steps: [10/s for 4s, 30/s for 4s, 0/s for 2s], repeat: true }
    mix: { good: 4, slow: 2, failing: 1, own: 1, retrying: 2 }
    warmup: 1s
  steady: { profile: 2/s, mix: good }
  closed: { profile: max, mix: slow, maxInFlight: 1 }
  shoppers: { profile: { users: 3, wait: [500ms, 1s] }, mix: good }
  flows: { profile: 2/s, mix: { pipeline: 1, broken: 1 } }
slos:
  - { name: fast, scenario: steady, objective: 90%, latency: 2s, window: 7d }
  - { name: good, scenario: stepped, objective: 95%, window: 7d }
server: { linger: 60s }
`;

/**
 * How long the daemon is scraped, every second, before the dashboards are asked; DASHBOARDS_SECONDS=180 has
 * them asked of a longer run.
 */
const SCRAPED_SECONDS = Number(process.env.DASHBOARDS_SECONDS ?? 20);
/** How often an exporter that is scraped at longer intervals must have been. */
const SCRAPED_OTHERS = 4;

const ruleFile: readonly Rule[] = ruleGroups(DEFAULT_LINKS).flatMap(
  ({ rules }): readonly Rule[] => rules,
);
const alerts = ruleFile.filter((rule): rule is AlertingRule => "alert" in rule);
const recorded = ruleFile.flatMap((rule) => ("record" in rule ? [rule.record] : []));

/** Queries that real servers leave without an answer, and why. */
const MAY_BE_EMPTY: Readonly<Record<string, string>> = {
  "RabbitMQ is full in, A": "its memory need not grow within these seconds",
  "Redis: clients and what it threw away, D": "Redis tells it from 7.4 on",
};

const boards = readdirSync(new URL("grafana/dashboards", repository)).map((file) =>
  committedBoard(file.replace(/\.json$/, "")),
);

test("a real Prometheus answers the dashboards from a real run", async (t) => {
  const { promtool } = await ensurePrometheus();
  await using redis = await startRedis();
  await using _worker = await startWorker({
    broker: redis.url(),
    queues: ["celery", "second"],
    extraArgs: ["--events"],
  });
  await using daemon = await startDaemon({ configText: CONFIG(redis.url()) });
  await daemon.waitFor(
    (metrics) => metrics.sum("celery_load_scenario_state", { state: "running" }) === 4,
    30_000,
    "the four scenarios to run",
  );
  const target = `127.0.0.1:${daemon.port}`;
  await using sources = await startSources(redis, target, (text) => t.diagnostic(text));
  const jobs = [{ job_name: "celery-load", static_configs: [{ targets: [target] }] }];
  await using prometheus = await startPrometheus([...jobs, ...sources.jobs], await ruleFiles());
  const scrapes = async (job: string) => {
    const [count] = await prometheus.now(`count_over_time(up{job="${job}"}[5m])`);
    return count?.value ?? 0;
  };
  for (const { job_name } of sources.jobs) {
    const isScraped = async () => (await scrapes(job_name)) >= SCRAPED_OTHERS;
    await waitUntil(isScraped, 90_000, `Prometheus to scrape ${job_name}`);
  }
  const isScraped = async () => (await scrapes("celery-load")) >= SCRAPED_SECONDS;
  const patienceMs = 90_000 + SCRAPED_SECONDS * 1_000;
  await waitUntil(
    isScraped,
    patienceMs,
    `Prometheus to scrape the daemon ${SCRAPED_SECONDS} times`,
  );

  await t.test("every target is up, and its scrapes had no error", async () => {
    const { activeTargets } = await prometheus.api<{
      activeTargets: { health: string; lastError: string; labels: Record<string, string> }[];
    }>("targets");
    for (const { health, lastError, labels } of activeTargets) {
      assert.deepEqual([health, lastError], ["up", ""], labels.job);
    }
    const found = activeTargets.map(({ labels }) => labels.job).sort();
    assert.deepEqual(
      found,
      ["celery-load", ...sources.jobs.map(({ job_name }) => job_name)].sort(),
    );
    const everUp = await prometheus.now('min_over_time(up{job="celery-load"}[5m])');
    assert.deepEqual(
      everUp.map(({ value }) => value),
      [1],
    );
  });

  await t.test(
    "every recording rule is evaluated without an error, and records something",
    async () => {
      const { groups } = await prometheus.api<{
        groups: { rules: { name: string; health: string; lastError?: string }[] }[];
      }>("rules");
      const rules = groups.flatMap(({ rules }) => rules);
      for (const { name, health, lastError = "" } of rules) {
        assert.deepEqual([health, lastError], ["ok", ""], name);
      }
      for (const record of [...recorded, ...correlationRules().map(({ record }) => record)]) {
        assert.ok(
          rules.some(({ name }) => name === record),
          `${record} is not loaded`,
        );
        assert.notDeepEqual(await prometheus.now(record), [], record);
      }
    },
  );

  await t.test(
    "Prometheus read OpenMetrics: it knows the units, which text 0.0.4 lacks",
    async () => {
      const metadata =
        await prometheus.api<{ metric: string; type: string; unit: string }[]>("targets/metadata");
      const latency = metadata.find(({ metric }) => metric === "celery_load_task_latency_seconds");
      assert.equal(latency?.type, "histogram");
      assert.equal(latency.unit, "seconds");
    },
  );

  await t.test("promtool finds no fault in the page", async () => {
    const input = await page(daemon, "text/plain");
    const checked = spawnSync(promtool, ["check", "metrics"], { input, encoding: "utf8" });
    assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  });

  await t.test("no alert but those of the missed objective has a reason", async () => {
    // The memory of both brokers may really grow here, but not for long enough to fire.
    const raised = await prometheus.now(
      'ALERTS{alertname=~"CeleryLoad.+",alertname!~"CeleryLoad(Test|BackendFilling)"}',
    );
    const found = raised.map(({ labels: { alertname, slo, long } }) => [alertname, slo, long]);
    assert.deepEqual(found.sort(), [
      ["CeleryLoadErrorBudgetBurn", "good", "1d"],
      ["CeleryLoadErrorBudgetBurn", "good", "3d"],
      ["CeleryLoadErrorBudgetExhausted", "good", undefined],
    ]);
  });

  await t.test(
    "the texts of all alerts are filled in, and burn alerts say which side is slow",
    async () => {
      const { alerts: raised } = await prometheus.api<{
        alerts: { labels: Record<string, string>; annotations: Record<string, string> }[];
      }>("alerts");
      const texts = raised.filter(({ labels }) => labels.alertname?.startsWith("Text"));
      assert.deepEqual(new Set(texts.map(({ labels }) => labels.alertname)).size, alerts.length);
      for (const { labels, annotations } of raised) {
        for (const text of Object.values(annotations)) {
          assert.doesNotMatch(
            text,
            /<error|<no value>|%!|\{\{|NaN/,
            `${labels.alertname}: ${text}`,
          );
        }
      }
      const burns = raised.filter(({ labels }) => labels.alertname === "CeleryLoadErrorBudgetBurn");
      assert.equal(burns.length, 2);
      for (const { labels, annotations } of burns) {
        const { description = "" } = annotations;
        const [, phases = ""] =
          /A task spends on average: (.+?) \(dispatch is/.exec(description) ?? [];
        const named = phases.split(", ").map((phase) => phase.split(" ")[0]);
        assert.deepEqual(
          named.sort(),
          ["delivery", "dispatch", "publish", "queue", "run", "work"],
          description,
        );
        assert.match(
          description,
          new RegExp(`Bad events in ${labels.long}: [0-9]+ of tests.fail in stepped`),
        );
      }
    },
  );

  for (const board of boards) {
    const selections = await selectionsOf(board, prometheus);
    const values = {
      rateInterval: "4s",
      interval: "4s",
      before: "8s",
      rangeSeconds: SCRAPED_SECONDS,
      quantile: "0.95",
    };
    const ask = asker(prometheus, { ...values, selections });

    await t.test(`${board.uid}: the variables offer what the daemon has`, () => {
      assert.equal(selections.job, "(celery-load)");
      assert.equal(selections.scenario, "(closed|flows|shoppers|steady|stepped)");
      assert.equal(
        selections.task,
        "(broken|pipeline|tests\\\\.add|tests\\\\.fail|tests\\\\.retry|tests\\\\.sleep)",
      );
    });

    // Without exception: what only faults raise (drops, reconnects, lost data) exists from the start
    // at 0, and this run has failures and retries.
    for (const { place, expr, instant } of queriesOf(board)) {
      await t.test(`${board.uid}: ${place} has data`, async () => {
        const series = await ask(expr, instant);
        const hasNumbers = series.some(({ values }) => values.some(Number.isFinite));
        assert.ok(hasNumbers || place in MAY_BE_EMPTY, `${expr}\n${JSON.stringify(series)}`);
      });
    }

    await t.test(`${board.uid}: the panels show what the run was`, async () => {
      await SHOWN[board.uid]?.(async (place) => {
        const query = queriesOf(board).find((candidate) => candidate.place === place);
        assert.ok(query, `the dashboard has no query ${place}`);
        return ask(query.expr, query.instant);
      });
    });
  }

  await t.test("Prometheus has every sample of the last page, as it is there", async () => {
    daemon.signal("SIGTERM");
    const stopped = 'sum(celery_load_scenario_state{state="stopped"}) == 5';
    const isStored = async () => (await prometheus.now(stopped)).length === 1;
    await waitUntil(isStored, 60_000, "the scenarios to stop and Prometheus to see it");
    let [exposed, stored]: string[][] = [[], []];
    const isSame = async () => {
      const text = await page(daemon, "application/openmetrics-text; version=1.0.0");
      exposed = textsOf(parseExpositionText(text));
      stored = textsOf(await prometheus.now('{__name__=~"celery_load_.+", announced=""}'));
      return isDeepStrictEqual(stored, exposed);
    };
    // The worker still sends heartbeats, and one may come between the last scrape and this page.
    await waitUntil(isSame, 20_000, "the page to be as it was scraped").catch(() => {});
    assert.deepEqual(stored, exposed);
  });
});

/** The series of a query of a dashboard, by its panel and letter. */
type Show = (place: string) => Promise<Series[]>;

const valuesOf = (series: readonly Series[]) => series.flatMap(({ values }) => values);
const namesIn = (series: readonly Series[], label: string) =>
  series.map(({ labels }) => labels[label]).sort();

const MET = 1;
const MISSED = 2;
const INCONCLUSIVE = 3;

/** What panels must say of this run, by dashboard. */
const SHOWN: Readonly<Record<string, (show: Show) => Promise<void>>> = {
  async "celery-load-overview"(show) {
    for (const ledger of ["Ledger: planned starts, A", "Ledger: published tasks, A"]) {
      assert.deepEqual([...new Set(valuesOf(await show(ledger)))], [0], ledger);
    }
    assert.deepEqual([...new Set(valuesOf(await show("Connections down, A")))], [0]);
    assert.deepEqual(namesIn(await show("Scenarios now, A"), "state"), Array(5).fill("running"));
    assert.deepEqual(namesIn(await show("Scenarios now, C"), "scenario"), ["stepped"]);
    const [timeLeft] = valuesOf(await show("Scenarios now, C"));
    assert.ok(timeLeft! > 0 && timeLeft! <= 4, `the stage has ${timeLeft} s left`);
    assert.deepEqual(namesIn(await show("Scenarios now, D"), "scenario"), [
      "flows",
      "steady",
      "stepped",
    ]);
    assert.deepEqual(
      new Set(valuesOf(await show("Target rate, A"))),
      new Set([4, 14, 34]),
      "2/s of two scenarios and 0, 10 or 30/s of the third; the closed loop has no rate",
    );
    assert.deepEqual(namesIn(await show("Firing alerts, A"), "alertname"), ["CeleryLoadTest"]);
    const verdicts = new Map(
      (await show("Objectives in this time range, A")).map(({ labels, values }) => [
        labels.slo,
        values[0],
      ]),
    );
    assert.deepEqual(
      verdicts,
      new Map([
        ["fast", SCRAPED_SECONDS < 60 ? INCONCLUSIVE : MET],
        ["good", MISSED],
      ]),
      "40 events are too few for 90 %; a fifth of the other's tasks is made to fail",
    );
  },
  async "celery-load-tasks"(show) {
    assert.deepEqual(namesIn(await show("Errors by exception, A"), "exception"), [
      "KeyError",
      "PaymentDeclined",
      "other",
    ]);
    const unsuccessful = await show("Members that did not succeed, A");
    const notRun = unsuccessful.filter(({ labels }) => labels.outcome === "not_run");
    const lost = notRun.filter(({ values }) => values.some((value) => value > 0));
    assert.deepEqual(namesIn(lost, "workflow"), ["broken"], "the member behind the failing one");
  },
  async "celery-load-soak"(show) {
    const states = new Map(
      (await show("What creeps?, A")).map(({ labels, values }) => [labels.what, values.at(-1)]),
    );
    assert.deepEqual(
      [states.get("latency_p99"), states.get("queue_length"), states.get("rate")],
      [1, -1, 0],
      "one climbs, one falls, one is level",
    );
  },
  async "celery-load-correlation"(show) {
    const states = await show("What each source tells, A");
    assert.deepEqual(namesIn(states, "source"), [
      "celery-exporter",
      "flower",
      "observer",
      "rabbitmq",
      "redis",
    ]);
    for (const { labels, values } of states)
      assert.ok(values[0]! >= 1, `${labels.source} is absent`);
    const phases = namesIn(await show("Who is slow? Share of each phase, A"), "phase");
    for (const phase of ["queue", "run", "delivery"]) assert.ok(phases.includes(phase), phase);
    const waiting = await show("Waiting messages, every witness, A");
    const ofRedis = waiting.find(({ labels }) => labels.source === "redis");
    assert.equal(ofRedis?.labels.queue, IDLE);
    assert.equal(
      ofRedis?.values.at(-1),
      IDLE_MESSAGES,
      "the lists of both priorities are one queue",
    );
    const ofRabbitmq = waiting.filter(({ labels }) => labels.source === "rabbitmq");
    assert.deepEqual(namesIn(ofRabbitmq, "queue"), [IDLE], "only queues of tasks");
    for (const { labels, values } of await show(
      "Share of our ended tasks that each source has seen, A",
    )) {
      assert.ok(values.at(-1)! > 0.5, `${labels.source} has seen ${values.at(-1)} of our tasks`);
    }
  },
};

/** Gauges that go on changing while nothing is sent any more. */
const RESTLESS = ["event_loop_utilization", "dispatch_lag_seconds", "generator_saturated"];

function textsOf(samples: readonly Sample[]): string[] {
  const isOurs = ({ name }: Sample) =>
    name.startsWith(METRIC_PREFIX) && !RESTLESS.includes(name.slice(METRIC_PREFIX.length));
  return samples
    .filter(isOurs)
    .map(({ name, labels: { job: _job, instance: _instance, ...labels }, value }) => {
      const sorted = Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1));
      return `${name} ${JSON.stringify(sorted)} ${value}`;
    })
    .sort();
}

async function page(daemon: TestDaemon, accept: string): Promise<string> {
  const response = await fetch(`${daemon.url}/metrics`, { headers: { accept } });
  assert.equal(response.status, 200);
  return response.text();
}

/** All rules, at the interval of the test; one alert that always fires, and every text with the labels of this run. */
async function ruleFiles(): Promise<string[]> {
  const groups = ruleGroups(DEFAULT_LINKS).map(({ name, rules }) => ({ name, rules }));
  const firing = { alert: "CeleryLoadTest", expr: "vector(1)", labels: { severity: "info" } };
  const labels = Object.entries(LABELS).map(([name, value]) => `"${name}", "${value}", "", ""`);
  const expr = labels.reduce((inner, label) => `label_replace(${inner}, ${label})`, "vector(1)");
  const texts = alerts.map(({ labels, annotations }, index) => ({
    alert: `Text${index}`,
    expr,
    labels,
    annotations,
  }));
  const test = await scratchFile("test-rules.json");
  const rules = await scratchFile("rules.json");
  await writeFile(rules, JSON.stringify({ groups }));
  await writeFile(test, JSON.stringify({ groups: [{ name: "test", rules: [firing, ...texts] }] }));
  return [rules, test];
}

/** Labels that alerts have, with values of this run. */
const LABELS = {
  job: "celery-load",
  instance: "127.0.0.1",
  scenario: "stepped",
  task: "tests.fail",
  slo: "good",
  connection: "main",
  role: "broker",
  queue: "celery",
  worker: "celery@host",
  source: "flower",
  reason: "in_flight",
  kind: "rejected",
  cause: "dispatch_lag",
  evidence: "failover",
  label: "exception",
};

/** Asks as Grafana does: over the last seconds with a step of a second, or at their end only. */
function asker(prometheus: TestPrometheus, values: VariableValues) {
  const end = Date.now() / 1000;
  return (expr: string, isInstant: boolean): Promise<Series[]> => {
    const query = substituted(expr, values);
    return isInstant
      ? prometheus.at(query, end)
      : prometheus.range(query, end - values.rangeSeconds, end, 1);
  };
}

/** Every query of every panel and annotation. */
function queriesOf(board: ClassicBoard): { place: string; expr: string; instant: boolean }[] {
  return [
    ...board.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ refId, expr, instant = false }) => ({
        place: `${title}, ${refId}`,
        expr,
        instant,
      })),
    ),
    ...board.annotations.list.map(({ name, expr }) => ({ place: name, expr, instant: false })),
  ];
}

/** The variables with everything chosen that they offer, each one narrowed by those before it. */
async function selectionsOf(
  board: ClassicBoard,
  prometheus: TestPrometheus,
): Promise<Record<string, string>> {
  const selections: Record<string, string> = {};
  for (const { name, type, query } of board.templating.list) {
    if (type !== "query") continue;
    const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? [];
    assert.ok(selector && label, `${query} is not read by this test`);
    const match = substituted(selector, {
      rateInterval: "",
      interval: "",
      before: "",
      rangeSeconds: 0,
      quantile: "",
      selections,
    });
    const found = await prometheus.api<string[]>(`label/${label}/values`, { "match[]": match });
    // Where no scrape job has the label, everything is one deployment.
    if (name === "deployment" && found.length === 0) continue;
    assert.ok(found.length > 0, `the variable ${name} offers nothing`);
    // Twice: once for the regular expression, once for the text that holds it in PromQL.
    selections[name] = `(${found.map((value) => value.replaceAll(".", "\\\\.")).join("|")})`;
  }
  return selections;
}
