import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { configurationKeys } from "../../../src/docs/configuration-keys.js";
import { READ_OPERATIONS } from "../../../src/http/control/operations.js";
import { alertNames } from "../../../src/rules/rules-file.js";
import { repository, repositoryText } from "../dashboards/classic-board.js";
import { KNOWN_METRICS } from "../dashboards/known-metrics.js";
import { codeSpans } from "./markdown-code.js";
import { markdownPages } from "./pages.js";

/** What was true of an earlier version may be told of it. */
const HISTORY = "CHANGELOG.md";
/** Its paths are those of an answer. */
const ANSWER = "docs/api.md";

const ALERTS = new Set(alertNames());
const RECORDED = new Set(recordedSeries());
const KEYS = new Set(configurationKeys().map(({ path }) => path.replaceAll("[]", "")));
const SECTION = /^(?:connections|tasks|scenarios|slos|server|control|limits)\./;
const ROUTES = new Set(READ_OPERATIONS.map(({ path }) => path.replace(/\.json$/, "")));

for (const page of markdownPages().filter((name) => name !== HISTORY)) {
  const text = repositoryText(page);

  test(`every metric, recorded series and alert that ${page} names exists`, () => {
    assert.deepEqual(unknownNames(text), []);
  });

  test(`every key of the configuration that ${page} names with its section exists`, () => {
    if (page !== ANSWER) assert.deepEqual(codeSpans(text).filter(isUnknownKey), []);
  });

  test(`every route of the daemon that ${page} names exists`, () => {
    const named = [
      ...text.matchAll(
        /(?:localhost|127\.0\.0\.1):9809(\/[\w/]+)|`(?:GET )?(\/(?:api\/[\w/]+|metrics|healthz|readyz))`/g,
      ),
    ];
    const routes = named.map(([, address, span]) => address ?? span!);
    assert.deepEqual(
      routes.filter((route) => !ROUTES.has(route)),
      [],
    );
  });
}

test("names that do not exist are found", () => {
  assert.deepEqual(
    unknownNames(
      "celery_load_tasks_total CeleryLoadNothing celery_load:none celery_load_workers_*",
    ),
    ["celery_load_tasks_total", "CeleryLoadNothing", "celery_load:none"],
  );
  assert.ok(isUnknownKey("limits.maxRates"));
  assert.ok(!isUnknownKey("connections.<name>.forget"));
  assert.ok(!isUnknownKey("tasks.{key}.expires"));
  assert.ok(!isUnknownKey("scenarios.steady.profile=50/s"));
});

/** Names of metrics, recorded series and alerts in a text that nothing has. One before `*` or `…` is a group. */
function unknownNames(text: string): string[] {
  const found = text.matchAll(
    /\b(?:celery_load_\w+|(?:slo:)?celery_load\w*:[\w:]+|CeleryLoad[A-Z]\w+)(?![\w:]|[*…])/g,
  );
  return [...found].map(([name]) => name).filter((name) => !isKnown(name));
}

function isKnown(name: string): boolean {
  if (name.startsWith("CeleryLoad")) return ALERTS.has(name);
  if (name.includes(":")) return RECORDED.has(name);
  const metric = name.replace(/_(?:bucket|sum|count)$/, "");
  return KNOWN_METRICS.has(name) || KNOWN_METRICS.get(metric)?.type === "histogram";
}

/** True for a path of keys that no configuration may have; names of the user's stand at the second place. */
function isUnknownKey(span: string): boolean {
  if (!SECTION.test(span)) return false;
  const [path = ""] = span.replaceAll("[]", "").split(/[=:\s]/);
  const keys = path.split(".");
  if (["connections", "tasks", "scenarios"].includes(keys[0]!)) keys[1] = "NAME";
  return !KEYS.has(keys.join("."));
}

/** The series that the rules of the bundled files make. */
function recordedSeries(): string[] {
  const files = readdirSync(new URL("prometheus/", repository)).filter((name) =>
    name.endsWith(".yml"),
  );
  return files.flatMap((name) =>
    [...repositoryText(`prometheus/${name}`).matchAll(/record: "?([\w:]+)/g)].map(
      ([, series]) => series!,
    ),
  );
}
