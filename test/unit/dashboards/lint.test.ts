import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { labelValues } from "../../../src/docs/label-values.js";
import { METRIC_PREFIX, METRICS, type MetricKey } from "../../../src/exposition/metrics.js";
import { ANNOUNCED_METRICS, ANNOUNCED_VALUES } from "./announced-metrics.js";
import { type ClassicBoard, committedBoard, repository } from "./classic-board.js";
import { dashboardFaults } from "./lint.js";

const names = readdirSync(new URL("grafana/dashboards", repository)).map((file) =>
  file.replace(/\.json$/, ""),
);

for (const name of names) {
  test(`the dashboard ${name} keeps every rule of the lint`, () => {
    assert.deepEqual(dashboardFaults(committedBoard(name)), []);
  });

  test(`the file ${name}.json bears the uid of its dashboard`, () => {
    assert.equal(committedBoard(name).uid, name);
  });
}

const breakages: {
  on?: string;
  what: string;
  breakIt: (board: ClassicBoard) => void;
  fault: RegExp;
}[] = [
  {
    what: "a fixed data source",
    breakIt: (board) => {
      panel(board, "Outcomes").datasource = { type: "prometheus", uid: "abc" };
    },
    fault: /^Outcomes has a fixed data source$/,
  },
  {
    what: "a selector without the variables",
    breakIt: (board) => {
      query(board, "Outcomes").expr =
        "sum(rate(celery_load_task_outcomes_total[$__rate_interval]))";
    },
    fault: /celery_load_task_outcomes_total is not narrowed by the variable instance$/,
  },
  {
    what: "a fixed window",
    breakIt: (board) => {
      replaceInQuery(board, "Outcomes", "$__rate_interval", "5m");
    },
    fault: /^Outcomes A: rate\(…\[5m\]\) has a fixed or wrong window$/,
  },
  {
    what: "a counter outside rate and increase",
    breakIt: (board) => {
      replaceInQuery(board, "In flight", "tasks_in_flight", "tasks_planned_total");
    },
    fault: /celery_load_tasks_planned_total is shown outside rate or increase$/,
  },
  {
    what: "a metric that does not exist",
    breakIt: (board) => {
      replaceInQuery(board, "In flight", "tasks_in_flight", "tasks_flying");
    },
    fault: /nobody has a metric celery_load_tasks_flying$/,
  },
  {
    what: "a label that its metric does not have",
    breakIt: (board) => {
      replaceInQuery(board, "In flight", 'task=~"$task"', 'worker=~"$task"');
    },
    fault: /celery_load_tasks_in_flight has no label worker$/,
  },
  {
    on: "celery-load-tasks",
    what: "a value that a label never has",
    breakIt: (board) => {
      replaceInQuery(board, "Success by task", '"succeeded"', '"success"');
    },
    fault: /outcome of celery_load_task_outcomes_total is never "success"$/,
  },
  {
    on: "celery-load-tasks",
    what: "a grouping by a label that does not exist",
    breakIt: (board) => {
      replaceInQuery(board, "Drops by reason", "by (reason)", "by (kind)");
    },
    fault: /celery_load_tasks_dropped_total has no label kind to group by$/,
  },
  {
    on: "celery-load-tasks",
    what: "a legend of a label that was summed away",
    breakIt: (board) => {
      query(board, "Drops by reason").legendFormat = "{{task}}";
    },
    fault: /^Drops by reason A: its series have no label task$/,
  },
  {
    what: "a panel without a description",
    breakIt: (board) => {
      delete panel(board, "In flight").description;
    },
    fault: /^In flight does not explain itself$/,
  },
  {
    what: "a panel without a unit",
    breakIt: (board) => {
      delete panel(board, "In flight").fieldConfig;
    },
    fault: /^In flight has no known unit$/,
  },
  {
    what: "two panels with one id",
    breakIt: (board) => {
      panel(board, "In flight").id = panel(board, "Outcomes").id;
    },
    fault: /^In flight and Outcomes have the same id$/,
  },
  {
    what: "a panel of a type that Grafana has removed",
    breakIt: (board) => {
      panel(board, "In flight").type = "graph";
    },
    fault: /panels of type graph are not used here$/,
  },
  {
    what: "a missing variable",
    breakIt: (board) => {
      board.templating.list = board.templating.list.filter(({ name }) => name !== "instance");
    },
    fault: /^there is no query variable instance$/,
  },
  {
    what: "a link that forgets what is chosen",
    breakIt: (board) => {
      board.links[0]!.includeVars = false;
    },
    fault: /^no link leads to the other dashboards/,
  },
  {
    what: "a variable that nothing uses",
    breakIt: (board) => {
      board.templating.list.push({ name: "idle", type: "custom", label: "Idle", query: "1" });
    },
    fault: /^the variable idle is used nowhere$/,
  },
  {
    what: "a variable that does not exist",
    breakIt: (board) => {
      panel(board, "In flight").title = "In flight of $nobody";
    },
    fault: /^there is no variable nobody, which is used$/,
  },
  {
    on: "celery-load-correlation",
    what: "a foreign metric that its exporter does not have",
    breakIt: (board) => {
      replaceInQuery(board, "Redis: time inside a command", "redis_commands_total", "redis_calls");
    },
    fault: /nobody has a metric redis_calls$/,
  },
  {
    on: "celery-load-correlation",
    what: "a recording rule that does not exist",
    breakIt: (board) => {
      replaceInQuery(board, "Workers that are up", "workers_up:by_source", "workers_up");
    },
    fault: /nobody has a metric celery_load:workers_up$/,
  },
  {
    on: "celery-load-correlation",
    what: "a foreign metric of every deployment",
    breakIt: (board) => {
      replaceInQuery(board, "Workers that are up", '{deployment=~"$deployment"}', "");
    },
    fault: /by_source is not narrowed by the variable deployment$/,
  },
  {
    on: "celery-load-soak",
    what: "a window that is not understood",
    breakIt: (board) => {
      replaceInQuery(board, "Redis is full in", "[$__range]", "[6h]");
    },
    fault: /deriv\(…\[6h\]\) has a fixed or wrong window$/,
  },
];

