import assert from "node:assert/strict";
import { test } from "node:test";
import { KNOWN_OPTIONS } from "../../../src/celery/messages/known-options.js";
import { parseRedisUrl } from "../../../src/celery/urls/redis-url.js";
import { DEFAULT_TRANSPORT } from "../../../src/celery/urls/transport.js";
import { printEffective } from "../../../src/config/print/print.js";
import { CONFIG_SHAPE, jsonSchema } from "../../../src/config/schema.js";
import type { Shape } from "../../../src/config/shape.js";
import { taskOptions } from "../celery/specs.js";
import { HEAD, loadTexts, SCENARIO, taskOf } from "./configurations.js";

const SMALLEST = `connections: {main: {broker: redis://h}}
tasks: {add: {name: app.add}}
scenarios: {steady: {profile: 20/s}}
`;

test("the smallest configuration gets every default", () => {
  assert.deepEqual(plain(loadTexts([SMALLEST]).config), {
    connections: {
      main: {
        broker: "redis://h",
        backend: "redis://h",
        forget: true,
        management: null,
        events: "auto",
        sendTaskSentEvents: false,
        client: "direct",
        options: DEFAULT_TRANSPORT,
        backendOptions: { global_keyprefix: "" },
        allow: { hosts: null },
      },
    },
    tasks: {
      add: {
        ...taskOptions({ name: "app.add", expiresMs: 60_000 }),
        timeoutMs: 60_000,
        urgency: null,
        data: null,
        payload: null,
        link: [],
        linkError: [],
      },
    },
    scenarios: {
      steady: {
        connection: "main",
        profile: { kind: "constant", ratePerSecond: 20 },
        arrival: "even",
        choose: "exact",
        mix: { add: 1 },
        startAfterMs: 0,
        warmupMs: 0,
        durationMs: null,
        maxInFlight: 10_000,
        leaseMs: null,
        gracefulStopMs: 30_000,
        windows: null,
        script: null,
        data: null,
      },
    },
    slos: [],
    thresholds: [],
    guards: [
      {
        ...guard("default-broker-memory", "brokerMemory", 0.9, 0.8),
        ...{ forMs: 10_000 },
      },
      {
        ...guard("default-queue-length", "queueLength", 100_000, 50_000),
        ...{ forMs: 10_000 },
      },
      {
        ...guard("default-broker-blocked", "brokerBlocked", 0.5, 0.5),
        ...{ forMs: 5_000 },
      },
    ],
    server: { listen: { host: "0.0.0.0", port: 9809 }, hosts: null, lingerMs: null },
    control: { listen: { host: "127.0.0.1", port: 9810 }, isListenChosen: false, token: null },
    limits: {
      ...{ maxRatePerSecond: null, maxInFlight: null, burst: null, tasksPerDay: null },
      series: 5000,
    },
    data: {},
    bucketsMs: [
      5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 1_800_000,
    ],
    phaseBucketsMs: [5, 25, 100, 500, 2500, 10_000, 60_000, 1_800_000],
    state: { file: null },
    driftWindowMs: 21_600_000,
    seed: 1,
    tickMs: null,
    threads: 1,
    segment: { index: 0, of: 1 },
  });
});

