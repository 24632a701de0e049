import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { dayOf } from "../../../src/learn/day-of.js";
import { learnDay, learnProfile } from "../../../src/learn/shape.js";
import { countsOf, sum } from "../../../src/learn/traffic.js";
import { createProfile } from "../../../src/plan/profile.js";
import { createRandom } from "../../../src/plan/random.js";
import { DAY_MS, HOUR_MS, MONDAY_MS, trafficOf } from "./traffics.js";

const MINUTE_MS = 60_000;

/** Counts of a Poisson process; of large means their normal form. */
function poisson(random: () => number, mean: number): number {
  const deviate = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.max(0, Math.round(mean + Math.sqrt(mean) * deviate));
}

test("what chance alone tells apart is one rate, but for one time in a hundred", () => {
  const profiles = Array.from({ length: 400 }, (_, seed) => {
    const random = createRandom(seed);
    const counts = Array.from({ length: 60 }, () => poisson(random, 50 + 10 * seed));
    return learnProfile(trafficOf(counts, 10_000), "UTC");
  });
  const constant = profiles.filter(({ kind }) => kind === "constant");
  assert.ok(constant.length >= 396, String(constant.length));
});

test("a rate that changes is in steps, and what is not known goes on as before", () => {
  const step = (count: number | null) => new Array<number | null>(30).fill(count);
  const profile = learnProfile(
    trafficOf([null, ...step(100), ...step(400), null, ...step(400), null], 10_000),
    "UTC",
  );
  assert.deepEqual(profile, {
    kind: "steps",
    stages: [
      { ratePerSecond: 10, durationMs: 300_000 },
      { ratePerSecond: 40, durationMs: 610_000 },
    ],
    repeat: true,
  });
});

test("a week of hours is a week by the clocks of the zone, across a change of them", () => {
  // The clocks of Berlin are put forward on Sunday, 2026-03-29: 02:00 is 03:00.
  const rate = (unixMs: number) => {
    const berlin = new Date(unixMs).toLocaleString("en-GB", {
      ...{ timeZone: "Europe/Berlin", hour: "2-digit", hour12: false },
    });
    return 1 + Number(berlin);
  };
  const counts = Array.from(
    { length: 8 * 24 * 60 },
    (_, minute) => rate(MONDAY_MS + minute * MINUTE_MS) * 60,
  );
  const profile = learnProfile(trafficOf(counts, MINUTE_MS), "Europe/Berlin");
  assert.ok(profile.kind === "week" && profile.isStepped && profile.zone === "Europe/Berlin");
  assert.equal(
    profile.points.length,
    7 * 24 - 1,
    "the hour that there was not is as the one before",
  );
  for (const { atMs, ratePerSecond } of profile.points) {
    assert.equal(ratePerSecond, 1 + (atMs % DAY_MS) / HOUR_MS);
  }
});

test("six days are steps, as no one knows the seventh", () => {
  const counts = new Array<number>(6 * 24 * 60).fill(60);
  assert.equal(learnProfile(trafficOf(counts, MINUTE_MS), "UTC").kind, "constant");
});

test("any profile that is learned has as many tasks as there were", () => {
  const counts = fc.oneof(
    fc.array(fc.option(fc.integer({ min: 0, max: 1_000 }), { freq: 10 }), {
      minLength: 1,
      maxLength: 300,
    }),
    fc
      .tuple(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 0, max: 1_000 }))
      .map(([one, other]) =>
        Array.from({ length: 7 * 24 }, (_, hour) => (hour % 24 < 8 ? one : other)),
      ),
  );
  fc.assert(
    fc.property(counts, (given) => {
      const isWeek = given.length === 7 * 24;
      const traffic = trafficOf(given, isWeek ? HOUR_MS : 10_000);
      const profile = learnProfile(traffic, "UTC");
      const curve = createProfile(profile).since(MONDAY_MS);
      const first = profile.kind === "week" ? 0 : Math.max(0, traffic.isKnown.indexOf(true));
      const at = (step: number) => Math.max(0, step - first) * traffic.stepMs;
      let planned = 0;
      traffic.isKnown.forEach((isKnown, step) => {
        if (isKnown) planned += curve.startsBy(at(step + 1)) - curve.startsBy(at(step));
      });
      const real = sum(countsOf(traffic));
      // Rates are told to four digits; steps hold one rate over what is not known.
      assert.ok(Math.abs(planned - real) <= 1 + 0.001 * real, `${planned} for ${real}`);
    }),
  );
});

/** Days with so many tasks an hour; null: not known. */
function days(counts: readonly (number | null)[]) {
  return trafficOf(
    counts.flatMap((count) => new Array<number | null>(24).fill(count)),
    HOUR_MS,
  );
}

const choices: [
  what: string,
  days: (number | null)[],
  peak: string | null,
  typical: string | null,
][] = [
  ["five days", [10, 50, 30, 20, 40], "2026-03-24", "2026-03-25"],
  ["four days", [10, 50, 30, 20], "2026-03-24", "2026-03-26"],
  ["days of which one is not known", [10, null, 30], "2026-03-25", "2026-03-23"],
  ["one day", [10], "2026-03-23", "2026-03-23"],
  ["no day", [null, null], null, null],
];
for (const [what, given, peak, typical] of choices) {
  test(`the peak day and the typical one of ${what}`, () => {
    const traffic = days(given);
    assert.equal(dayOf(traffic, "peak", "UTC")?.date ?? null, peak);
    assert.equal(dayOf(traffic, "typical", "UTC")?.date ?? null, typical);
  });
}

test("a day that is known in part is no day, and days are those of the zone", () => {
  const traffic = days([10, 50, 30]);
  // In Tokyo Monday 09:00 begins what is known: Tuesday is nine hours of Monday's and fifteen of Tuesday's.
  assert.equal(dayOf(traffic, "peak", "Asia/Tokyo")?.date, "2026-03-25");
  const day = dayOf(traffic, "peak", "Asia/Tokyo")!.traffic;
  assert.equal(sum(countsOf(day)), 9 * 50 + 15 * 30);
});

test("one day is every day of the week, by the quarters of an hour", () => {
  const counts = Array.from({ length: 24 * 60 }, (_, minute) => 60 * Math.floor(minute / 15));
  const profile = learnDay(trafficOf(counts, MINUTE_MS), "UTC");
  assert.ok(profile.kind === "week");
  assert.equal(profile.points.length, 7 * 96);
  assert.deepEqual(profile.points[97], { atMs: DAY_MS + 900_000, ratePerSecond: 1 });
});
