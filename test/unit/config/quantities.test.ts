import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  formatDuration,
  formatRate,
  parseDuration,
  parsePercentage,
  parseRate,
  QuantityError,
} from "../../../src/config/quantities.js";

const RATES: [text: string, perSecond: number][] = [
  ["20/s", 20],
  ["0/s", 0],
  ["0.2/s", 0.2],
  ["5/m", 5 / 60],
  ["7/h", 7 / 3600],
  ["1000000/s", 1_000_000],
];

for (const [text, perSecond] of RATES) {
  test(`parseRate() reads ${text} and formatRate() writes it`, () => {
    assert.equal(parseRate(text), perSecond);
    assert.equal(formatRate(perSecond), text);
  });
}

const DURATIONS: [text: string, ms: number][] = [
  ["0s", 0],
  ["0.5ms", 0.5],
  ["500ms", 500],
  ["1.5s", 1500],
  ["30s", 30_000],
  ["90s", 90_000],
  ["10m", 600_000],
  ["2h", 7_200_000],
  ["30d", 2_592_000_000],
  ["3650d", 315_360_000_000],
];

for (const [text, ms] of DURATIONS) {
  test(`parseDuration() reads ${text} and formatDuration() writes it`, () => {
    assert.equal(parseDuration(text), ms);
    assert.equal(formatDuration(ms), text);
  });
}

test("parseDuration() reads decimals exactly", () => {
  assert.equal(parseDuration("1.1s"), 1100);
  assert.equal(parseDuration("0.1h"), 360_000);
  assert.equal(parseDuration("1.1m"), 66_000);
});

const BAD_RATES: [text: string, hint: string][] = [
  ["5 /s", "Write 5/s."],
  ["1_000/s", "Write 1000/s."],
  ["20", "Write 20/s."],
  ["20 per sec", "Write 20/s."],
  ["20/min", "Write 20/m."],
  ["1e999/s", "Write it like 20/s."],
  ["-5/s", "Write it like 20/s."],
  ["NaN", "Write it like 20/s."],
  ["Infinity/s", "Write it like 20/s."],
  ["077/s", "Write it like 20/s."],
  ["0x10/s", "Write it like 20/s."],
  ["20/d", "Write it like 20/s."],
  ["20/ms", "Write it like 20/s."],
  ["20/constructor", "Write it like 20/s."],
  [".5/s", "Write it like 20/s."],
  ["5./s", "Write it like 20/s."],
  ["٣/s", "Write it like 20/s."],
  ["20/s\n", "Write 20/s."],
  ["", "Write it like 20/s."],
];

for (const [text, hint] of BAD_RATES) {
  test(`parseRate() refuses ${JSON.stringify(text)} and says what to write`, () => {
    const message = `must be a number per s, m or h such as 20/s; found ${JSON.stringify(text)}`;
    assert.throws(() => parseRate(text), { name: "QuantityError", message, hint, exitCode: 104 });
  });
}

test("parseRate() refuses more than a million starts a second, however it is written", () => {
  for (const text of ["1000001/s", "60000001/m", `${"9".repeat(400)}/s`]) {
    assert.throws(() => parseRate(text), /^QuantityError: must be at most 1000000\/s; found "/);
  }
});

const BAD_DURATIONS: [text: string, hint: string][] = [
  ["10", "Write 10s."],
  ["10 min", "Write 10m."],
  ["1_000ms", "Write 1000ms."],
  ["1h30m", "Write 90m."],
  ["1h 30m", "Write 90m."],
  ["1:30", "Write 90s."],
  ["PT30S", "Write 30s."],
  ["90 min 30 sec", "Write 90.5m."],
  ["-1s", "Write it like 30s."],
  ["1e3s", "Write it like 30s."],
  ["010s", "Write it like 30s."],
  ["1w", "Write it like 30s."],
  ["forever", "Write it like 30s."],
];

for (const [text, hint] of BAD_DURATIONS) {
  test(`parseDuration() refuses ${JSON.stringify(text)} and says what to write`, () => {
    const message = `must be a number with the unit ms, s, m, h or d such as 30s; found ${JSON.stringify(text)}`;
    assert.throws(() => parseDuration(text), { name: "QuantityError", message, hint });
  });
}

test("parseDuration() refuses more than ten years", () => {
  for (const text of ["3651d", "87601h", `${"9".repeat(400)}ms`]) {
    assert.throws(() => parseDuration(text), /must be at most 10 years \(3650d\)/);
  }
});

test("a rate survives being written and read again", () => {
  const rates = fc.double({ min: 0, max: 1_000_000, noNaN: true });
  fc.assert(fc.property(rates, (rate) => assert.equal(parseRate(formatRate(rate)), rate + 0)));
});

test("a duration survives being written and read again", () => {
  const durations = fc.double({ min: 0, max: 315_360_000_000, noNaN: true });
  fc.assert(
    fc.property(fc.oneof(durations, fc.nat({ max: 1e9 })), (ms) => {
      assert.equal(parseDuration(formatDuration(ms)), ms + 0);
    }),
  );
});

test("whatever a remedy tells to write can be read", () => {
  const parts = fc.constantFrom(
    "1",
    "20",
    "0.5",
    "_",
    ",",
    " ",
    "/",
    "per",
    "sec",
    "min",
    "h",
    "-",
    "%",
  );
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 5, size: "max" }), (words) => {
      for (const parse of [parseRate, parseDuration, parsePercentage]) {
        const hint = hintOf(() => parse(words.join("")));
        const suggestion = /^Write ([^ ]+)\.$/.exec(hint ?? "")?.[1];
        if (suggestion !== undefined) parse(suggestion);
      }
    }),
    { numRuns: 2_000 },
  );
});

function hintOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof QuantityError);
    return error.hint;
  }
}

test("parsePercentage() reads shares exactly and refuses what is not between 0% and 100%", () => {
  for (const [text, ratio] of [
    ["99%", 0.99],
    ["99.9%", 0.999],
    ["99.999%", 0.99999],
    ["0.5%", 0.005],
  ] as const) {
    assert.equal(parsePercentage(text), ratio);
  }
  for (const [text, hint] of [
    ["99", "Write 99%."],
    ["99.9 %", "Write 99.9%."],
    ["0.99", "Write 99%."],
    ["99 percent", "Write 99%."],
    ["100%", "Write it like 99.9%."],
    ["0%", "Write it like 99.9%."],
    ["099%", "Write it like 99.9%."],
    ["-1%", "Write it like 99.9%."],
    ["", "Write it like 99.9%."],
  ] as const) {
    assert.throws(() => parsePercentage(text), { name: "QuantityError", hint }, text);
  }
});