/** One that is on by default. */
function guard(name: string, watch: string, limit: number, resumeBelow: number) {
  return {
    ...{ name, watch, queue: null, connection: null, scenario: null, task: null },
    ...{ quantile: 0.95, limit, resumeBelow, coolDownMs: 30_000 },
    ...{ action: "pause", scenarios: null },
  };
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

test("every form of profile becomes starts a second and milliseconds", () => {
  const profileOf = (text: string) =>
    loadTexts([SMALLEST.replace("20/s", text)]).config.scenarios.steady?.profile;
  assert.deepEqual(profileOf("30/m"), { kind: "constant", ratePerSecond: 0.5 });
  assert.deepEqual(profileOf("max"), { kind: "max" });
  assert.deepEqual(profileOf("{steps: [20/s for 10m, 0/s for 500ms], repeat: true}"), {
    kind: "steps",
    stages: [
      { ratePerSecond: 20, durationMs: 600_000 },
      { ratePerSecond: 0, durationMs: 500 },
    ],
    repeat: true,
  });
  assert.deepEqual(
    profileOf("{ramp: {from: 5/s, stages: [{hold: 1s}, {to: 9/s, over: 15m}, {hold: 1h}]}}"),
    {
      kind: "ramp",
      fromPerSecond: 5,
      stages: [
        { toPerSecond: 5, durationMs: 1000 },
        { toPerSecond: 9, durationMs: 900_000 },
        { toPerSecond: 9, durationMs: 3_600_000 },
      ],
    },
  );
});

test("a mix may be a mapping, a list or one task", () => {
  const mixOf = (text: string) => {
    const mix = loadTexts([HEAD + SCENARIO.replace("{resize: 3, thumb: 1}", text)]).config.scenarios
      .steady?.mix;
    return { ...mix };
  };
  assert.deepEqual(mixOf("{resize: 0.5, thumb: 1}"), { resize: 0.5, thumb: 1 });
  assert.deepEqual(mixOf("[thumb, resize]"), { thumb: 1, resize: 1 });
  assert.deepEqual(mixOf("thumb"), { thumb: 1 });
});

test("words that stand for no value become null", () => {
  const { config } = loadTexts([
    SMALLEST.replace("name: app.add", "name: app.add, expires: none").replace(
      "profile: 20/s",
      "profile: 20/s, duration: forever",
    ),
    "limits: {maxRate: none}\nserver: {linger: auto}\n",
  ]);
  assert.equal(taskOf(config, "add").expiresMs, null);
  assert.equal(config.scenarios.steady?.durationMs, null);
  assert.equal(config.limits.maxRatePerSecond, null);
  assert.equal(config.server.lingerMs, null);
});

test("allowed hosts may be a host, a host with its port, or a socket", () => {
  for (const [broker, hosts] of [
    ["redis://Redis.Staging:7000/1", "[redis.staging]"],
    ["redis://redis.staging:7000/1", "['Redis.Staging:7000']"],
    ["redis://[::1]:7000/1", "['[::1]:7000']"],
    ["redis+socket:///run/redis.sock", "[/run/redis.sock]"],
    ["redis://a/0;redis://b:7000/0", "[a, 'b:7000']"],
    ["amqps://u:p@rabbit.staging/v", "['rabbit.staging:5671']"],
  ] as const) {
    const text = SMALLEST.replace("redis://h", `"${broker}", allow: {hosts: ${hosts}}`);
    assert.equal(loadTexts([text]).config.connections.main?.broker, broker);
  }
});

test("the configuration is frozen all the way down, and its names have no prototype", () => {
  const { config } = loadTexts([SMALLEST.replace("app.add", "app.add, args: [{a: [1]}]")]);
  const seen: unknown[] = [config];
  for (const value of seen) {
    if (typeof value !== "object" || value === null) continue;
    assert.ok(Object.isFrozen(value));
    seen.push(...Object.values(value));
  }
  assert.ok(seen.length > 30);
  assert.equal(config.tasks.toString, undefined);
  assert.equal(config.scenarios.steady?.mix.valueOf, undefined);
});

test("anchors, aliases, a byte order mark and Windows line ends are fine", () => {
  const text = `\uFEFF${HEAD}${SCENARIO.replace("20/s", "&rate 20/s")}  other:\n    profile: *rate\n    mix: thumb\n`;
  const { config } = loadTexts([text.replaceAll("\n", "\r\n")]);
  assert.deepEqual(config.scenarios.other?.profile, { kind: "constant", ratePerSecond: 20 });
});

test("sources are the absolute paths of the files", () => {
  const { sources } = loadTexts([SMALLEST, "seed: 2\n"]);
  assert.deepEqual(
    sources.map((path) => path.replace(/^\/.*\//, "/…/")),
    ["/…/load.yml", "/…/load2.yml"],
  );
});

test("a file with a password that others can read gives a warning without the password", () => {
  const { warnings } = loadTexts([HEAD + SCENARIO], { mode: 0o644 });
  assert.deepEqual(warnings, [
    `load.yml:3:13: This file holds a password and other users can read it. Run chmod 600 "load.yml", or write \${NAME} for the URL and set the variable NAME.`,
  ]);
});

test("no warning is given when the password is a variable or the file is private", () => {
  const env = { PW: "canary" };
  const variable = HEAD.replace(":canary@", `:\${PW}@`) + SCENARIO;
  assert.deepEqual(loadTexts([variable], { mode: 0o644, env }).warnings, []);
  assert.deepEqual(loadTexts([HEAD + SCENARIO], { mode: 0o600 }).warnings, []);
  const fallback = HEAD.replace("redis://:canary@", `\${URL:-redis://:canary@`) + SCENARIO;
  const withDefault = fallback.replace("6379/0", "6379/0}");
  assert.equal(loadTexts([withDefault], { mode: 0o644 }).warnings.length, 1);
});

test("options of the backend win for its Sentinels, and those of the broker stand in for them", () => {
  const sentinelsOf = (backendOptions: string) => {
    const { broker, backend } = loadTexts([
      `connections:
  main:
    broker: sentinel://h
    options: {master_name: tasks, sentinel_kwargs: {password: "1"}, global_keyprefix: b}
    backendOptions: ${backendOptions}
tasks: {add: {name: app.add}}
scenarios: {steady: {profile: 20/s}}
`,
    ]).config.connections.main!;
    return [broker, backend].map((url) => {
      const { masterName, password } = parseRedisUrl(url).sentinel!;
      return `${masterName} ${password}`;
    });
  };
  assert.deepEqual(sentinelsOf("{}"), ["tasks 1", "tasks 1"]);
  assert.deepEqual(sentinelsOf('{master_name: results, sentinel_kwargs: {password: "2"}}'), [
    "tasks 1",
    "results 2",
  ]);
});

test("the JSON Schema describes every key, and says its default or that it is required", () => {
  const shape = CONFIG_SHAPE;
  const undescribed = describeGaps(jsonSchema(), shape, "");
  assert.deepEqual(undescribed, []);
});

/** Keys that may be left out because their default is another value, or nothing. */
const DERIVED = [
  ".scenarios.*.profile",
  ...[".*.backend", ".*.management", ".*.expires", ".*.connection", ".*.mix", ".*.tls"],
  ...KNOWN_OPTIONS.map(({ name }) => `.${name}`),
  ".control.tokenFile",
  ".data.*.format",
  ...[".windows", ".windows.on", ".windows.off", ".windows.except"],
  ...[".caFile", ".certFile", ".keyFile", ".serverName", ".verify"],
  ...[".scenarios.*.script", ".scenarios.*.data", ".tasks.*.payload"],
  ...["data", "exchange", "routingKey", "urgency", "eta", "expect", "shadow"].map(
    (key) => `.tasks.*.${key}`,
  ),
  ...["argsrepr", "kwargsrepr", "name", "chain", "group", "chord", "link", "linkError"].map(
    (key) => `.tasks.*.${key}`,
  ),
  ...[".master_name", ".sentinel_kwargs", ".username", ".password", ".passwordFile", ".ssl"],
];

function describeGaps(schema: unknown, shape: Shape, path: string): string[] {
  if (shape.kind === "names") {
    return describeGaps(get(schema, "additionalProperties"), shape.value, `${path}.*`);
  }
  if (shape.kind !== "keys") return [];
  const required = get(schema, "required");
  return [...shape.keys].flatMap(([key, child]) => {
    const property = get(get(schema, "properties"), key);
    const here = `${path}.${key}`;
    const isRequired = Array.isArray(required) && required.includes(key);
    // Of a mapping in it, what is needed is needed there, too.
    const isOfDefaults =
      /^\.defaults\.\w+\.\w+$/.test(here) || (here.startsWith(".defaults") && !isRequired);
    const isOptional =
      get(property, "default") !== undefined ||
      isOfDefaults ||
      DERIVED.some((end) => here.endsWith(end));
    const gaps = typeof get(property, "description") === "string" ? [] : [`${here}: description`];
    if (isOptional === isRequired) gaps.push(`${here}: default or required`);
    return [...gaps, ...describeGaps(property, child, here)];
  });
}

function get(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

test("an SLO becomes shares and milliseconds, and its latency a bucket of the latencies alone", () => {
  const text = `${SMALLEST}buckets: [100ms, 1s, 5s]
slos:
  - {name: fast, scenario: steady, task: app.add, objective: 99.9%, latency: 2.5s, window: 7d}
  - {name: good, objective: 99%, latency: 1s}
`;
  const { config, effective } = loadTexts([text]);
  assert.deepEqual(plain(config.slos), [
    {
      name: "fast",
      scenario: "steady",
      task: "app.add",
      objectiveRatio: 0.999,
      latencyMs: 2500,
      windowMs: 604_800_000,
    },
    {
      name: "good",
      scenario: null,
      task: null,
      objectiveRatio: 0.99,
      latencyMs: 1000,
      windowMs: 2_592_000_000,
    },
  ]);
  assert.deepEqual(config.bucketsMs, [100, 1000, 2500, 5000]);
  assert.deepEqual(config.phaseBucketsMs, [100, 5000]);
  assert.match(
    [...printEffective(effective())].join(""),
    /^slos:\n {2}- \{.*\} # load.yml:\d+:5\n {2}- \{name: good, objective: 99%, latency: 1s, window: 30d\} # load/m,
  );
});

test("an SLO of which alerts would stay silent is loaded with a warning", () => {
  const { warnings } = loadTexts([`${SMALLEST}slos: [{name: low, objective: 90%, window: 10d}]\n`]);
  assert.equal(warnings.length, 2);
  assert.match(warnings[0]!, /^load\.yml:\d+:31: .*"low".* \(14\.4 × over 1h\)/);
  assert.match(warnings[1]!, /^load\.yml:\d+:44: .*"low": they know windows of 1d, 7d/);
});
