import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { GivenValue } from "../../../src/config/sources/layers.js";
import { originAt, placeOf } from "../../../src/config/sources/tree.js";
import { HEAD, loadTexts, SCENARIO, taskOf } from "./configurations.js";

const BASE = HEAD + SCENARIO;

test("a value comes from the highest layer that has it, and says so", () => {
  const layer = fc.option(fc.integer({ min: 2, max: 1000 }), { nil: undefined });
  fc.assert(
    fc.property(layer, layer, layer, layer, layer, (first, second, env, flag, set) => {
      const overrides: GivenValue[] = [];
      if (flag !== undefined) overrides.push({ path: ["seed"], value: flag, flag: "--seed" });
      if (set !== undefined) overrides.push({ set: `seed=${set}` });
      const { config, effective } = loadTexts(
        [`${BASE}${line(first)}`, `server: {}\n${line(second)}`],
        {
          env: { CELERY_LOAD_SEED: env?.toString() },
          overrides,
        },
      );
      assert.equal(config.seed, set ?? flag ?? env ?? second ?? first ?? 1);
      const places = [
        [set, "--set seed"],
        [flag, "--seed"],
        [env, "CELERY_LOAD_SEED"],
        [second, "load2.yml:2:7"],
        [first, "load.yml:13:7"],
        [1, "configuration"],
      ] as const;
      const expected = places.find(([value]) => value !== undefined)?.[1];
      const origin = originAt(effective(), ["seed"]);
      assert.equal(placeOf(origin), expected);
    }),
    { numRuns: 40 },
  );
});

function line(seed: number | undefined): string {
  return seed === undefined ? "" : `seed: ${seed}\n`;
}

test("files merge key by key, lists are replaced", () => {
  const { config } = loadTexts([
    `${BASE}buckets: [1s, 2s, 3s]\n`,
    "buckets: [5s]\ntasks: {resize: {queue: images}, extra: {name: a.b}}\nscenarios: {steady: {mix: {extra: 2}}}\n",
  ]);
  assert.deepEqual(config.bucketsMs, [5000]);
  assert.equal(taskOf(config, "resize").name, "app.tasks.resize");
  assert.equal(taskOf(config, "resize").queue, "images");
  assert.deepEqual({ ...config.scenarios.steady?.mix }, { resize: 3, thumb: 1, extra: 2 });
});

test("a profile of another kind replaces the one below, one of the same kind merges", () => {
  const steps = "scenarios: {steady: {profile: {steps: [1/s for 1m]}}}\n";
  const repeat = "scenarios: {steady: {profile: {repeat: true}}}\n";
  const ramp = "scenarios: {steady: {profile: {ramp: {stages: [{to: 2/s, over: 1m}]}}}}\n";
  const profileOf = (...texts: string[]) =>
    loadTexts([BASE, ...texts]).config.scenarios.steady?.profile;
  assert.deepEqual(profileOf(steps, repeat), {
    kind: "steps",
    stages: [{ ratePerSecond: 1, durationMs: 60_000 }],
    repeat: true,
  });
  assert.equal(profileOf(steps, ramp)?.kind, "ramp");
  assert.equal(profileOf(ramp, steps)?.kind, "steps");
});

test("variables name keys in upper snake case and names in any case, - and _ being alike", () => {
  const text = BASE.replace("steady:", "steady-State:");
  const { config } = loadTexts([text], {
    env: {
      CELERY_LOAD_SCENARIOS__STEADY_STATE__MAX_IN_FLIGHT: "500",
      CELERY_LOAD_SCENARIOS__STEADY_STATE__PROFILE: "{steps: [1/s for 1m], repeat: true}",
      CELERY_LOAD_CONNECTIONS__MAIN__OPTIONS__GLOBAL_KEYPREFIX: "007 #",
      CELERY_LOAD_CONNECTIONS__MAIN__ALLOW: "{hosts: [127.0.0.1]}",
      CELERY_LOAD_SERVER__LISTEN: "127.0.0.1:0",
      CELERY_LOAD_BUCKETS: "[1s, 2s]",
      UNRELATED: "x",
    },
  });
  assert.equal(config.scenarios["steady-State"]?.maxInFlight, 500);
  assert.equal(config.scenarios["steady-State"]?.profile.kind, "steps");
  assert.equal(config.connections.main?.options.global_keyprefix, "007 #");
  assert.deepEqual(config.connections.main?.allow.hosts, ["127.0.0.1"]);
  assert.deepEqual(config.server.listen, { host: "127.0.0.1", port: 0 });
  assert.deepEqual(config.bucketsMs, [1000, 2000]);
});

