import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_TRANSPORT } from "../../../src/celery/urls/transport.js";
import { type PlanTextOptions, planText } from "../../../src/commands/plan-text.js";
import type { Config, ScenarioConfig, TaskConfig } from "../../../src/config/schema.js";
import { taskOptions } from "../celery/specs.js";

function task(name: string): TaskConfig {
  return {
    ...taskOptions({ name, expiresMs: 60_000 }),
    timeoutMs: 60_000,
    urgency: null,
    link: [],
    linkError: [],
    data: null,
    payload: null,
  };
}

const member = { task: "thumb", isImmutable: false };

type Differences = Partial<ScenarioConfig> & Pick<ScenarioConfig, "profile">;

function scenario(differences: Differences): ScenarioConfig {
  return {
    connection: "main",
    arrival: "even",
    choose: "exact",
    windows: null,
    script: null,
    data: null,
    mix: { resize: 3, thumb: 1 },
    startAfterMs: 0,
    warmupMs: 0,
    durationMs: null,
    maxInFlight: 10_000,
    leaseMs: null,
    gracefulStopMs: 30_000,
    ...differences,
  };
}

function configOf(scenarios: Record<string, Differences>): Config {
  const connection = {
    broker: "redis://127.0.0.1:6379/0",
    backend: "redis://127.0.0.1:6379/0",
    forget: true,
    management: null,
    events: "auto" as const,
    client: "direct" as const,
    sendTaskSentEvents: false,
    options: DEFAULT_TRANSPORT,
    backendOptions: { global_keyprefix: "" },
    allow: { hosts: null },
  };
  return {
    connections: { main: connection },
    tasks: {
      resize: task("app.tasks.resize"),
      thumb: task("thumb"),
      welcome: { ...task("welcome"), data: "customers" },
      album: { stages: [[member, member], [member]], timeoutMs: 60_000 },
      pair: { stages: [[member, member]], timeoutMs: 60_000 },
      linked: { ...task("linked"), link: [member] },
    },
    scenarios: Object.fromEntries(
      Object.entries(scenarios).map(([name, differences]) => [name, scenario(differences)]),
    ),
    server: { listen: { host: "0.0.0.0", port: 9809 }, hosts: null, lingerMs: null },
    control: { listen: null, isListenChosen: false, token: null },
    limits: {
      ...{ maxRatePerSecond: null, maxInFlight: null, burst: null, tasksPerDay: null },
      series: 5000,
    },
    data: {},
    slos: [],
    thresholds: [],
    guards: [],
    threads: 1,
    segment: { index: 0, of: 1 },
    bucketsMs: [1000],
    phaseBucketsMs: [1000],
    state: { file: null },
    driftWindowMs: 60_000,
    seed: 1,
    tickMs: null,
  };
}

function planned(
  scenarios: Record<string, Differences>,
  {
    forMs = null,
    width = 60,
    on = null,
    rowsOf = new Map(),
  }: Partial<Pick<PlanTextOptions, "forMs" | "width" | "on" | "rowsOf">> = {},
): string {
  return planText({
    config: configOf(scenarios),
    forMs,
    on,
    nowUnixMs: 0,
    rowsOf,
    width,
    columns: Infinity,
  });
}

const STEPS = {
  kind: "steps" as const,
  repeat: true,
  stages: [
    { ratePerSecond: 20, durationMs: 5000 },
    { ratePerSecond: 100, durationMs: 5000 },
    { ratePerSecond: 0, durationMs: 2000 },
  ],
};

const RAMP = {
  kind: "ramp" as const,
  fromPerSecond: 5,
  stages: [
    { toPerSecond: 200, durationMs: 900_000 },
    { toPerSecond: 200, durationMs: 3_600_000 },
    { toPerSecond: 0, durationMs: 300_000 },
  ],
};

test("rows that are taken once end a scenario, however long it might go on", () => {
  const mix = { resize: 3, welcome: 1 };
  const text = (rows: number, more: Partial<ScenarioConfig> = {}) =>
    planned(
      { s: { profile: { kind: "constant", ratePerSecond: 10 }, mix, ...more } },
      { rowsOf: new Map([["customers", rows]]) },
    );
  // Each fourth start takes one, and the last of 100 rows is gone before the start that would take the next.
  const hundred = text(100);
  const [, starts] = /ends with the last of 100 rows of customers, after (\d+) starts/.exec(
    hundred,
  )!;
  assert.ok(Number(starts) >= 397 && Number(starts) <= 403, starts);
  assert.match(hundred, /drawn: all of it, 40(\.\d+)?s\n/);
  assert.match(hundred, /welcome +100\b/, hundred);
  assert.match(text(100, { durationMs: 5_000 }), /drawn: all of it, 5s\n/);
  assert.match(text(100, { profile: { kind: "max" } }), /ends with the last of 100 rows/);
  assert.doesNotMatch(text(100, { mix: { resize: 1 } }), /rows/);
});