for (const { on = "celery-load-overview", what, breakIt, fault } of breakages) {
  test(`the lint finds ${what}`, () => {
    const board = committedBoard(on);
    breakIt(board);
    assert.ok(
      dashboardFaults(board).some((sentence) => fault.test(sentence)),
      `${fault} is not among: ${dashboardFaults(board).join("; ")}`,
    );
  });
}

test("what is announced is not there yet: a metric that has come is taken from the list", () => {
  const names = Object.values(METRICS).map(({ name }) => METRIC_PREFIX + name);
  for (const name of Object.keys(ANNOUNCED_METRICS)) {
    assert.ok(!names.includes(name), `${name} is exposed now: delete it in announced-metrics.ts`);
  }
});

test("no announced value of a label is there yet", () => {
  for (const [key, { name }] of Object.entries(METRICS)) {
    for (const [label, coming] of Object.entries(ANNOUNCED_VALUES[METRIC_PREFIX + name] ?? {})) {
      const values = labelValues(key as MetricKey, label);
      const come = coming.filter((value) => values?.includes(value));
      assert.deepEqual(come, [], `${name}: delete these values of ${label}`);
    }
  }
});

function panel(board: ClassicBoard, title: string) {
  const found = board.panels.find((candidate) => candidate.title === title);
  assert.ok(found, `the dashboard has no panel ${title}`);
  return found;
}

function query(board: ClassicBoard, title: string) {
  return panel(board, title).targets![0]!;
}

function replaceInQuery(board: ClassicBoard, title: string, from: string, to: string) {
  const target = query(board, title);
  target.expr = target.expr.replaceAll(from, to);
}
