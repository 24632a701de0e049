import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { runRules } from "../../../src/commands/rules.js";
import { allDashboards } from "../../../src/dashboards/boards.js";
import { RULE_FORMATS } from "../../../src/rules/formats.js";
import type { AlertingRule, Rule } from "../../../src/rules/rule.js";
import { alertNames, DEFAULT_LINKS, ruleGroups, rulesText } from "../../../src/rules/rules-file.js";
import { CHECKOUT } from "../../../src/setup/checkout.js";
import { FOREIGN_METRICS } from "../dashboards/foreign-metrics.js";
import { KNOWN_METRICS } from "../dashboards/known-metrics.js";

const rules = ruleGroups(DEFAULT_LINKS).flatMap(({ rules }): readonly Rule[] => rules);
const alerts = rules.filter((rule): rule is AlertingRule => "alert" in rule);
const recorded = new Set(rules.map((rule) => ("record" in rule ? rule.record : "")));
const runbooks = readdirSync(join(CHECKOUT, "docs", "runbooks"));
/** The variables of each dashboard, by its uid. */
const boards = new Map(
  allDashboards().map(({ uid, templating }) => [
    uid,
    new Set(templating?.list?.map(({ name }) => name)),
  ]),
);
const promtoolTests = readdirSync(join(CHECKOUT, "prometheus", "tests")).map((file) => {
  const text = readFileSync(join(CHECKOUT, "prometheus", "tests", file), "utf8");
  return parse(text, { maxAliasCount: -1 }) as {
    readonly group_eval_order: readonly string[];
    readonly tests: readonly { readonly name: string }[];
  };
});

test("the rules, the texts of the alerts and their pages ask only for what there is", () => {
  const texts = [
    ...rules.flatMap((rule) => [
      rule.expr,
      ...("alert" in rule ? Object.values(rule.annotations) : []),
    ]),
    ...runbooks.map((file) => readFileSync(join(CHECKOUT, "docs", "runbooks", file), "utf8")),
    readFileSync(join(CHECKOUT, "docs", "slo.md"), "utf8"),
  ];
  for (const text of texts) {
    for (const [name] of text.matchAll(
      /\b(?:(?:slo:)?celery_load[_:]|redis_(?!exporter)|rabbitmq_(?!prometheus))[a-z0-9_:]+/g,
    )) {
      const metric = name.replace(/_(bucket|sum|count)$/, "");
      const isKnown =
        recorded.has(name) ||
        KNOWN_METRICS.has(name) ||
        KNOWN_METRICS.has(metric) ||
        FOREIGN_METRICS.has(name);
      assert.ok(isKnown, name);
    }
  }
});

test("every alert has a page and every page an alert", () => {
  assert.deepEqual(
    runbooks.filter((file) => file !== "README.md").sort(),
    alertNames()
      .map((name) => `${name}.md`)
      .sort(),
  );
});

test("every page has the same parts, shows a query, and is in the list of all", () => {
  const list = readFileSync(join(CHECKOUT, "docs", "runbooks", "README.md"), "utf8");
  for (const name of alertNames()) {
    const page = readFileSync(join(CHECKOUT, "docs", "runbooks", `${name}.md`), "utf8");
    const parts = [...page.matchAll(/^#+ (.+)$/gm)].map(([, title]) => title);
    assert.deepEqual(
      parts,
      [name, "What it means", "Why it fires", "What to look at", "What to do"],
      name,
    );
    assert.match(page, /```promql\n/, name);
    assert.ok(list.includes(`[${name}](${name}.md)`), name);
    const severities = alerts.filter(({ alert }) => alert === name);
    for (const { labels } of severities) {
      assert.ok(list.match(new RegExp(`\\| \\[${name}\\].*${labels.severity}`)), name);
    }
  }
});

test("every alert is tested to fire, to stay silent, and for series that vanish", () => {
  const names = promtoolTests.flatMap(({ tests }) => tests.map(({ name }) => name));
  for (const alert of alertNames()) {
    const own = names.filter((name) => new RegExp(`^${alert}\\b`).test(name));
    for (const word of ["fires", "stays silent", "vanish"]) {
      assert.ok(
        own.some((name) => name.includes(word)),
        `${alert}: no test says "${word}"`,
      );
    }
  }
});

test("the tests of promtool evaluate all groups in the order of the file", () => {
  for (const { group_eval_order } of promtoolTests) {
    assert.deepEqual(
      group_eval_order,
      ruleGroups(DEFAULT_LINKS).map(({ name }) => name),
    );
  }
});

test("every alert has its severity, texts and links, and no two rules are the same", () => {
  for (const { alert, labels, annotations } of alerts) {
    assert.match(labels.severity, /^(critical|warning|info)$/, alert);
    assert.match(annotations.summary, /\.$/, alert);
    assert.match(annotations.description, /[.}]$/, alert);
    assert.equal(annotations.runbook_url, `docs/runbooks/${alert}.md`);
    const [, board] =
      /^http:\/\/localhost:3000\/d\/([a-z-]+)\?/.exec(annotations.dashboard_url) ?? [];
    const found = boards.get(board ?? "");
    assert.ok(found, `${alert}: ${annotations.dashboard_url} leads to no dashboard`);
    for (const [, name = ""] of annotations.dashboard_url.matchAll(/&var-(\w+)=/g)) {
      assert.ok(found.has(name), `${board} has no variable ${name}`);
    }
  }
  const keys = alerts.map(({ alert, labels }) => JSON.stringify([alert, labels]));
  assert.equal(new Set(keys).size, keys.length);
});

test("every burn alert says where the bad events are and which side is slow", () => {
  const burns = alerts.filter(({ alert }) => alert === "CeleryLoadErrorBudgetBurn");
  assert.equal(burns.length, 4);
  for (const { annotations } of burns) {
    assert.match(annotations.description, /task_phase_seconds_sum/);
    assert.match(annotations.description, /slo_bad_events_total/);
  }
});

test("the operator's format holds the same groups in a PrometheusRule", () => {
  const [prometheus, operator] = RULE_FORMATS.map((format) => parse(rulesText(format)));
  assert.deepEqual(
    [operator.apiVersion, operator.kind],
    ["monitoring.coreos.com/v1", "PrometheusRule"],
  );
  assert.deepEqual(operator.spec.groups, prometheus.groups);
});

test("celery-load rules writes to standard output or to a file, with the links that are asked for", () => {
  let written = "";
  const streams = { stdout: { write: (text: string) => (written += text) } };
  assert.equal(runRules({ format: "prometheus" }, streams), 0);
  assert.equal(written, rulesText("prometheus"));
  const folder = mkdtempSync(join(tmpdir(), "celery-load-rules-"));
  try {
    const out = join(folder, "rules.yml");
    const flags = { out, runbooks: "https://wiki.example/", grafana: "https://grafana.example" };
    runRules({ format: "operator", ...flags }, streams);
    assert.ok(existsSync(out));
    const text = readFileSync(out, "utf8");
    assert.match(text, /runbook_url: https:\/\/wiki\.example\/CeleryLoadDown\.md/);
    assert.match(text, /dashboard_url: https:\/\/grafana\.example\/d\/celery-load-overview\?/);
    assert.throws(() => runRules({ format: "operator", out: join(folder, "no", "x") }, streams), {
      name: "UserError",
      message: /^Cannot write the rules to /,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
