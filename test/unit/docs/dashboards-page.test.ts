import assert from "node:assert/strict";
import { test } from "node:test";
import { committedBoard, repositoryText } from "../dashboards/classic-board.js";

test("the page about the dashboards explains every row, in its order", () => {
  const board = committedBoard("celery-load-traffic");
  const rows = board.panels.filter(({ type }) => type === "row").map(({ title }) => title);
  const explained = [...repositoryText("docs/dashboards.md").matchAll(/^\| \*\*(.+)\*\* \|/gm)].map(
    ([, title]) => title,
  );
  assert.deepEqual(explained, rows);
});

test("the page about the dashboards calls the dashboard by its title", () => {
  const { title } = committedBoard("celery-load-traffic");
  assert.ok(repositoryText("docs/dashboards.md").includes(`**${title}**`));
});
