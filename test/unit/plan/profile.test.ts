import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createProfile, type Profile, stageTimesMs } from "../../../src/plan/profile.js";
import { anySpec, type LinesSpec, linesOf, wholeSpec } from "./profiles.js";

const elapsed = fc.double({ min: 0, max: 5_000_000, noNaN: true });

/** One cycle's length and starts; those of 1000 s for a constant rate. */
function cycleOf(spec: LinesSpec, profile: Profile): { cycleMs: number; starts: number } {
  const lines = linesOf(spec).map((line) => ({
    ...line,
    durationMs: Math.min(line.durationMs, 1_000_000),
  }));
  const cycleMs = lines.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return { cycleMs, starts: profile.startsBy(cycleMs) };
}

function closeTo(actual: number, expected: number, relative = 1e-9): void {
  const difference = Math.abs(actual - expected);
  const allowed = relative * Math.max(1, Math.abs(expected));
  assert.ok(difference <= allowed, `${actual} is not within ${allowed} of ${expected}`);
}

test("startsBy() never decreases, not by one bit", () => {
  const neighbours = fc.oneof(elapsed, fc.integer({ min: 0, max: 5_000_000 }));
  fc.assert(
    fc.property(anySpec, neighbours, elapsed, (spec, oneMs, otherMs) => {
      const profile = createProfile(spec);
      const [earlierMs, laterMs] = oneMs <= otherMs ? [oneMs, otherMs] : [otherMs, oneMs];
      assert.ok(profile.startsBy(earlierMs) <= profile.startsBy(laterMs));
      const nextMs = oneMs * (1 + Number.EPSILON);
      assert.ok(profile.startsBy(oneMs) <= profile.startsBy(nextMs));
    }),
    { numRuns: 2000 },
  );
});

test("the starts of a stage are its mean rate times its duration", () => {
  fc.assert(
    fc.property(anySpec, (spec) => {
      const profile = createProfile(spec);
      let startMs = 0;
      for (const { from, to, durationMs } of linesOf(spec)) {
        const endMs = startMs + Math.min(durationMs, 1_000_000);
        const starts = profile.startsBy(endMs) - profile.startsBy(startMs);
        closeTo(starts, (((from + to) / 2) * (endMs - startMs)) / 1000);
        startMs = endMs;
      }
    }),
  );
});

test("rateAt() is the derivative of startsBy()", () => {
  fc.assert(
    fc.property(anySpec, elapsed, (spec, elapsedMs) => {
      const profile = createProfile(spec);
      const stepMs = 0.5;
      // A difference over a border would be that of two lines.
      fc.pre(elapsedMs >= stepMs && elapsedMs + stepMs < profile.endMs);
      const isInside = profile.stageAt(elapsedMs - stepMs).remainingMs > 2 * stepMs;
      fc.pre(isInside);
      const difference =
        profile.startsBy(elapsedMs + stepMs) - profile.startsBy(elapsedMs - stepMs);
      closeTo((difference / (2 * stepMs)) * 1000, profile.rateAt(elapsedMs), 1e-4);
    }),
  );
});

test("timeOf() is the inverse of startsBy(), at the earliest time", () => {
  const share = fc.double({ min: 0, max: 1, minExcluded: true, noNaN: true });
  fc.assert(
    fc.property(anySpec, share, fc.nat(1000), (spec, part, cycles) => {
      const profile = createProfile(spec);
      const { starts } = cycleOf(spec, profile);
      fc.pre(starts > 0);
      const n = (profile.endMs === Infinity ? cycles + part : part) * starts;
      fc.pre(n > 1e-6);
      const dueMs = profile.timeOf(n);
      closeTo(profile.startsBy(dueMs), n);
      // Earliest: a little before there were fewer. Not less than 10 ms, as at the end of a ramp to 0 the last
      // milliseconds add less than a number with the whole count before its point can tell.
      assert.ok(profile.startsBy(dueMs - Math.max(10, dueMs * 1e-9)) < n);
    }),
    { numRuns: 1000 },
  );
});

