import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../../../src/errors.js";
import { planThresholds } from "../../../src/workload/thresholds.js";
import { HEAD, loadTexts, SCENARIO } from "./configurations.js";

const MORE = `  other:
    profile: 1/s
    mix: thumb
`;
const load = (written: string) =>
  loadTexts([`${HEAD}${SCENARIO}${MORE}thresholds: [${written}]\n`]).config;

const READ: readonly (readonly [string, object])[] = [
  ["p95(resize) < 800ms", { measure: { kind: "quantile", q: 0.95 }, comparison: "<", limit: 0.8 }],
  ["p99.9(all)<=1.5s", { measure: { kind: "quantile", q: 0.999 }, comparison: "<=", limit: 1.5 }],
  [
    "  failed( all )  <  1%",
    { measure: { kind: "failed" }, limit: 0.01, text: "failed(all) < 1%" },
  ],
  ["failed(all) <= 0%", { measure: { kind: "failed" }, limit: 0 }],
  ["rate(scenario:steady) >= 300/m", { of: { kind: "scenario", name: "steady" }, limit: 5 }],
  ["max(task:app.tasks.thumb) < 1m", { of: { kind: "task", name: "app.tasks.thumb" }, limit: 60 }],
  ["mean(other) > 5ms", { of: { kind: "either", name: "other" }, comparison: ">" }],
  ["timed_out(resize) < 0.1%", { limit: 0.001, abort: false, afterMs: 0 }],
];
for (const [written, expected] of READ) {
  test(`the threshold ${written} is read`, () => {
    const [threshold] = load(JSON.stringify(written)).thresholds;
    assert.deepEqual({ ...threshold, ...expected }, threshold);
  });
}

test("a threshold may end the run, after its delay", () => {
  const [threshold] = load("{ check: dropped(all) < 1%, abort: true, after: 30s }").thresholds;
  assert.deepEqual([threshold!.abort, threshold!.afterMs], [true, 30_000]);
});

test("whom a threshold is about: by key, by registered name, by scenario, or all", () => {
  const of = (name: string) => {
    const [plan] = planThresholds(load(JSON.stringify(`p95(${name}) < 1s`)));
    return [plan!.entries, plan!.scenarios];
  };
  assert.deepEqual(of("all"), [
    [0, 1, 2],
    [0, 1],
  ]);
  assert.deepEqual(of("resize"), [[0], [0]]);
  assert.deepEqual(of("app.tasks.thumb"), [
    [1, 2],
    [0, 1],
  ]);
  assert.deepEqual(of("scenario:other"), [[2], [1]]);
});

const REFUSED: readonly (readonly [written: string, fault: RegExp])[] = [
  [
    '"p95(rezise) < 1s"',
    /there is no task or scenario "rezise". Did you mean "p95\(resize\) < 1s"\?/,
  ],
  [
    '"p95(scenario:stedy) < 1s"',
    /there is no scenario "stedy". Did you mean "p95\(scenario:steady\) < 1s"/,
  ],
  ['"p95(task:steady) < 1s"', /there is no task "steady"/],
  ['"p95(resize) < 800"', /a duration such as 800ms; found "800". Write p95\(resize\) < 800ms/],
  ['"p(95) < 800"', /Write p95\(all\) < 800ms/],
  ['"http_req_failed < 1%"', /Write failed\(all\) < 1%/],
  ['"avg(all) < 1s"', /"avg" is none of them. Write mean\(all\) < 1s/],
  ['"p100(all) < 1s"', /Write max\(all\) < 1s/],
  ['"failed(all) < 0.01"', /a percentage such as 1%; found "0.01". Write failed\(all\) < 1%/],
  ['"rate(all) > 50"', /a rate such as 45\/s; found "50". Write rate\(all\) > 50\/s/],
  ['"p95(all) == 1s"', /must compare with .*Write p95\(all\) <= 1s/],
  ['"p95(all)"', /such as p95\(all\) < 800ms/],
  ["12", /such as p95\(all\) < 800ms/],
  ["{ check: p95(all) < 1s, abbort: true }", /Did you mean abort\?/],
  ["{ check: p95(all) < 1, abort: true }", /thresholds\[0\]\.check: .*Write p95\(all\) < 1ms/],
  ["{ check: p95(all) < 1s, abort: 1 }", /thresholds\[0\]\.abort: must be true or false/],
  [
    "{ check: p95(all) < 1s, after: soon }",
    /thresholds\[0\]\.after: must be a number with the unit/,
  ],
  ['"p95(all) < 1s", "p95( all ) < 1s"', /must not be there twice/],
];
for (const [written, fault] of REFUSED) {
  test(`thresholds: [${written}] is refused with its place and a remedy`, () => {
    assert.throws(
      () => load(written),
      (error: unknown) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, /load\.yml:1\d:\d+/);
        assert.match(error.message, fault);
        return true;
      },
    );
  });
}

test("a name that is a task and a scenario has to say which is meant", () => {
  const both = `${HEAD}${SCENARIO.replace("steady", "resize")}`;
  const text = (name: string) => `${both}thresholds: ["p95(${name}) < 1s"]\n`;
  assert.throws(
    () => loadTexts([text("resize")]),
    /is a task and a scenario.*Write p95\(task:resize\) < 1s, or \(scenario:resize\)/,
  );
  assert.deepEqual(planThresholds(loadTexts([text("task:resize")]).config)[0]!.entries, [0]);
  assert.deepEqual(planThresholds(loadTexts([text("scenario:resize")]).config)[0]!.entries, [0, 1]);
});
