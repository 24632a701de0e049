import assert from "node:assert/strict";
import { test } from "node:test";
import { windowsSchema } from "../../../src/config/scenarios/windows-field.js";
import type { DayWindow } from "../../../src/plan/clock/windows.js";

const HOUR_MS = 3_600_000;
const ALL = [0, 1, 2, 3, 4, 5, 6];

const window = (days: readonly number[], from: number, until: number): DayWindow => ({
  ...{ days, fromMs: from * HOUR_MS, untilMs: until * HOUR_MS },
});

const READ: readonly (readonly [text: string, window: DayWindow])[] = [
  ["mon-fri 22:00-06:00", window([0, 1, 2, 3, 4], 22, 30)],
  ["Mon-Fri 9:00 - 17:30", window([0, 1, 2, 3, 4], 9, 17.5)],
  ["sat,sun", window([5, 6], 0, 24)],
  ["fri-mon 00:00-24:00", window([4, 5, 6, 0], 0, 24)],
  ["12:00-13:00", window(ALL, 12, 13)],
  ["22:00-00:00", window(ALL, 22, 24)],
];
for (const [text, expected] of READ) {
  test(`the window ${text} is read`, () => {
    const { on } = windowsSchema.parse({ zone: "UTC", on: [text] });
    assert.deepEqual(on, [expected]);
  });
}

test("dates are days of the calendar, and what is left out is nothing", () => {
  assert.deepEqual(windowsSchema.parse({ zone: "utc", off: ["mon"], except: ["2026-12-24"] }), {
    ...{ zone: "UTC", on: null, off: [window([0], 0, 24)] },
    except: [Date.UTC(2026, 11, 24)],
  });
});

const REFUSED: readonly (readonly [value: Record<string, unknown>, path: string, fault: RegExp])[] =
  [
    [{ zone: "Berlin", on: ["mon"] }, "zone", /time zone such as Europe\/Berlin/],
    [{ on: ["mon"] }, "zone", /time zone/],
    [{ zone: "UTC" }, "", /must have on or off/],
    [{ zone: "UTC", on: ["lundi 09:00-10:00"] }, "on.0", /must be days, times, or both/],
    [{ zone: "UTC", on: ["mon", "mon 25:00-26:00"] }, "on.1", /must be days, times, or both/],
    [{ zone: "UTC", on: ["mon 09:00"] }, "on.0", /must be days, times, or both/],
    [{ zone: "UTC", on: [""] }, "on.0", /must be days, times, or both/],
    [{ zone: "UTC", on: [5] }, "on.0", /must be days, times, or both/],
    [{ zone: "UTC", on: ["mon 09:00-09:00"] }, "on.0", /must not end when it begins/],
    [{ zone: "UTC", on: "mon-fri" }, "on", /must be a list of windows/],
    [{ zone: "UTC", on: [] }, "on", /must be a list of windows/],
    [{ zone: "UTC", off: ["mon"], except: ["2026-02-30"] }, "except.0", /must be a date/],
    [{ zone: "UTC", off: ["mon"], except: ["christmas"] }, "except.0", /must be a date/],
    [{ zone: "UTC", off: ["mon"], except: "2026-12-24" }, "except", /must be a list of dates/],
  ];
for (const [value, path, fault] of REFUSED) {
  test(`windows ${JSON.stringify(value)} are refused at ${path || "themselves"}`, () => {
    const { error } = windowsSchema.safeParse(value);
    const [issue, ...others] = error!.issues;
    assert.deepEqual(others, []);
    assert.equal(issue!.path.join("."), path);
    assert.match(issue!.message, fault);
  });
}