test("timeOf() never decreases but for rounding", () => {
  const share = fc.double({ min: 1e-12, max: 3, noNaN: true });
  fc.assert(
    fc.property(anySpec, share, share, (spec, one, other) => {
      const profile = createProfile(spec);
      const { starts } = cycleOf(spec, profile);
      const [fewer, more] = [Math.min(one, other) * starts, Math.max(one, other) * starts];
      const latestMs = profile.timeOf(more) * (1 + 4 * Number.EPSILON);
      assert.ok(profile.timeOf(fewer) <= latestMs);
      const next = fewer * (1 + Number.EPSILON);
      assert.ok(profile.timeOf(fewer) <= profile.timeOf(next) * (1 + 4 * Number.EPSILON));
    }),
    { numRuns: 1000 },
  );
});

test("stages and cycles join without a jump", () => {
  fc.assert(
    fc.property(anySpec, fc.nat(1000), (spec, cycles) => {
      const profile = createProfile(spec);
      const { cycleMs } = cycleOf(spec, profile);
      const lines = linesOf(spec);
      const fastest = Math.max(...lines.flatMap(({ from, to }) => [from, to]));
      let borderMs = profile.endMs === Infinity ? cycles * cycleMs : 0;
      for (const { durationMs } of lines) {
        borderMs += Math.min(durationMs, 1_000_000);
        const before = profile.startsBy(borderMs - 0.01);
        const after = profile.startsBy(borderMs + 0.01);
        assert.ok(after - before <= (fastest * 0.02) / 1000 + 1e-12 * after + 1e-9);
      }
    }),
  );
});

test("a repeated profile is its first cycle again and again", () => {
  fc.assert(
    fc.property(wholeSpec, fc.nat(100_000), fc.integer({ min: 0, max: 600_000 }), (spec, n, ms) => {
      fc.pre(spec.kind === "steps" && spec.repeat);
      const profile = createProfile(spec);
      const { cycleMs, starts } = cycleOf(spec, profile);
      const insideMs = ms % cycleMs;
      assert.equal(profile.rateAt(n * cycleMs + insideMs), profile.rateAt(insideMs));
      closeTo(
        profile.startsBy(n * cycleMs + insideMs),
        n * starts + profile.startsBy(insideMs),
        1e-12,
      );
      assert.deepEqual(profile.stageAt(n * cycleMs + insideMs), profile.stageAt(insideMs));
      assert.equal(profile.startsBy(n * cycleMs), n * starts);
    }),
    { numRuns: 500 },
  );
});

/** Counts without rounding, to compare with. */
interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** N(t) of whole rates and times as a fraction: 2000 d starts = 2 a d u + (b - a) u². */
function exactStartsBy(spec: LinesSpec, elapsedMs: bigint): Fraction {
  let starts: Fraction = { numerator: 0n, denominator: 1n };
  let leftMs = elapsedMs;
  const lines = linesOf(spec);
  const repeats = spec.kind === "steps" && spec.repeat;
  for (let index = 0; leftMs > 0n && (repeats || index < lines.length); index++) {
    const { from, to, durationMs } = lines[index % lines.length]!;
    const isEndless = durationMs === Infinity;
    const lengthMs = isEndless ? leftMs : BigInt(durationMs);
    const intoMs = leftMs < lengthMs ? leftMs : lengthMs;
    const growth = BigInt(to) - BigInt(from);
    const part = {
      numerator: 2n * BigInt(from) * lengthMs * intoMs + growth * intoMs * intoMs,
      denominator: 2000n * lengthMs,
    };
    starts = {
      numerator: starts.numerator * part.denominator + part.numerator * starts.denominator,
      denominator: starts.denominator * part.denominator,
    };
    leftMs -= intoMs;
  }
  return starts;
}

test("startsBy() agrees with rational numbers to 15 digits of the total, and holds where they are whole exactly", () => {
  fc.assert(
    fc.property(wholeSpec, fc.integer({ min: 0, max: 3_000_000 }), (spec, elapsedMs) => {
      const { numerator, denominator } = exactStartsBy(spec, BigInt(elapsedMs));
      const profile = createProfile(spec);
      const actual = profile.startsBy(elapsedMs);
      const whole = numerator / denominator;
      const rest = Number(((numerator % denominator) * 10n ** 15n) / denominator) / 1e15;
      const total = Math.max(1, actual, profile.startsBy(Math.min(profile.endMs, 4_000_000)));
      assert.ok(Math.abs(actual - (Number(whole) + rest)) <= 2e-15 * total);
      if (numerator % denominator === 0n && spec.kind !== "ramp") {
        assert.equal(actual, Number(whole));
      }
    }),
    { numRuns: 1000 },
  );
});

