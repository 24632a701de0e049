import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type DayWindow,
  openingAt,
  opensAt,
  type Windows,
  withinWindows,
} from "../../../../src/plan/clock/windows.js";
import { createProfile } from "../../../../src/plan/profile.js";
import { firstRegime } from "../../../../src/plan/regime.js";
import { createTimeline } from "../../../../src/plan/timeline.js";

const HOUR_MS = 3_600_000;
const WEEKDAYS = [0, 1, 2, 3, 4];
const ALL_DAYS = [0, 1, 2, 3, 4, 5, 6];

function windows(own: Partial<Windows>): Windows {
  return { zone: "Europe/Berlin", on: null, off: [], except: [], ...own };
}

function hours(days: readonly number[], from: number, until: number): DayWindow {
  return { days, fromMs: from * HOUR_MS, untilMs: until * HOUR_MS };
}

const NIGHTS = windows({ on: [hours(WEEKDAYS, 22, 30)] });
const NO_CHRISTMAS = { ...NIGHTS, except: [Date.UTC(2026, 11, 24)] };
const NO_LUNCH = windows({ off: [hours(WEEKDAYS, 12, 13)] });
const WEEKEND = windows({ on: [hours([5, 6], 0, 24)] });
const WORK = windows({ on: [hours(WEEKDAYS, 9, 17)], off: [hours(ALL_DAYS, 12, 13)] });
/** In the hour that is passed over in spring and comes twice in autumn. */
const HALF_PAST_TWO = windows({ on: [hours(ALL_DAYS, 2, 2.5)] });

/** Local times by their offset, and whether it is open then. */
const MOMENTS: readonly (readonly [name: string, windows: Windows, at: string, isOpen: boolean])[] =
  [
    ["a night, before", NIGHTS, "2026-11-30T21:59:59+01:00", false],
    ["a night, from its beginning", NIGHTS, "2026-11-30T22:00:00+01:00", true],
    ["a night, after midnight", NIGHTS, "2026-12-01T05:59:59+01:00", true],
    ["a night, at its end", NIGHTS, "2026-12-01T06:00:00+01:00", false],
    ["the night from Friday to Saturday", NIGHTS, "2026-12-05T03:00:00+01:00", true],
    ["the night from Saturday to Sunday", NIGHTS, "2026-12-06T03:00:00+01:00", false],
    ["the night before Christmas Eve", NO_CHRISTMAS, "2026-12-24T03:00:00+01:00", true],
    ["the evening of Christmas Eve", NO_CHRISTMAS, "2026-12-24T23:00:00+01:00", false],
    ["the night after Christmas Eve", NO_CHRISTMAS, "2026-12-25T03:00:00+01:00", false],
    ["the evening after", NO_CHRISTMAS, "2026-12-25T23:00:00+01:00", true],
    ["a lunch", NO_LUNCH, "2026-11-30T12:30:00+01:00", false],
    ["a lunch on Sunday", NO_LUNCH, "2026-11-29T12:30:00+01:00", true],
    ["a Saturday", WEEKEND, "2026-12-05T00:00:00+01:00", true],
    ["a Sunday, to its end", WEEKEND, "2026-12-06T23:59:59+01:00", true],
    ["a Monday", WEEKEND, "2026-12-07T00:00:00+01:00", false],
    ["work, before lunch", WORK, "2026-11-30T11:59:59+01:00", true],
    ["work, at lunch", WORK, "2026-11-30T12:00:00+01:00", false],
    ["work, after lunch", WORK, "2026-11-30T13:00:00+01:00", true],
    ["spring, before the hour that is not", HALF_PAST_TWO, "2026-03-29T01:59:59+01:00", false],
    ["spring, after it", HALF_PAST_TWO, "2026-03-29T03:00:00+02:00", false],
    ["autumn, the hour the first time", HALF_PAST_TWO, "2026-10-25T02:15:00+02:00", true],
    ["autumn, between", HALF_PAST_TWO, "2026-10-25T02:45:00+02:00", false],
    ["autumn, the hour the second time", HALF_PAST_TWO, "2026-10-25T02:15:00+01:00", true],
  ];
for (const [name, spec, at, isOpen] of MOMENTS) {
  test(`windows: ${name} is ${isOpen ? "open" : "closed"}`, () => {
    assert.equal(openingAt(spec, Date.parse(at)).isOpen, isOpen);
  });
}

