import assert from "node:assert/strict";
import { test } from "node:test";
import { createLocalCurve } from "../../../../src/plan/clock/local-curve.js";
import { offsetAt, offsetFrom, zoneNamed } from "../../../../src/plan/clock/zone.js";
import { createPiecewiseLinear } from "../../../../src/plan/piecewise-linear.js";

const HOUR_MS = 3_600_000;
const FROM_MS = Date.parse("2027-01-01T00:00:00Z");
const UNTIL_MS = Date.parse("2028-01-01T00:00:00Z");
const ZONES = Intl.supportedValuesOf("timeZone");

/** What the clocks of a zone show, read in another way than the code under test does. */
function clocksOf(timeZone: string) {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  return (unixMs: number) => Date.parse(`${format.format(unixMs).replace(" ", "T")}Z`);
}

/** The changes of a zone's clocks in the year, as the code has them. */
function changesOf(zone: string): number[] {
  const changes: number[] = [];
  for (let ms = FROM_MS; ; ) {
    const { untilMs, offsetMs } = offsetFrom(zone, ms);
    if (untilMs >= UNTIL_MS) return changes;
    if (offsetAt(zone, untilMs) !== offsetMs) changes.push(untilMs);
    ms = untilMs;
  }
}

test("every zone's clocks are read right through a year, and each change is found to the second", () => {
  let changes = 0;
  for (const zone of ZONES) {
    const clock = clocksOf(zone);
    for (let ms = FROM_MS; ms < UNTIL_MS; ms += 6 * HOUR_MS) {
      assert.equal(offsetAt(zone, ms), clock(ms) - ms, `${zone} at ${new Date(ms).toISOString()}`);
    }
    for (const changeMs of changesOf(zone)) {
      changes++;
      assert.equal(offsetAt(zone, changeMs - 1), clock(changeMs - 1000) - (changeMs - 1000), zone);
      assert.equal(offsetAt(zone, changeMs), clock(changeMs) - changeMs, zone);
      assert.notEqual(offsetAt(zone, changeMs - 1), offsetAt(zone, changeMs), zone);
    }
  }
  assert.ok(changes > 100, `${changes} changes in ${ZONES.length} zones`);
});

/** A different rate in each hour of the week, so that no hour passes for another. */
const rates = Array.from({ length: 168 }, (_, hour) => (hour * 37) % 97);
const week = createPiecewiseLinear(
  rates.map((rate) => ({ fromPerSecond: rate, toPerSecond: rate, durationMs: HOUR_MS })),
  true,
);

test("across each change of each zone an hour that does not exist is skipped, and one that comes twice is driven twice", () => {
  for (const zone of ZONES) {
    const clock = clocksOf(zone);
    for (const changeMs of changesOf(zone)) {
      const beginMs = changeMs - 3 * HOUR_MS;
      const curve = createLocalCurve(week, zone, beginMs);
      let starts = 0;
      for (let ms = beginMs; ms < changeMs + 3 * HOUR_MS; ms += 60_000) {
        const hour = Math.floor(clock(ms) / HOUR_MS) - 4 * 24;
        const rate = rates[((hour % 168) + 168) % 168]!;
        assert.equal(curve.rateAt(ms - beginMs), rate, `${zone} at ${new Date(ms).toISOString()}`);
        starts += rate * 60;
        assert.equal(curve.startsBy(ms + 60_000 - beginMs), starts, `${zone}`);
      }
      for (let n = 1; n < starts; n += 997) {
        const dueMs = curve.timeOf(n);
        assert.ok(Math.abs(curve.startsBy(dueMs) - n) < 1e-9 * n + 1e-9, zone);
      }
    }
  }
});

test("a curve is the same whenever it begins, and after years", () => {
  const begin = Date.parse("2027-02-03T04:05:06.789Z");
  const [early, late] = [FROM_MS, begin].map((ms) => createLocalCurve(week, "Europe/Berlin", ms));
  const before = early!.startsBy(begin - FROM_MS);
  for (const days of [0, 1, 60, 400, 3000]) {
    const ms = days * 86_400_000 + 12_345;
    assert.equal(late!.rateAt(ms), early!.rateAt(ms + begin - FROM_MS));
    const difference = early!.startsBy(ms + begin - FROM_MS) - before - late!.startsBy(ms);
    assert.ok(Math.abs(difference) < 1e-5, `${difference} after ${days} days`);
  }
});

test("a rate that is 0 for ever has no start, and that is found out", () => {
  const nothing = createPiecewiseLinear(
    [{ fromPerSecond: 0, toPerSecond: 0, durationMs: 86_400_000 }],
    true,
  );
  assert.equal(createLocalCurve(nothing, "Europe/Berlin", FROM_MS).timeOf(1), Infinity);
});

test("a start that is not due within a century is never due, and that is found out at once", () => {
  const curve = createLocalCurve(week, "Europe/Berlin", FROM_MS);
  for (const n of [1e30, Infinity]) assert.equal(curve.timeOf(n), Infinity);
  assert.ok(curve.startsBy(Infinity) < Infinity);
});

test("a name that is no zone is none", () => {
  assert.equal(zoneNamed("Europe/Berlni"), null);
  assert.equal(zoneNamed("europe/berlin"), "Europe/Berlin");
});