test("timeOf() is within a nanosecond of the rational oracle's border", () => {
  fc.assert(
    fc.property(wholeSpec, fc.integer({ min: 1, max: 100_000 }), (spec, n) => {
      const dueMs = createProfile(spec).timeOf(n);
      fc.pre(dueMs < 3_000_000);
      // In units of 1 ns: one later there are at least n starts, one earlier there are fewer.
      const dueNs = BigInt(Math.round(dueMs * 1e6));
      const after = exactStartsByNs(spec, dueNs + 1n);
      const before = exactStartsByNs(spec, dueNs - 1n);
      assert.ok(after.numerator >= BigInt(n) * after.denominator);
      assert.ok(before.numerator < BigInt(n) * before.denominator);
    }),
    { numRuns: 1000 },
  );
});

/** The same oracle in nanoseconds: a million times the durations, a millionth of the rates. */
function exactStartsByNs(spec: LinesSpec, elapsedNs: bigint): Fraction {
  const { numerator, denominator } = exactStartsBy(inNanoseconds(spec), elapsedNs);
  return { numerator, denominator: denominator * 1_000_000n };
}

function inNanoseconds(spec: LinesSpec): LinesSpec {
  const stretch = <Item extends { durationMs: number }>(item: Item) => ({
    ...item,
    durationMs: item.durationMs * 1e6,
  });
  if (spec.kind === "steps") return { ...spec, stages: spec.stages.map(stretch) };
  if (spec.kind === "ramp") return { ...spec, stages: spec.stages.map(stretch) };
  return spec;
}

test("50/s for 20s: start 1000 is due at exactly 20000 ms", () => {
  const stages = [{ ratePerSecond: 50, durationMs: 20_000 }];
  for (const profile of [
    createProfile({ kind: "constant", ratePerSecond: 50 }),
    createProfile({ kind: "steps", stages, repeat: false }),
    createProfile({ kind: "steps", stages, repeat: true }),
  ]) {
    assert.equal(profile.timeOf(1), 20);
    assert.equal(profile.timeOf(1000), 20_000);
    assert.equal(profile.startsBy(20_000), 1000);
  }
});

test("repeated steps have exactly their starts in every cycle, the last one before the pause", () => {
  const profile = createProfile({
    kind: "steps",
    repeat: true,
    stages: [
      { ratePerSecond: 20, durationMs: 5000 },
      { ratePerSecond: 100, durationMs: 5000 },
      { ratePerSecond: 0, durationMs: 2000 },
    ],
  });
  for (const cycle of [0, 1, 7, 1_000_000]) {
    const [startMs, starts] = [cycle * 12_000, cycle * 600];
    assert.equal(profile.startsBy(startMs), starts);
    assert.equal(profile.startsBy(startMs + 5000), starts + 100);
    assert.equal(profile.startsBy(startMs + 10_000), starts + 600);
    assert.equal(profile.timeOf(starts + 1), startMs + 50);
    assert.equal(profile.timeOf(starts + 100), startMs + 5000);
    assert.equal(profile.timeOf(starts + 101), startMs + 5010);
    assert.equal(profile.timeOf(starts + 600), startMs + 10_000);
    assert.equal(profile.rateAt(startMs), 20);
    assert.equal(profile.rateAt(startMs + 5000), 100);
    assert.equal(profile.rateAt(startMs + 10_000), 0);
    assert.deepEqual(profile.stageAt(startMs + 5000), { index: 1, remainingMs: 5000 });
    assert.deepEqual(profile.stageAt(startMs + 11_999), { index: 2, remainingMs: 1 });
  }
  assert.equal(profile.endMs, Infinity);
});

