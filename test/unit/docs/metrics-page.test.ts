import assert from "node:assert/strict";
import { test } from "node:test";
import { metricsPage } from "../../../src/docs/metrics-page.js";
import { METRIC_PREFIX, METRICS } from "../../../src/exposition/metrics.js";
import { KNOWN_METRICS } from "../dashboards/known-metrics.js";

const page = metricsPage();

test("every metric stands in one row of the page, with its type, labels and help", () => {
  for (const { name, type, labels, help } of Object.values(METRICS)) {
    const rows = page
      .split("\n")
      .filter((line) => line.startsWith(`| \`${METRIC_PREFIX}${name}\` |`));
    assert.equal(rows.length, 1, name);
    const row = rows[0]!;
    assert.equal(row.split(" | ")[1], type, name);
    for (const label of labels) assert.ok(row.includes(`\`${label}\``), `${name}: ${label}`);
    assert.ok(row.endsWith(` | ${help} |`), name);
  }
});

test("every metric that the page's text names exists", () => {
  for (const [name] of page.matchAll(/\b(?:celery_load|process|nodejs)_[a-z_]*[a-z](?![\w…])/g)) {
    assert.ok(KNOWN_METRICS.has(name), `${name} is on the page, but the daemon has no such metric`);
  }
});
