import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
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

const breakages: { what: string; breakIt: (board: ClassicBoard) => void; fault: RegExp }[] = [
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
    fault: /the daemon has no metric celery_load_tasks_flying$/,
  },
  {
    what: "a label that its metric does not have",
    breakIt: (board) => {
      replaceInQuery(board, "In flight", 'task=~"$task"', 'worker=~"$task"');
    },
    fault: /celery_load_tasks_in_flight has no label worker$/,
  },
  {
    what: "a value that a label never has",
    breakIt: (board) => {
      replaceInQuery(board, "Success by task", '"succeeded"', '"success"');
    },
    fault: /outcome of celery_load_task_outcomes_total is never "success"$/,
  },
  {
    what: "a grouping by a label that does not exist",
    breakIt: (board) => {
      replaceInQuery(board, "Drops by reason", "by (reason)", "by (kind)");
    },
    fault: /celery_load_tasks_dropped_total has no label kind to group by$/,
  },
  {
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
];

for (const { what, breakIt, fault } of breakages) {
  test(`the lint finds ${what}`, () => {
    const board = committedBoard("celery-load-traffic");
    breakIt(board);
    assert.ok(
      dashboardFaults(board).some((sentence) => fault.test(sentence)),
      `${fault} is not among: ${dashboardFaults(board).join("; ")}`,
    );
  });
}

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