test("a ramp ends by itself, with its triangle of starts", () => {
  const profile = createProfile({
    kind: "ramp",
    fromPerSecond: 0,
    stages: [
      { toPerSecond: 100, durationMs: 10_000 },
      { toPerSecond: 100, durationMs: 10_000 },
      { toPerSecond: 0, durationMs: 10_000 },
    ],
  });
  assert.equal(profile.endMs, 30_000);
  assert.equal(profile.startsBy(10_000), 500);
  assert.equal(profile.timeOf(5), 1000);
  assert.equal(profile.timeOf(500), 10_000);
  assert.equal(profile.timeOf(1500), 20_000);
  assert.equal(profile.timeOf(1995), 29_000);
  assert.equal(profile.timeOf(2000), 30_000);
  assert.equal(profile.timeOf(2000.5), Infinity);
  assert.equal(profile.startsBy(1e9), 2000);
  assert.equal(profile.rateAt(5000), 50);
  assert.equal(profile.rateAt(30_000), 0);
  assert.deepEqual(profile.stageAt(30_000), { index: 2, remainingMs: 0 });
});

test("a ramp over no time is a jump", () => {
  const profile = createProfile({
    kind: "ramp",
    fromPerSecond: 10,
    stages: [
      { toPerSecond: 10, durationMs: 1000 },
      { toPerSecond: 100, durationMs: 0 },
      { toPerSecond: 100, durationMs: 1000 },
    ],
  });
  assert.equal(profile.timeOf(10), 1000);
  assert.equal(profile.timeOf(11), 1010);
  assert.equal(profile.rateAt(1000), 100);
  assert.deepEqual(profile.stageAt(1000), { index: 2, remainingMs: 1000 });
});

test("a rate a minute loses no start to rounding", () => {
  for (const perMinute of [1, 5, 7, 11, 13, 59]) {
    const stage = { ratePerSecond: perMinute / 60, durationMs: 600_000 };
    const profile = createProfile({ kind: "steps", stages: [stage], repeat: true });
    for (const cycle of [1, 3, 1000]) {
      assert.equal(profile.startsBy(cycle * 600_000), cycle * perMinute * 10);
      assert.equal(profile.timeOf(cycle * perMinute * 10), cycle * 600_000);
    }
  }
});

test("a start at a border inside a cycle of broken totals is not pushed behind the pause", () => {
  const profile = createProfile({
    kind: "steps",
    repeat: true,
    stages: [
      { ratePerSecond: 0.2, durationMs: 1000 },
      { ratePerSecond: 0, durationMs: 3_600_000 },
      { ratePerSecond: 0.1, durationMs: 1000 },
    ],
  });
  // 6 cycles of 0.3 starts and 0.2 more.
  assert.ok(Math.abs(profile.timeOf(2) - (6 * 3_602_000 + 1000)) < 1e-6);
});

test("a rate of 0 starts nothing, ever", () => {
  for (const profile of [
    createProfile({ kind: "constant", ratePerSecond: 0 }),
    createProfile({
      kind: "steps",
      stages: [{ ratePerSecond: 0, durationMs: 10 }],
      repeat: true,
    }),
    createProfile({
      kind: "ramp",
      fromPerSecond: 0,
      stages: [{ toPerSecond: 0, durationMs: 10 }],
    }),
  ]) {
    assert.equal(profile.timeOf(1), Infinity);
    assert.equal(profile.startsBy(1e9), 0);
    assert.equal(profile.rateAt(5), 0);
  }
});

test("times before the start count as 0", () => {
  fc.assert(
    fc.property(anySpec, (spec) => {
      const profile = createProfile(spec);
      assert.equal(profile.startsBy(-5), 0);
      assert.equal(profile.rateAt(-5), profile.rateAt(0));
      assert.deepEqual(profile.stageAt(-5), profile.stageAt(0));
      assert.equal(profile.timeOf(0), 0);
    }),
  );
});

