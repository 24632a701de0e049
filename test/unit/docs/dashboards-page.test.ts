import assert from "node:assert/strict";
import { test } from "node:test";
import { allDashboards } from "../../../src/dashboards/boards.js";
import { committedBoard, repositoryText } from "../dashboards/classic-board.js";

const page = repositoryText("docs/dashboards.md");

for (const { uid } of allDashboards()) {
  const board = committedBoard(uid!);
  const name = board.title.replace("Celery load / ", "");

  test(`the page about the dashboards explains every row of ${name}, in its order`, () => {
    const [, chapter = ""] =
      new RegExp(`^### ${name}\n([^]*?)(?=^##|(?![^]))`, "m").exec(page) ?? [];
    const explained = [...chapter.matchAll(/^\| \*\*(.+)\*\* \|/gm)].map(([, title]) => title);
    const rows = board.panels.filter(({ type }) => type === "row").map(({ title }) => title);
    assert.deepEqual(explained, rows);
  });
}
