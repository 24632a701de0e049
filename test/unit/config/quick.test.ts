import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../../src/config/load.js";
import { type QuickFlags, quickForm } from "../../../src/config/sources/quick.js";
import { ConfigError } from "../../../src/errors.js";
import { taskOf } from "./configurations.js";

function load(flags: QuickFlags, env: Record<string, string> = {}) {
  return loadConfig({ files: [], env, overrides: quickForm(flags, env) }).config;
}

test("a task name is enough for a configuration", () => {
  const config = load({ task: "app.tasks.add" });
  assert.equal(config.connections.main?.broker, "redis://127.0.0.1:6379/0");
  assert.equal(config.connections.main?.backend, "redis://127.0.0.1:6379/0");
  assert.equal(taskOf(config, "task").name, "app.tasks.add");
  assert.deepEqual(config.scenarios.quick?.profile, { kind: "constant", ratePerSecond: 1 });
});

test("every flag goes to its place", () => {
  const config = load({
    broker: "redis://a/1",
    backend: "redis://b/2",
    task: "app.add",
    args: '[1, "{{ uuid }}"]',
    kwargs: '{"size": {"w": 1.5}}',
    profile: '{"steps": ["20/s for 10m"], "repeat": true}',
    queue: "images",
    listen: "[::1]:0",
  });
  assert.equal(config.connections.main?.broker, "redis://a/1");
  assert.equal(config.connections.main?.backend, "redis://b/2");
  assert.deepEqual(taskOf(config, "task").args, [1, "{{ uuid }}"]);
  assert.deepEqual(taskOf(config, "task").kwargs, { size: { w: 1.5 } });
  assert.equal(taskOf(config, "task").queue, "images");
  assert.equal(config.scenarios.quick?.profile.kind, "steps");
  assert.deepEqual(config.server.listen, { host: "::1", port: 0 });
});

test("broker and backend come from Celery's variables when no broker is given", () => {
  const env = { CELERY_BROKER_URL: "redis://env/1", CELERY_RESULT_BACKEND: "redis://env/2" };
  const fromEnvironment = load({ task: "a" }, env).connections.main;
  assert.equal(fromEnvironment?.broker, "redis://env/1");
  assert.equal(fromEnvironment?.backend, "redis://env/2");
  const fromFlag = load({ task: "a", broker: "redis://flag" }, env).connections.main;
  assert.equal(fromFlag?.backend, "redis://flag");
});

test("a profile may be written without JSON's quotes", () => {
  assert.deepEqual(load({ task: "a", profile: "max" }).scenarios.quick?.profile, { kind: "max" });
  assert.equal(load({ task: "a", profile: '"5/m"' }).scenarios.quick?.profile.kind, "constant");
});

test("variables override what no flag says, in the scenario that the flags make", () => {
  const env = { CELERY_LOAD_SCENARIOS__QUICK__MAX_IN_FLIGHT: "5", CELERY_LOAD_SEED: "9" };
  const config = load({ task: "a" }, env);
  assert.equal(config.scenarios.quick?.maxInFlight, 5);
  assert.equal(config.seed, 9);
});

const JSON_END = "Put it in single quotes for the shell.";
const ARGS = 'Cannot read --args: must be a JSON list such as [1, "a"];';
const DEEP = "[".repeat(100_000);

const BAD: [name: string, flags: QuickFlags, message: string][] = [
  ["no task", {}, "--task: Cannot run without a task. Write --task app.tasks.add, or name a file."],
  [
    "rate and profile",
    { task: "a", rate: "1/s", profile: "max" },
    "--profile: Cannot use --rate and --profile together. Keep one of them.",
  ],
  [
    "args that are no JSON",
    { task: "a", args: "[canary]" },
    `--args: ${ARGS} this is not JSON. ${JSON_END}`,
  ],
  [
    "args that end too early",
    { task: "a", args: "[1," },
    `--args: ${ARGS} its end is missing. ${JSON_END}`,
  ],
  [
    "args that are no list",
    { task: "a", args: "5" },
    '--args: Cannot read args of task "task": must be a list; found 5. Write [1, 2].',
  ],
  [
    "args that are nested too deeply",
    { task: "a", args: DEEP },
    `--args: ${ARGS} it is nested more than 64 levels deep. ${JSON_END}`,
  ],
  [
    "a number that no float holds",
    { task: "a", args: "[1e400]" },
    '--args: Cannot read args[0] of task "task": Infinity is not a number that JSON can carry.',
  ],
  [
    "kwargs with a key that reaches the prototype",
    { task: "a", kwargs: '{"a": {"__proto__": {"canary": 1}}}' },
    `--kwargs: Cannot read --kwargs: must be a JSON mapping such as {"size": 3}; the key __proto__ is not allowed. ${JSON_END}`,
  ],
  [
    "kwargs that are a list",
    { task: "a", kwargs: "[]" },
    '--kwargs: Cannot read kwargs of task "task": must be a mapping; found a list. Write {key: value}.',
  ],
  [
    "a rate without unit",
    { task: "a", rate: "20" },
    '--rate: Cannot read rate of scenario "quick": must be a number per s, m or h such as 20/s; found "20". Write 20/s.',
  ],
  [
    "a broker of another kind",
    { task: "a", broker: "sqs://u:canary@h" },
    '--broker: Cannot read broker of connection "main": must be a redis:// or amqp:// URL: Celery\'s scheme sqs is not supported by this version. Write redis://host:6379/0 or amqp://user:password@host:5672/vhost.',
  ],
  [
    "a task name with a tab",
    { task: "a\tb" },
    '--task: Cannot read name of task "task": must be a task name such as app.tasks.resize, without control characters; found "a\\tb". Write it like app.tasks.resize.',
  ],
];

for (const [name, flags, message] of BAD) {
  test(`the quick form refuses ${name}`, () => {
    assert.throws(
      () => load(flags),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.equal(error.message, message);
        assert.equal(error.exitCode, 104);
        return true;
      },
    );
  });
}
