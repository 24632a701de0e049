import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { allDashboards } from "../../../src/dashboards/boards.js";
import { ensurePrometheus } from "../../../src/setup/prometheus.js";
import { committedBoard, expressionsOf, repositoryPath } from "./classic-board.js";
import { substituted } from "./variables.js";

const programs = await ensurePrometheus();
const expressions = allDashboards().flatMap(({ uid }) => expressionsOf(committedBoard(uid!)));

test("promtool parses every expression of every dashboard", () => {
  const { status, output } = checkRules(expressions.map(({ expr }) => asSent(expr)));
  assert.equal(status, 0, output);
});

test("promtool is asked about every query of the dashboards", () => {
  const { output } = checkRules(expressions.map(({ expr }) => asSent(expr)));
  assert.match(output, new RegExp(`${expressions.length} rules found`));
});

test("promtool refuses an expression that does not parse", () => {
  assert.notEqual(checkRules(["sum by (task ("]).status, 0);
});

test("no variable is left in an expression after they are substituted", () => {
  for (const { place, expr } of expressions) assert.doesNotMatch(asSent(expr), /\$/, place);
});

test("promtool accepts the Prometheus configuration", () => {
  const { status, output } = promtool(
    "check",
    "config",
    repositoryPath("prometheus/prometheus.yml"),
  );
  assert.equal(status, 0, output);
});

function checkRules(exprs: readonly string[]): { status: number | null; output: string } {
  const directory = mkdtempSync(join(tmpdir(), "celery-load-rules-"));
  try {
    const file = join(directory, "rules.yml");
    // JSON is YAML, so no expression has to be quoted by hand.
    const rules = exprs.map((expr, index) => ({ record: `dashboard:expression_${index}`, expr }));
    writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    return promtool("check", "rules", "--lint=none", file);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function promtool(...args: string[]): { status: number | null; output: string } {
  const { error, status, stdout, stderr } = spawnSync(programs.promtool, args, {
    encoding: "utf8",
  });
  if (error) throw error;
  return { status, output: stdout + stderr };
}

function asSent(expr: string): string {
  return substituted(expr, {
    rateInterval: "1m",
    interval: "1m",
    before: "1d",
    rangeSeconds: 3600,
    quantile: "0.95",
    selections: {},
  });
}
