import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoadedConfig } from "../../../src/config/load.js";
import { printEffective } from "../../../src/config/print/print.js";
import { loadTexts, taskOf } from "./configurations.js";

const REST = `connections:
  main: {broker: redis://h}
`;
const SCENARIO = "scenarios: {steady: {profile: 1/s, mix: a}}\n";

/** The lines of `check` for one task or scenario. */
function lines({ effective }: LoadedConfig, name: string): string[] {
  const all = [...printEffective(effective())].join("").split("\n");
  const start = all.indexOf(`  ${name}:`);
  const length = all.slice(start + 1).findIndex((line) => !line.startsWith("    "));
  return all.slice(start + 1, start + 1 + length).map((line) => line.trim());
}

const DEFAULTS = `defaults:
  tasks: {queue: images, timeout: 30s, headers: {tenant: load, source: x}}
  scenarios:
    profile: {steps: [1/s for 1m]}
    maxInFlight: 7
tasks:
  a: {name: app.a}
  b: {name: app.b, queue: other, headers: {own: 1}}
scenarios:
  one: {mix: a}
  two: {mix: b, profile: 5/s}
${REST}`;

test("a task takes over what it has not itself; its own key replaces the default as a whole", () => {
  const { config } = loadTexts([DEFAULTS]);
  const [a, b] = [taskOf(config, "a"), taskOf(config, "b")];
  assert.deepEqual(
    [a.queue, a.timeoutMs, a.expiresMs, a.headers],
    ["images", 30_000, 30_000, { tenant: "load", source: "x" }],
  );
  assert.deepEqual([b.queue, b.timeoutMs, b.headers], ["other", 30_000, { own: 1 }]);
  const { one, two } = config.scenarios;
  assert.deepEqual([one?.profile.kind, one?.maxInFlight], ["steps", 7]);
  assert.deepEqual([two?.profile, two?.maxInFlight], [{ kind: "constant", ratePerSecond: 5 }, 7]);
});

test("check shows what was taken over with its place, and no defaults apart", () => {
  const loaded = loadTexts([DEFAULTS]);
  const a = lines(loaded, "a");
  assert.ok(a.includes("queue: images # load.yml:2:18, defaults.tasks"), a.join("\n"));
  assert.ok(a.includes("tenant: load # load.yml:2:58, defaults.tasks"), a.join("\n"));
  assert.ok(a.includes("expires: 30s # default: timeout"), a.join("\n"));
  assert.ok(lines(loaded, "b").includes("queue: other # load.yml:8:27"));
  const one = lines(loaded, "one");
  assert.ok(one.includes("maxInFlight: 7 # load.yml:5:18, defaults.scenarios"), one.join("\n"));
  assert.ok(one.includes("steps: [1/s for 1m] # load.yml:4:22, defaults.scenarios"));
  assert.doesNotMatch([...printEffective(loaded.effective())].join(""), /^defaults:/m);
});

test("defaults go through files, environment and --set, and fill what is missing after them", () => {
  const higher = "defaults: {tasks: {timeout: 20s}, scenarios: {profile: 3/s}}\n";
  const set = (text: string) => ({ set: text });
  const layers = loadTexts([DEFAULTS, higher], {
    env: {
      CELERY_LOAD_DEFAULTS__TASKS__QUEUE: "from-env",
      CELERY_LOAD_TASKS__A__HEADERS__SOURCE: "env",
      CELERY_LOAD_TASKS__B__TIMEOUT: "9s",
    },
    overrides: [
      set("defaults.tasks.retries=3"),
      set("tasks.a.headers.tenant=me"),
      set("scenarios.one.maxInFlight=8"),
    ],
  });
  const [a, b] = [taskOf(layers.config, "a"), taskOf(layers.config, "b")];
  assert.deepEqual([a.queue, a.timeoutMs, a.retries], ["from-env", 20_000, 3]);
  assert.deepEqual(a.headers, { tenant: "me", source: "env" });
  assert.deepEqual([b.queue, b.timeoutMs, b.retries], ["other", 9_000, 3]);
  assert.deepEqual(layers.config.scenarios.one?.profile, { kind: "constant", ratePerSecond: 3 });
  assert.equal(layers.config.scenarios.one?.maxInFlight, 8);
  assert.ok(lines(layers, "a").includes("queue: from-env # CELERY_LOAD_DEFAULTS__TASKS__QUEUE"));
  assert.ok(lines(layers, "a").includes("retries: 3 # --set defaults.tasks.retries"));
});

