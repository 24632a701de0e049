import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { learnedConfiguration } from "../../../src/learn/configuration-text.js";
import { learnPlan, scaled } from "../../../src/learn/learned-plan.js";
import { standInModule } from "../../../src/learn/stand-in.js";
import { type Traffic, totalsOf } from "../../../src/learn/traffic.js";
import { loadTexts } from "../config/configurations.js";
import { HOUR_MS, trafficOf } from "./traffics.js";

const NOTES = { source: "a test", dispersions: [], scale: 1 };
const OPTIONS = { zone: "Europe/Berlin", isOneDay: false };

function loaded(text: string) {
  return loadTexts([text], { env: { STAGING_BROKER_URL: "redis://localhost/0" } }).config;
}

function written(traffic: Traffic, scale = 1, isOneDay = false) {
  const plan = scaled(learnPlan(traffic, { ...OPTIONS, isOneDay }), scale);
  const text = learnedConfiguration(plan, { ...NOTES, dispersions: traffic.dispersions, scale });
  return { plan, text, config: loaded(text) };
}

const MINUTES = new Array<number>(100).fill(600);
const WEEK = Array.from({ length: 7 * 24 }, (_, hour) => 3_600 * (1 + (hour % 24)));
const cases: [what: string, traffic: Traffic, isOneDay?: boolean][] = [
  ["a constant rate", trafficOf(MINUTES, 60_000)],
  ["steps", trafficOf([...MINUTES, ...MINUTES.map((count) => 3 * count)], 60_000)],
  ["a week", trafficOf(WEEK, HOUR_MS)],
  [
    "a week whose days differ",
    trafficOf(
      WEEK.map((count, hour) => count + hour * 36),
      HOUR_MS,
    ),
  ],
  [
    "a day",
    trafficOf(
      Array.from({ length: 24 * 60 }, (_, minute) => minute),
      60_000,
    ),
    true,
  ],
  ["rates below one an hour", trafficOf([1, ...new Array<number>(99).fill(0)], HOUR_MS)],
  ["bursts", trafficOf(MINUTES, 60_000, { dispersions: [{ seconds: 60, index: 40, mean: 20 }] })],
];
for (const [what, traffic, isOneDay] of cases) {
  test(`the profile that is written is the one that was learned: ${what}`, () => {
    for (const scale of [1, 1.5]) {
      const { plan, text, config } = written(traffic, scale, isOneDay);
      const { profile, arrival } = config.scenarios.production!;
      assert.deepEqual(profile, plan.profile, text);
      assert.deepEqual(arrival, plan.arrival ?? "poisson");
    }
  });
}

test("any names that a configuration can hold are written, whatever is in them, and nothing else gets in", () => {
  const word = fc.oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 30 }),
    fc.constantFrom(
      ...[
        "shop.pay",
        "a: b",
        "#x",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it must not be one of the configuration either.
        "${HOME}",
        "{{ uuid }}",
        "- x",
        "x\ny: 1",
        "'",
        '"',
        "*a",
        "\u00a0",
        "a\u2028",
        "null",
        "1",
        "é",
        "true",
        "constructor",
      ],
    ),
  );
  const tasks = fc.uniqueArray(fc.tuple(word, fc.option(word), fc.integer({ min: 1, max: 50 })), {
    ...{ minLength: 1, maxLength: 8 },
    selector: ([name, queue]) => JSON.stringify([name, queue]),
  });
  fc.assert(
    fc.property(tasks, (given) => {
      const traffic = trafficOf([60, 60], 60_000, { tasks: given });
      const plan = learnPlan(traffic, OPTIONS);
      if (plan.tasks.length === 0) return;
      const config = loaded(learnedConfiguration(plan, NOTES));
      for (const { key, name, queue } of plan.tasks) {
        const task = config.tasks[key]!;
        assert.ok("name" in task);
        assert.deepEqual([task.name, task.queue], [name, queue ?? "celery"]);
      }
      assert.equal(Object.keys(config.tasks).length, plan.tasks.length);
    }),
    { numRuns: 200 },
  );
});

test("the mix is in per cent, the most frequent first; Celery's own are left out and told of", () => {
  const traffic = trafficOf([100], 60_000, {
    tasks: [
      ["shop.pay", "urgent", 1],
      ["celery.chord_unlock", "celery", 1],
      ["shop.pay", "slow", 2],
      ["shop.mail.send", null, 5],
    ],
  });
  const { plan, text } = written(traffic);
  assert.deepEqual(
    plan.tasks.map(({ key, weight }) => [key, weight]),
    [
      ["send", 62.5],
      ["pay_on_slow", 25],
      ["pay_on_urgent", 12.5],
    ],
  );
  assert.match(plan.remarks.join(), /Left out: 1 task names \(11 % of all\), Celery's own/);
  assert.match(text, / {2}send: # SIDE EFFECTS\? "send"/);
  assert.match(text, /# queue: celery # the source does not tell it/);
});

test("more than 200 tasks are not written, and the rate is that of those that are", () => {
  const tasks = Array.from(
    { length: 300 },
    (_, index) => [`t${index}.run`, "q", 300 - index] as const,
  );
  const { plan } = written(trafficOf([60], 60_000, { tasks }));
  assert.equal(plan.tasks.length, 200);
  assert.match(
    plan.remarks.join(),
    /100 task names \(11 % of all\), the least frequent beyond 200/,
  );
  const kept = totalsOf(trafficOf([60], 60_000, { tasks: tasks.slice(0, 200) }));
  const perSecond = kept.reduce((all, count) => all + count) / 60;
  assert.ok(plan.profile.kind === "constant");
  assert.ok(Math.abs(plan.profile.ratePerSecond / perSecond - 1) < 0.001);
});

test("a stand-in's names are literals of Python, and one name on two queues is one task", () => {
  const text = standInModule(
    [
      { name: 'it\'s "x"\\n', queue: "a", runTimes: { p50: 0.05, p90: 0.1, p99: 1 } },
      { name: "shop.pay", queue: "b", runTimes: null },
      { name: "shop.pay", queue: "a", runTimes: null },
    ],
    'of """me"""\n.yml',
  );
  assert.match(text, /^ {4}"it's \\"x\\"\\\\n": \(0\.05, 0\.1, 1\),$/m);
  assert.equal(text.match(/"shop\.pay": None,/g)?.length, 1);
  assert.match(text, /^QUEUES = \["a", "b"\]$/m);
  assert.equal(text.match(/"""/g)?.length, 4);
});
