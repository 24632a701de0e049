import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../../src/config/load.js";
import { peakRates } from "../../../src/doctor/planned-rates.js";

const set = (path: string, value: unknown) => ({ path: path.split("."), value, flag: "test" });
const TASKS = [
  set("connections.a.broker", "redis://a/0"),
  set("connections.b.broker", "redis://b/0"),
  set("tasks.one", { name: "app.one" }),
  set("tasks.two", { name: "app.two" }),
  set("tasks.linked", { name: "app.linked", link: ["two"], linkError: ["one"] }),
  set("tasks.chord", { chord: { header: ["one", "one", "one"], body: "two" } }),
];

type Scenario = Readonly<Record<string, unknown>>;

/** A sentence, the scenarios of connection a, and the highest rate of each task. */
const cases: [string, Scenario[], Record<string, number>][] = [
  ["a constant rate", [{ profile: "20/s", mix: ["one"] }], { one: 20 }],
  ["a mix", [{ profile: "4/s", mix: { one: 3, two: 1 } }], { one: 3, two: 1 }],
  [
    "the highest of steps",
    [{ profile: { steps: ["1/s for 1m", "9/s for 1s", "2/s for 1m"] }, mix: "one" }],
    { one: 9 },
  ],
  [
    "the top of a ramp",
    [
      {
        profile: {
          ramp: {
            from: "5/s",
            stages: [
              { to: "30/s", over: "1m" },
              { to: "1/s", over: "1m" },
            ],
          },
        },
        mix: "one",
      },
    ],
    { one: 30 },
  ],
  ["no limit for max", [{ profile: "max", mix: "one" }], { one: Number.POSITIVE_INFINITY }],
  ["members of a chord, each time", [{ profile: "2/s", mix: "chord" }], { one: 6, two: 2 }],
  ["what follows on success", [{ profile: "2/s", mix: "linked" }], { linked: 2, two: 2 }],
  [
    "scenarios that run at the same time, together",
    [
      { profile: "2/s", mix: "one" },
      { profile: "3/s", mix: "one", startAfter: "1m" },
    ],
    { one: 5 },
  ],
  [
    "scenarios that follow each other, apart",
    [
      { profile: "2/s", mix: "one", duration: "1m" },
      { profile: { steps: ["3/s for 1m"] }, mix: "one", startAfter: "1m" },
      { profile: "1/s", mix: "one", startAfter: "2m" },
    ],
    { one: 3 },
  ],
];

for (const [name, scenarios, expected] of cases) {
  test(`the highest rate of ${name}`, () => {
    const { config } = loadConfig({
      files: [],
      env: {},
      overrides: [
        ...TASKS,
        ...scenarios.map((each, index) => set(`scenarios.s${index}`, { connection: "a", ...each })),
        set("scenarios.elsewhere", { connection: "b", profile: "100/s", mix: "one" }),
      ],
    });
    assert.deepEqual(Object.fromEntries(peakRates(config, "a")), expected);
  });
}
