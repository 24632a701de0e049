import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { MASK } from "../../../src/celery/events/worker-conf.js";
import { readSettings } from "../../../src/doctor/worker-settings.js";

interface Case {
  /** What `app.conf` said inside of the worker. */
  readonly effective: Readonly<Record<string, unknown>>;
  /** What the worker answered. */
  readonly conf: Readonly<Record<string, unknown>>;
}

const NO_OPTIONS = { transport_options: {} };
const NO_SETTINGS = readSettings({}, NO_OPTIONS);
const BY_ENVIRONMENT = { name: "result_backend", why: "not set, or by environment" };
const masked = (url: unknown) => (typeof url === "string" ? url.replace(":pw@", ":***@") : null);

for (const version of ["5.2", "5.7"]) {
  const file = new URL(`../../../../test/vectors/settings/celery-${version}.json`, import.meta.url);
  const cases: Readonly<Record<string, Case>> = JSON.parse(readFileSync(file, "utf8"));
  for (const [name, { effective, conf }] of Object.entries(cases)) {
    test(`Celery ${version}, ${name}: settings are what they are inside of the worker`, () => {
      const settings = readSettings(conf, NO_OPTIONS);
      assert.deepEqual(
        {
          result_backend: settings.resultBackend,
          accept_content: settings.acceptContent,
          task_default_queue: settings.defaultQueue,
          task_time_limit: settings.timeLimitSeconds,
          task_soft_time_limit: settings.softTimeLimitSeconds,
          worker_disable_rate_limits: settings.disablesRateLimits,
        },
        { ...effective, result_backend: masked(effective.result_backend) },
      );
      assert.deepEqual(settings.unknown, effective.result_backend === null ? [BY_ENVIRONMENT] : []);
    });
  }

  test(`Celery ${version}: routes are those of the project, whatever it calls the setting`, () => {
    const written = ["plain", "django", "namespace-SHOP_CELERY", "namespace-API_", "old"];
    for (const name of written) {
      const routes = readSettings(cases[name]!.conf, NO_OPTIONS).routes as Record<string, unknown>;
      assert.deepEqual(routes["shop.tasks.resize"], { queue: "images" }, name);
    }
    assert.equal(readSettings(cases.defaults!.conf, NO_OPTIONS).routes, null);
  });
}

test("what is not set has Celery's default", () => {
  assert.deepEqual(NO_SETTINGS, {
    resultBackend: null,
    acceptContent: ["json"],
    resultSerializer: "json",
    resultCompression: "",
    resultAcceptContent: ["json"],
    resultExtended: false,
    ignoresResults: false,
    routes: null,
    defaultQueue: "celery",
    timeLimitSeconds: null,
    softTimeLimitSeconds: null,
    disablesRateLimits: false,
    visibilityTimeoutSeconds: 3600,
    prioritySteps: [0, 3, 6, 9],
    sep: "\x06\x16",
    unknown: [BY_ENVIRONMENT],
  });
});

test("what was not told is not known, and each of it is named", () => {
  const { unknown, ...settings } = readSettings(undefined, undefined);
  assert.deepEqual(new Set(Object.values(settings)), new Set([null]));
  assert.deepEqual(
    unknown.map(({ name, why }) => `${name} ${why}`),
    [
      "result_backend not told",
      "accept_content not told",
      "result_serializer not told",
      "result_compression not told",
      "result_accept_content not told",
      "result_extended not told",
      "task_ignore_result not told",
      "task_routes not told",
      "task_default_queue not told",
      "task_time_limit not told",
      "task_soft_time_limit not told",
      "worker_disable_rate_limits not told",
      "broker_transport_options not told",
    ],
  );
});

const odd: readonly (readonly [string, unknown, string])[] = [
  ["result_backend", MASK, "masked"],
  ["result_backend", ["redis://a"], "not readable"],
  ["accept_content", "{'json', 'yaml'}", "not readable"], // a set, as Celery writes it
  ["accept_content", MASK, "masked"],
  ["task_default_queue", MASK, "masked"],
  ["task_time_limit", "1:30:00", "not readable"],
  ["worker_disable_rate_limits", "yes", "not readable"],
];
for (const [name, value, why] of odd) {
  test(`${name} as ${JSON.stringify(value)} is not known: ${why}`, () => {
    const conf = { result_backend: "rpc://", [name]: value };
    assert.deepEqual(readSettings(conf, NO_OPTIONS).unknown, [{ name, why }]);
  });
}