test("a variable for a part goes over a variable for the whole", () => {
  const { config } = loadTexts([BASE], {
    env: {
      CELERY_LOAD_LIMITS: "{maxRate: 50/s, series: 10}",
      CELERY_LOAD_LIMITS__MAX_RATE: "60/s",
      CELERY_LOAD_LIMITS__SERIES: "20",
    },
  });
  assert.equal(config.limits.maxRatePerSecond, 60);
  assert.equal(config.limits.series, 20);
});

test("a variable that could mean two scenarios is refused", () => {
  const text = BASE.replace("  steady:", "  a_b: {profile: 1/s, mix: thumb}\n  a-b:");
  assert.throws(
    () => loadTexts([text], { env: { CELERY_LOAD_SCENARIOS__A_B__PROFILE: "1/s" } }),
    /scenarios\.a_b\.profile or scenarios\.a-b\.profile/,
  );
});

test("the command's own variables and those of a Kubernetes service are no configuration", () => {
  const { config } = loadTexts([BASE], {
    env: {
      CELERY_LOAD_LOG_LEVEL: "debug",
      CELERY_LOAD_COMMIT: "4df9832",
      CELERY_LOAD_SERVICE_HOST: "10.0.0.1",
      CELERY_LOAD_SERVICE_PORT: "80",
      CELERY_LOAD_PORT: "tcp://10.0.0.1:80",
      CELERY_LOAD_PORT_80_TCP_ADDR: "10.0.0.1",
    },
  });
  assert.equal(config.seed, 1);
});

test("--set makes new keys in arguments, but no new scenario", () => {
  const { config } = loadTexts([BASE], {
    overrides: [
      { set: "tasks.resize.kwargs.size={w: [1, 2]}" },
      { set: "tasks.resize.args=[a=b]" },
    ],
  });
  assert.deepEqual(taskOf(config, "resize").kwargs, { size: { w: [1, 2] } });
  assert.deepEqual(taskOf(config, "resize").args, ["a=b"]);
});

test("variables are put into values of files, and only there", () => {
  const text = `${HEAD.replace(
    "name: app.tasks.resize",
    () => `name: app.tasks.resize
    args:
      - "\${N}"
      - \${N}
      - "a \${TEXT:-b}-\${EMPTY:-c} $$ $x $\${N}"
      - \${TRUTH}
      - "\${EMPTY}"
    kwargs:
      colon: "\${TRICKY}"
      plain: \${TRICKY}
    priority: \${N}`,
  )}${SCENARIO}seed: \${SEED:-77}\n`;
  const { config, effective } = loadTexts([text], {
    env: {
      N: "7",
      TRUTH: "true",
      EMPTY: "",
      TRICKY: "a: b\n- c #",
      CELERY_LOAD_SERVER__LISTEN: ":1",
    },
    overrides: [{ set: `tasks.thumb.args=['\${N}']` }],
  });
  const [resize, thumb] = [taskOf(config, "resize"), taskOf(config, "thumb")];
  assert.deepEqual(resize.args, ["7", 7, `a b-c $ $x \${N}`, true, ""]);
  assert.deepEqual(resize.kwargs, { colon: "a: b\n- c #", plain: "a: b\n- c #" });
  assert.equal(resize.priority, 7);
  assert.equal(config.seed, 77);
  assert.deepEqual(thumb.args, [`\${N}`]);
  assert.deepEqual(originAt(effective(), ["seed"]), {
    kind: "file",
    file: "load.yml",
    line: 23,
    column: 7,
    variables: ["SEED"],
  });
});

test("an unset variable in a value that is overridden does no harm", () => {
  const text = BASE.replace("redis://:canary@127.0.0.1:6379/0", `\${NOPE}`);
  const { config } = loadTexts([text], {
    overrides: [{ set: "connections.main.broker=redis://h" }],
  });
  assert.equal(config.connections.main?.backend, "redis://h");
});