test("what is set of a task keeps contradicting defaults away, and a whole task still takes them over", () => {
  const text = `defaults: {tasks: {queue: images, priority: 3}}
tasks: {a: {name: app.a}, b: {name: app.b}}
${SCENARIO}${REST}`;
  const { config } = loadTexts([text], {
    env: { CELERY_LOAD_TASKS__A__URGENCY: "9" },
    overrides: [{ set: "tasks.b={name: app.z}" }],
  });
  const [a, b] = [taskOf(config, "a"), taskOf(config, "b")];
  assert.deepEqual([a.urgency, a.priority, a.queue], [9, 0, "images"]);
  assert.deepEqual([b.name, b.priority, b.queue], ["app.z", 3, "images"]);
});

test("a default is for the tasks of the command line, too", () => {
  const at = (path: string[], value: unknown) => ({ path, value, flag: "--test" });
  const { config } = loadTexts(["defaults: {tasks: {queue: images}}\n"], {
    overrides: [
      at(["connections", "main", "broker"], "redis://h"),
      at(["tasks", "task", "name"], "app.a"),
      at(["scenarios", "quick", "profile"], "1/s"),
    ],
  });
  assert.equal(taskOf(config, "task").queue, "images");
});

test("a workflow takes over its timeout, and a task nothing that contradicts its own keys", () => {
  const text = `defaults: {tasks: {queue: q, timeout: 5s, priority: 3, countdown: 1s}}
tasks:
  a: {name: app.a, urgency: 9}
  b: {name: app.b, eta: 2030-01-02T03:04:05Z, priority: 1}
  c: {chain: [a, b]}
${SCENARIO}${REST}`;
  const { config } = loadTexts([text]);
  const [a, b] = [taskOf(config, "a"), taskOf(config, "b")];
  assert.deepEqual([a.urgency, a.priority, a.countdownMs], [9, 0, 1_000]);
  assert.deepEqual([b.priority, b.countdownMs], [1, null]);
  assert.equal(config.tasks.c?.timeoutMs, 5_000);
});

test("merge keys put in what a mapping has not itself, with the places where it was written", () => {
  const text = `x-slow: &slow {timeout: 5m, queue: slow}
x-sure: &sure
  queue: sure
  retries: 2
tasks:
  a: {name: app.a, <<: *slow, timeout: 10m}
  b:
    <<: [*sure, *slow]
    name: app.b
    kwargs: {"<<": 1}
  c: {<<: [], name: app.c}
${SCENARIO}${REST}`;
  const loaded = loadTexts([text]);
  const [a, b] = [taskOf(loaded.config, "a"), taskOf(loaded.config, "b")];
  assert.deepEqual([a.queue, a.timeoutMs], ["slow", 600_000]);
  assert.deepEqual([b.queue, b.timeoutMs, b.retries], ["sure", 300_000, 2]);
  assert.ok(lines(loaded, "a").includes("queue: slow # load.yml:1:36"));
  assert.deepEqual(b.kwargs, { "<<": 1 });
  assert.ok(lines(loaded, "b").includes("retries: 2 # load.yml:4:12"));
});

test("many tasks may share one anchor", () => {
  const tasks = Array.from(
    { length: 300 },
    (_, index) => `  t${index}: {<<: *all, name: app.t${index}}`,
  );
  const text = `x-base: &base {queue: q}\nx-all: &all {<<: *base, timeout: 5s}\ntasks:\n${tasks.join("\n")}\n`;
  const { config } = loadTexts([`${text}${SCENARIO.replace("mix: a", "mix: t0")}${REST}`]);
  assert.equal(taskOf(config, "t299").queue, "q");
});

test("keys that start with x- are allowed where keys are ours, and are data where they are not", () => {
  const text = `x-top: {anything: [1]}
connections: {main: {broker: redis://h, x-note: 1, options: {x-note: 1}}}
tasks: {a: {name: app.a, x-note: "\${NOT_SET}", kwargs: {x-kept: 1}}, x-named: {name: app.x}}
scenarios: {steady: {profile: 1/s, mix: {a: 1, x-named: 2}, x-note: null}}
slos: [{name: s, objective: 99%, x-note: 1}]
server: {x-note: 1}
defaults: {x-note: 1, tasks: {x-note: 1}}
`;
  const loaded = loadTexts([text]);
  assert.deepEqual(taskOf(loaded.config, "a").kwargs, { "x-kept": 1 });
  assert.deepEqual(Object.keys(loaded.config.tasks), ["a", "x-named"]);
  assert.doesNotMatch([...printEffective(loaded.effective())].join(""), /x-note|x-top/);
});
