import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { allDashboards } from "../../../src/dashboards/boards.js";
import { dashboardText } from "../../../src/dashboards/classic-json.js";
import { repositoryPath, repositoryText } from "./classic-board.js";

const TASKS = "grafana/dashboards/celery-load-tasks.json";

for (const dashboard of allDashboards()) {
  test(`the committed ${dashboard.uid} is what the code generates`, () => {
    const committed = repositoryText(`grafana/dashboards/${dashboard.uid}.json`);
    assert.equal(committed, dashboardText(dashboard));
  });
}

test("every committed dashboard is one that the code generates", () => {
  const committed = readdirSync(repositoryPath("grafana/dashboards")).sort();
  assert.deepEqual(
    committed,
    allDashboards()
      .map(({ uid }) => `${uid}.json`)
      .sort(),
  );
});

test("no generated file of the repository has drifted", () => {
  const { status, stderr } = generate("--check");
  assert.equal(status, 0, stderr);
});

test("generate writes what --check then accepts, and --check names a file that was changed", () => {
  const directory = mkdtempSync(join(tmpdir(), "celery-load-generate-"));
  try {
    assert.equal(generate("--out", directory).status, 0);
    assert.equal(generate("--check", "--out", directory).status, 0);
    appendFileSync(join(directory, TASKS), "\n");
    const { status, stderr } = generate("--check", "--out", directory);
    assert.equal(status, 1);
    assert.match(stderr, /^grafana\/dashboards\/celery-load-tasks\.json differs/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("--check writes nothing and names a file that is missing", () => {
  const directory = mkdtempSync(join(tmpdir(), "celery-load-generate-"));
  try {
    const { status, stderr } = generate("--check", "--out", directory);
    assert.equal(status, 1);
    assert.match(stderr, /celery-load-tasks\.json differs/);
    assert.equal(generate("--check", "--out", directory).status, 1);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

function generate(...args: string[]) {
  const script = repositoryPath("scripts/generate.mjs");
  return spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });
}