test("stages carry the names that the configuration gives them", () => {
  const names = (spec: LinesSpec) => createProfile(spec).stages.map(({ name }) => name);
  assert.deepEqual(names({ kind: "constant", ratePerSecond: 5 / 60 }), ["5/m"]);
  assert.deepEqual(
    names({
      kind: "steps",
      repeat: false,
      stages: [
        { ratePerSecond: 20, durationMs: 5000 },
        { ratePerSecond: 0.2, durationMs: 5_400_000 },
        { ratePerSecond: 7 / 3600, durationMs: 86_400_000 },
        { ratePerSecond: 0, durationMs: 250 },
      ],
    }),
    ["20/s for 5s", "0.2/s for 90m", "7/h for 1d", "0/s for 250ms"],
  );
  const ramp = createProfile({
    kind: "ramp",
    fromPerSecond: 5,
    stages: [
      { toPerSecond: 200, durationMs: 900_000 },
      { toPerSecond: 200, durationMs: 3_600_000 },
    ],
  });
  assert.deepEqual(ramp.stages, [
    {
      name: "5/s to 200/s over 15m",
      kind: "ramp",
      durationMs: 900_000,
    },
    {
      name: "200/s for 1h",
      kind: "hold",
      durationMs: 3_600_000,
    },
  ]);
});

test("createProfile() refuses what has no meaning", () => {
  const steps = (ratePerSecond: number, durationMs: number, repeat = false): LinesSpec => ({
    kind: "steps",
    stages: [{ ratePerSecond, durationMs }],
    repeat,
  });
  assert.throws(() => createProfile({ kind: "constant", ratePerSecond: -1 }), RangeError);
  assert.throws(() => createProfile({ kind: "constant", ratePerSecond: Number.NaN }), RangeError);
  assert.throws(() => createProfile({ kind: "steps", stages: [], repeat: false }), RangeError);
  assert.throws(() => createProfile(steps(1, Number.NaN)), RangeError);
  assert.throws(() => createProfile(steps(1, 0, true)), RangeError);
  assert.throws(() => createProfile(steps(1, Infinity, true)), RangeError);
});

test("the starts of each stage are as many as its rate has: a start at a border is the last of the earlier", () => {
  fc.assert(
    fc.property(wholeSpec, fc.integer({ min: 1, max: 4 }), (spec, cycles) => {
      const lines = linesOf(spec);
      const profile = createProfile(spec);
      const totals = lines.map(({ from, to, durationMs }) =>
        durationMs === Infinity ? 0 : ((from + to) * durationMs) / 2_000,
      );
      const all = totals.reduce((sum, total) => sum + total, 0);
      fc.pre(all > 0 && all < 20_000 && totals.every(Number.isInteger));
      const isRepeated = profile.endMs === Infinity;
      const counts = lines.map(() => 0);
      for (let n = 1; n <= all * (isRepeated ? cycles : 1); n++) {
        counts[profile.stageOfStart(profile.timeOf(n)).index]! += 1;
      }
      assert.deepEqual(
        counts,
        totals.map((total) => total * (isRepeated ? cycles : 1)),
      );
    }),
    { numRuns: 300 },
  );
});

test("the stage of a start lasts until the time that it says, and no longer", () => {
  fc.assert(
    fc.property(anySpec, elapsed, (spec, dueMs) => {
      const profile = createProfile(spec);
      fc.pre(dueMs > 0 && dueMs <= profile.endMs);
      const { index, untilMs } = profile.stageOfStart(dueMs);
      assert.ok(untilMs >= dueMs);
      if (untilMs === Infinity) return;
      assert.equal(profile.stageOfStart(untilMs).index, index);
      const after = profile.stageOfStart(untilMs * (1 + 4 * Number.EPSILON));
      assert.ok(after.untilMs > untilMs || untilMs === profile.endMs);
    }),
    { numRuns: 1000 },
  );
});

test("the times of the stages add up to the time that was run, cycle by cycle", () => {
  fc.assert(
    fc.property(anySpec, elapsed, (spec, elapsedMs) => {
      const profile = createProfile(spec);
      const activeMs = Math.min(elapsedMs, profile.endMs);
      const times = stageTimesMs(profile.stages, activeMs);
      closeTo(
        times.reduce((sum, time) => sum + time, 0),
        activeMs,
      );
      for (const time of times) assert.ok(time >= 0);
    }),
  );
  const cycle = createProfile({
    kind: "steps",
    stages: [
      { ratePerSecond: 1, durationMs: 1_000 },
      { ratePerSecond: 2, durationMs: 500 },
    ],
    repeat: true,
  });
  assert.deepEqual(stageTimesMs(cycle.stages, 4_200), [3_000, 1_200]);
});