const GOLDEN_STEPS = `steady: repeated steps, even arrivals
  drawn: the first cycle of 12s; it repeats until it is stopped

  100/s ┤                      ████████████████████
        │                     ▃████████████████████
   75/s ┤                     █████████████████████
        │                     █████████████████████
   50/s ┤                     ██████████████████████
        │                     ██████████████████████
   25/s ┤▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅██████████████████████
        │███████████████████████████████████████████
    0/s ┼┬────────────┬───────────┬────────────┬───────────┬
         0s           3s          6s           9s        12s

  stages of a cycle:
     0s to  5s  20/s for 5s
     5s to 10s  100/s for 5s
    10s to 12s  0/s for 2s

  starts in 12s: 600
    resize (app.tasks.resize)  450
    thumb                      150
  rate: mean 50/s, peak 100/s
  messages an hour: 180,000
`;

const GOLDEN_RAMP = `climb: ramp, even arrivals
  drawn: all of it, 1h20m

  200/s ┤        ▁▇██████████████████████████████████████
        │       ▃████████████████████████████████████████▂
  150/s ┤      ▄██████████████████████████████████████████
        │     ▅███████████████████████████████████████████
  100/s ┤    ▇████████████████████████████████████████████▆
        │  ▂███████████████████████████████████████████████
   50/s ┤ ▃████████████████████████████████████████████████▂
        │▅██████████████████████████████████████████████████
    0/s ┼┬────────────┬───────────┬────────────┬───────────┬
         0s           20m         40m          1h      1h20m

  stages:
       0s to   15m  5/s to 200/s over 15m
      15m to 1h15m  200/s for 1h
    1h15m to 1h20m  200/s to 0/s over 5m

  starts in 1h20m: 842,250
    resize (app.tasks.resize)  631,688
    thumb                      210,562
  rate: mean 175.47/s, peak 200/s
  messages an hour: 631,688
`;

const GOLDEN_POISSON = `rare: constant 5/m, poisson arrivals
  starts after 5s; times below from then
  warm-up: 30s, counted but not in the latency histograms
  drawn: the first hour; it has no end

    0.1/s ┤
          │▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅
  0.075/s ┤█████████████████████████████████████████████████
          │█████████████████████████████████████████████████
   0.05/s ┤█████████████████████████████████████████████████
          │█████████████████████████████████████████████████
  0.025/s ┤█████████████████████████████████████████████████
          │█████████████████████████████████████████████████
      0/s ┼┬───────────┬───────────┬───────────┬───────────┬
           0s          15m         30m         45m        1h

  stages:
    0s to no end  5/m

  starts in 1h: 300 expected, give or take 17
    resize (app.tasks.resize)  225
    thumb                       75
  rate: mean 5/m, peak 5/m
  messages an hour: 300
`;

const GOLDEN_MAX = `bench: max, a closed loop
  no rate of its own: it keeps 10,000 tasks in flight and starts the next when one ends,
  so that the workers decide how many it starts, and there is nothing to draw
`;

test("plan draws the first cycle of steps that repeat without end", () => {
  assert.equal(planned({ steady: { profile: STEPS } }), GOLDEN_STEPS);
});

test("plan draws a ramp from its start to its end", () => {
  assert.equal(planned({ climb: { profile: RAMP } }), GOLDEN_RAMP);
});

test("plan draws an hour of a constant rate and gives Poisson counts as expectations", () => {
  const profile = { kind: "constant" as const, ratePerSecond: 5 / 60 };
  assert.equal(
    planned({
      rare: { profile, arrival: "poisson", startAfterMs: 5000, warmupMs: 30_000 },
    }),
    GOLDEN_POISSON,
  );
});

test("plan says that max has no rate", () => {
  assert.equal(planned({ bench: { profile: { kind: "max" } } }), GOLDEN_MAX);
});

test("plan says what users do, and the most that they could start", () => {
  const profile = {
    kind: "users" as const,
    stages: [{ from: 50, to: 50, durationMs: null }],
    repeat: false,
    spawnPerSecond: 10,
    waitMs: { least: 100, most: 500 },
    maxPerSecond: null,
  };
  assert.equal(
    planned({ shoppers: { profile, startAfterMs: 5_000 } }),
    `shoppers: 50 users, a closed loop
  starts after 5s; times below from then
  each user starts a task, waits for its end, then for 100ms to 500ms, and starts the next; they come at 10/s
  no rate of its own: the workers decide how many they start, 166.67/s if tasks took no time
`,
  );
  const stages = [
    { from: 10, to: 100, durationMs: 60_000 },
    { from: 100, to: 100, durationMs: 3_600_000 },
  ];
  const held = { ...profile, stages, spawnPerSecond: null, maxPerSecond: 20 };
  assert.equal(
    planned({ shoppers: { profile: { ...held, waitMs: { least: 0, most: 0 } } } }),
    `shoppers: users, a closed loop
  1: 10 to 100 users over 1m
  2: 100 users for 1h
  each user starts a task, waits for its end, then for 0s, and starts the next, all together at most 20/s
  no rate of its own: the workers decide how many they start, 20/s if tasks took no time
`,
  );
});

