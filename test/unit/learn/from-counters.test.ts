import assert from "node:assert/strict";
import { test } from "node:test";
import { COUNTER_SOURCES, type CounterSource } from "../../../src/learn/counter-source.js";
import { type CounterAnswer, trafficOfCounters } from "../../../src/learn/from-counters.js";
import { learnPlan } from "../../../src/learn/learned-plan.js";
import { totalsOf } from "../../../src/learn/traffic.js";

const POINTS = 5;
const source = (title: string) => COUNTER_SOURCES.find((each) => each.title === title)!;
const EXPORTER = source("celery-exporter");

type Labels = Readonly<Record<string, string>>;
type Row = readonly [labels: Labels, perStep: number];

/** Counters that grow by so many a step. */
function answerOf(
  of: CounterSource,
  { sent = [], received = [], retried = [] }: Readonly<Record<string, readonly Row[]>>,
): CounterAnswer {
  const series = (rows: readonly Row[]) =>
    rows.map(([labels, perStep]) => ({
      labels: { job: "celery", instance: "one:9808", ...labels },
      values: Float64Array.from({ length: POINTS }, (_, point) => 1_000 + point * perStep),
    }));
  return {
    ...{ source: of, fromUnixMs: 0, stepMs: 60_000, points: POINTS },
    ...{ sent: series(sent), received: series(received), retried: series(retried) },
    pages: new Map(),
    runTimes: new Map([
      [
        "shop.pay",
        [
          { upTo: 1, count: 50 },
          { upTo: Infinity, count: 100 },
        ],
      ],
    ]),
  };
}

const pay = (queue: string, more: Labels = {}): Labels => ({
  ...{ name: "shop.pay", queue_name: queue },
  ...more,
});
const cases: [
  what: string,
  of: CounterSource,
  series: Readonly<Record<string, Row[]>>,
  tasks: string[],
][] = [
  [
    "what producers send, of several hosts",
    EXPORTER,
    {
      sent: [
        [pay("urgent", { hostname: "a" }), 10],
        [pay("urgent", { hostname: "b" }), 5],
      ],
    },
    ["shop.pay urgent: 60"],
  ],
  [
    "a task on two queues",
    EXPORTER,
    {
      sent: [
        [pay("urgent"), 10],
        [pay("slow"), 5],
      ],
    },
    ["shop.pay urgent: 40", "shop.pay slow: 20"],
  ],
  [
    "what workers receive, as producers tell nothing",
    EXPORTER,
    { sent: [[pay("urgent"), 1]], received: [[pay("urgent"), 10]] },
    ["shop.pay urgent: 40"],
  ],
  [
    "what workers receive without retries",
    EXPORTER,
    { received: [[pay("urgent"), 10]], retried: [[pay("urgent"), 2]] },
    ["shop.pay urgent: 32"],
  ],
  [
    "queues and names that are None",
    EXPORTER,
    {
      sent: [
        [pay("None"), 10],
        [{ name: "None", queue_name: "x" }, 10],
      ],
    },
    ["shop.pay null: 40"],
  ],
  [
    "Flower, which tells no queues",
    source("Flower"),
    { sent: [[{ task: "shop.pay" }, 2]] },
    ["shop.pay null: 8"],
  ],
  [
    "RabbitMQ, without queues of replies, events and orders",
    source("RabbitMQ"),
    {
      sent: [
        [{ queue: "urgent", vhost: "/" }, 2],
        [{}, 50],
        [{ queue: "celeryev.0d4fd8e1-6d52-4b6c-9d2f-1f7f0d7b2a11" }, 50],
        [{ queue: "celery@one.celery.pidbox" }, 50],
        [{ queue: "0d4fd8e1-6d52-4b6c-9d2f-1f7f0d7b2a11" }, 50],
      ],
    },
    ["write.the.task.of.urgent urgent: 8"],
  ],
  ["nothing", EXPORTER, { sent: [[pay("urgent"), 0]] }, []],
];
for (const [what, of, series, expected] of cases) {
  test(`counters of ${what}`, () => {
    const traffic = trafficOfCounters(answerOf(of, series));
    const totals = traffic === null ? [] : totalsOf(traffic);
    const found = traffic?.tasks.map(
      ({ name, queue }, task) => `${name} ${queue}: ${totals[task]}`,
    );
    assert.deepEqual(found ?? [], expected);
  });
}

test("run times are quantiles of the buckets; longer than the longest it is the longest", () => {
  const traffic = trafficOfCounters(answerOf(EXPORTER, { sent: [[pay("urgent"), 10]] }))!;
  assert.deepEqual(traffic.tasks[0]!.runTimes, { p50: 1, p90: 1, p99: 1 });
});

test("when Prometheus could not read a page nothing is known, and that is said", () => {
  const answer = answerOf(EXPORTER, { sent: [[pay("urgent"), 10]] });
  const points = 20;
  const values = Float64Array.from({ length: points }, (_, point) =>
    point >= 5 && point < 15 ? Number.NaN : point,
  );
  const sent = [{ ...answer.sent[0]!, values }];
  const traffic = trafficOfCounters({ ...answer, sent, points })!;
  assert.equal(traffic.isKnown.filter((isKnown) => !isKnown).length, 11);
  assert.deepEqual(totalsOf(traffic), [8]);
  const { remarks } = learnPlan(traffic, { zone: "UTC", isOneDay: false });
  assert.match(remarks.join(), /Not known for 11 minutes/);
});