test("windows open next when they say, and those that never open do not", () => {
  const at = (text: string) => Date.parse(text);
  assert.equal(opensAt(NIGHTS, at("2026-12-05T12:00:00+01:00")), at("2026-12-07T22:00:00+01:00"));
  assert.equal(opensAt(NIGHTS, at("2026-12-01T03:00:00+01:00")), at("2026-12-01T03:00:00+01:00"));
  const never = windows({ on: [hours([0], 9, 10)], off: [hours([0], 8, 11)] });
  assert.equal(opensAt(never, at("2026-12-01T03:00:00+01:00")), Infinity);
});

const anyWindow: fc.Arbitrary<DayWindow> = fc
  .record({
    days: fc.uniqueArray(fc.nat(6), { minLength: 1 }),
    from: fc.nat(95),
    length: fc.integer({ min: 1, max: 96 }),
  })
  .map(({ days, from, length }) => hours(days, from / 4, (from + length) / 4));
const anyWindows: fc.Arbitrary<Windows> = fc.record({
  zone: fc.constantFrom("Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "UTC"),
  on: fc.option(fc.array(anyWindow, { minLength: 1, maxLength: 3 })),
  off: fc.array(anyWindow, { maxLength: 2 }),
  except: fc.array(
    fc.nat(40).map((day) => Date.UTC(2026, 2, 10 + day)),
    { maxLength: 3 },
  ),
});
/** Around the changes of the clocks in spring. */
const anyMoment = fc.integer({ min: Date.UTC(2026, 2, 10), max: Date.UTC(2026, 3, 15) });

test("nothing changes before the time that an opening names", () => {
  fc.assert(
    fc.property(
      anyWindows,
      anyMoment,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (spec, ms, part) => {
        const { isOpen, untilMs } = openingAt(spec, ms);
        assert.ok(untilMs > ms);
        assert.equal(
          openingAt(spec, Math.min(untilMs - 1, Math.floor(ms + part * (untilMs - ms)))).isOpen,
          isOpen,
        );
      },
    ),
    { numRuns: 300 },
  );
});

test("within windows there are as many starts as in the minutes that are open", () => {
  const curve = createProfile({ kind: "constant", ratePerSecond: 1 });
  fc.assert(
    fc.property(anyWindows, anyMoment, fc.nat(10 * 24 * 60), (spec, ms, minutes) => {
      const zeroMs = Math.floor(ms / 60_000) * 60_000;
      const within = withinWindows(curve, spec, zeroMs);
      let open = 0;
      for (let minute = 0; minute < minutes; minute++) {
        if (openingAt(spec, zeroMs + minute * 60_000).isOpen) open++;
      }
      const starts = within.startsBy(minutes * 60_000);
      assert.ok(Math.abs(starts - open * 60) < 1e-3, `${starts}, not ${open * 60}`);
    }),
    { numRuns: 25 },
  );
});

test("a timeline starts nothing outside its windows, its plan goes on, and each start has its time", () => {
  const zeroUnixMs = Date.parse("2026-11-30T05:00:00+01:00");
  const profile = createProfile({
    kind: "steps",
    repeat: false,
    stages: [
      { ratePerSecond: 1, durationMs: 2 * HOUR_MS },
      { ratePerSecond: 2, durationMs: 20 * HOUR_MS },
    ],
  });
  const timeline = createTimeline(
    { profile, endMs: Infinity, untilMs: Infinity, windows: NIGHTS },
    firstRegime(0, zeroUnixMs),
  );
  // An hour of Monday's morning belongs to Sunday, on which no window begins.
  assert.equal(timeline.startsBy(17 * HOUR_MS), 0);
  assert.equal(timeline.startsBy(18 * HOUR_MS), 7_200, "by the second stage");
  assert.equal(timeline.rateAt(10 * HOUR_MS), 0);
  assert.equal(timeline.opensAt(HOUR_MS), 17 * HOUR_MS);
  assert.equal(timeline.timeOf(1), 17 * HOUR_MS + 500);
  assert.equal(timeline.planMsAt(10 * HOUR_MS), 10 * HOUR_MS);
  for (const n of [1, 2, 3_600, 7_200]) {
    assert.ok(Math.abs(timeline.startsBy(timeline.timeOf(n)) - n) < 1e-6);
  }
});
