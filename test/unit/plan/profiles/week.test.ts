import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createProfile, type RatedSpec } from "../../../../src/plan/profile.js";
import { weekSpec } from "../profiles.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** 5/s at midnight, on weekdays 80/s at 9, 40/s at 12 and 10/s at 18. */
const OFFICE = Array.from({ length: 7 }, (_, day) => day).flatMap((day) =>
  [
    [0, 5] as const,
    ...(day < 5
      ? ([
          [9, 80],
          [12, 40],
          [18, 10],
        ] as const)
      : []),
  ].map(([hour, ratePerSecond]) => ({ atMs: day * DAY_MS + hour * HOUR_MS, ratePerSecond })),
);

function rateAt(isStepped: boolean, time: string): number {
  const week = createProfile({ kind: "week", zone: "Europe/Berlin", points: OFFICE, isStepped });
  const begin = Date.parse("2027-03-25T00:00Z");
  return week.since(begin).rateAt(Date.parse(time) - begin);
}

const rows: [at: string, what: string, lines: number, steps: number][] = [
  ["2027-03-26T09:00+01:00", "a time that is named", 80, 80],
  ["2027-03-26T10:30+01:00", "between two times", 60, 80],
  ["2027-03-26T04:30+01:00", "from midnight to the first", 42.5, 5],
  ["2027-03-26T21:00+01:00", "from the last to midnight", 7.5, 10],
  ["2027-03-27T15:00+01:00", "a day without times", 5, 5],
  ["2027-03-29T09:00+02:00", "the same hour in summer time", 80, 80],
];
for (const [at, what, lines, steps] of rows) {
  test(`a week has the rate of the local time: ${what}`, () => {
    assert.equal(rateAt(false, at), lines);
    assert.equal(rateAt(true, at), steps);
  });
}

test("days of 23 and of 25 hours have the starts of as many hours", () => {
  const points = [{ atMs: 0, ratePerSecond: 10 }];
  const week = createProfile({ kind: "week", zone: "Europe/Berlin", points, isStepped: true });
  for (const [begin, end, hours] of [
    ["2027-03-28T00:00+01:00", "2027-03-29T00:00+02:00", 23],
    ["2027-10-31T00:00+02:00", "2027-11-01T00:00+01:00", 25],
  ] as const) {
    const since = week.since(Date.parse(begin));
    assert.equal(since.startsBy(Date.parse(end) - Date.parse(begin)), hours * 36_000);
  }
});

test("N never decreases, and timeOf() is its inverse, wherever it begins", () => {
  const begin = fc.integer({ min: Date.parse("2026-01-01"), max: Date.parse("2029-01-01") });
  const ms = fc.integer({ min: 1, max: 40 * DAY_MS });
  fc.assert(
    fc.property(weekSpec, begin, ms, (spec: RatedSpec<"week">, unixMs, elapsedMs) => {
      const week = createProfile(spec).since(unixMs);
      const n = week.startsBy(elapsedMs);
      assert.ok(n <= week.startsBy(elapsedMs * (1 + Number.EPSILON)));
      assert.ok(week.startsBy(elapsedMs - 1) <= n);
      fc.pre(n > 1e-3);
      const dueMs = week.timeOf(n);
      // Where nearly nothing starts, the last digit of N is a long time.
      assert.ok(week.startsBy(Math.min(dueMs, elapsedMs)) >= n * (1 - 1e-9) - 1e-6);
      assert.ok(Math.abs(week.startsBy(dueMs) - n) <= 1e-9 * n + 1e-6);
    }),
  );
});

test("points that are not in order are refused", () => {
  for (const atMs of [[], [1], [0, 0], [0, 5, 4], [0, 7 * DAY_MS]]) {
    const points = atMs.map((ms) => ({ atMs: ms, ratePerSecond: 1 }));
    const spec = { kind: "week", zone: "UTC", points, isStepped: false } as const;
    assert.throws(() => createProfile(spec), RangeError);
  }
});