test("plan sums up several scenarios and says what --for leaves of them", () => {
  const text = planned(
    {
      steady: { profile: STEPS },
      cut: { profile: RAMP, durationMs: 450_000 },
      late: { profile: STEPS, startAfterMs: 600_000 },
      bench: { profile: { kind: "max" } },
    },
    { forMs: 600_000 },
  );
  assert.match(text, /steady: .*\n {2}drawn: the first cycle of 12s; it repeats for 10m\n/);
  assert.match(text, /\n {2}starts in 10m: 30,000\n/);
  assert.match(text, /\n {2}drawn: the part that is run, 7m30s of 1h20m\n/);
  assert.match(text, /\n {6}15m to 1h15m {2}200\/s for 1h {2}\(not reached\)\n/);
  assert.match(text, /\n {2}rate: mean 53\.75\/s, peak 102\.5\/s\n/);
  assert.match(text, /\nlate: starts nothing, as it starts after 10m and the run ends after 10m\n/);
  assert.ok(
    text.endsWith(
      "\nall scenarios with a rate, while they run together: mean 103.75/s, never above 202.5/s\nmessages an hour: 373,500\n",
    ),
  );
});

test("plan tells starts from messages where workflows are in the mix", () => {
  const profile = { kind: "constant" as const, ratePerSecond: 10 };
  const text = planned({ one: { profile, mix: { resize: 1, album: 1 } } });
  assert.match(
    text,
    /\n {4}resize \(app\.tasks\.resize\) {2}18,000\n {4}album {22}18,000 {2}of 3 tasks each\n/,
  );
  assert.ok(
    text.endsWith(
      "\n  starts an hour: 36,000\n  messages an hour: 72,000, one for each task: 54,000 from here, 18,000 from workers\n",
    ),
    text,
  );
  const groups = planned({ one: { profile, mix: { pair: 1 } } });
  assert.ok(groups.includes("messages an hour: 72,000, one for each task\n"), groups);
  const sum = planned({
    one: { profile, mix: { album: 1 } },
    two: { profile, mix: { linked: 1, resize: 1 } },
  });
  assert.ok(
    sum.endsWith(
      "\nstarts an hour: 72,000\nmessages an hour: 162,000, one for each task: 108,000 from here, 54,000 from workers\n",
    ),
    sum,
  );
});

test("plan draws several cycles when there are few", () => {
  const text = planned({ steady: { profile: STEPS } }, { forMs: 30_000 });
  assert.match(text, /\n {2}drawn: all of it, 30s\n/);
  assert.match(text, /\n {2}starts in 30s: 1,400\n/);
  assert.match(text, /resize \(app\.tasks\.resize\) {2}1,050\n/);
});

test("plan draws a rate of 0 and a peak that is too short to be seen", () => {
  const zero = planned({ idle: { profile: { kind: "constant", ratePerSecond: 0 } } });
  assert.match(zero, /\n {2}rate: mean 0\/s, peak 0\/s\n/);
  const stages = [
    { ratePerSecond: 1000, durationMs: 100 },
    { ratePerSecond: 0, durationMs: 3_600_000 },
  ];
  const short = planned({ spike: { profile: { kind: "steps", stages, repeat: false } } });
  assert.match(short, /\n +│▁\n +0\/s ┼/);
});

test("plan keeps its drawing within the width it is given", () => {
  for (const width of [40, 60, 80, 120]) {
    const lines = planned({ climb: { profile: RAMP } }, { width }).split("\n");
    const drawing = lines.filter((line) => /[│┤┼]/.test(line));
    assert.equal(Math.max(...drawing.map((line) => line.length)), width);
  }
});

for (const [date, hours, axis, starts] of [
  ["2027-03-27", "", "00:00         06:00         12:00         18:00       00:00", 36_000 * 24],
  ["2027-03-28", ", a day of 23h as the clocks are changed", "", 36_000 * 23],
  ["2027-10-31", ", a day of 25h as the clocks are changed", "", 36_000 * 25],
] as const) {
  test(`a shape that follows a zone is drawn by its clocks: ${date}`, () => {
    const points = [{ atMs: 0, ratePerSecond: 10 }];
    const profile = { kind: "week" as const, zone: "Europe/Berlin", points, isStepped: true };
    const text = planned({ weekly: { profile } }, { on: Date.parse(date), width: 70 });
    assert.ok(text.includes(`drawn: ${date} by the clocks of Europe/Berlin${hours}`), text);
    assert.match(text, new RegExp(`: ${starts.toLocaleString("en-US")}\n`));
    assert.match(text, /^ +00:00 .* 00:00$/m);
    if (axis !== "") assert.match(text, / 06:00 .* 12:00 .* 18:00 /);
  });
}
