import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { driftOf, MIN_POINTS, type Point } from "../../../src/diagnosis/drift.js";
import { createRandom } from "../../../src/plan/random.js";

const MINUTE_MS = 60_000;
const SERIES = 2_000;

const points = (values: readonly number[]): Point[] =>
  values.map((value, index) => ({ atMs: index * MINUTE_MS, value }));

/** Gaussian, by Box and Muller. */
function gaussian(seed: number): () => number {
  const random = createRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Values around 0 with the spread 1, each of which resembles the one before by so much. */
function noise(normal: () => number, count: number, resemblance: number): number[] {
  const shock = Math.sqrt(1 - resemblance ** 2);
  let value = normal();
  return Array.from({ length: count }, () => {
    value = resemblance * value + shock * normal();
    return value;
  });
}

function walk(normal: () => number, count: number): number[] {
  let value = 0;
  return Array.from({ length: count }, () => {
    value += normal();
    return value;
  });
}

/** In percent of many series. */
function significantOf(make: () => readonly number[]): number {
  const found = Array.from({ length: SERIES }, () => driftOf(points(make()))!.isSignificant);
  return (100 * found.filter(Boolean).length) / SERIES;
}

type Make = (normal: () => number, count: number) => readonly number[];

/** What there is, how often it may be taken for a drift in percent, and how it is made. */
const CHANCE: readonly (readonly [string, number, Make])[] = [
  ["noise", 0.1, (normal, count) => noise(normal, count, 0)],
  ["noise with a memory of 0.5", 0.2, (normal, count) => noise(normal, count, 0.5)],
  ["noise with a memory of 0.9", 0.5, (normal, count) => noise(normal, count, 0.9)],
  ["rare, huge values", 0.1, (normal, count) => noise(normal, count, 0).map((z) => z ** 9)],
  ["a random walk", 1.5, walk],
  [
    "a saw, as of a garbage collector,",
    0.1,
    (normal, count) => noise(normal, count, 0).map((z, index) => (index % 7) + z / 4),
  ],
];
for (const count of [MIN_POINTS, 60]) {
  for (const [what, percent, make] of CHANCE) {
    test(`${count} points of ${what} drift by chance in ${percent} % of the series at most`, () => {
      const normal = gaussian(1);
      const found = significantOf(() => make(normal, count));
      assert.ok(found <= percent, `${found} %`);
    });
  }
}

test("a full window finds a change of four times the noise, of either sign", () => {
  const normal = gaussian(1);
  for (const sign of [1, -1]) {
    const found = significantOf(() =>
      noise(normal, 60, 0).map((value, index) => value + (sign * 4 * index) / 59),
    );
    assert.ok(found >= 95, `${found} %`);
  }
});

test("growth that begins, that bends or that comes in many steps is found", () => {
  const normal = gaussian(1);
  const shapes: Record<string, (share: number) => number> = {
    "a straight line": (share) => share,
    "a bent line": (share) => share ** 2,
    "a line that begins at half": (share) => Math.max(0, share - 0.5),
    "ten steps": (share) => Math.floor(share * 10) / 10,
  };
  for (const [shape, at] of Object.entries(shapes)) {
    const quiet = noise(normal, 60, 0);
    const grown = quiet.map((value, index) => 1e8 + 1e6 * at(index / 59) + 1e3 * value);
    const { isSignificant, perHour } = driftOf(points(grown))!;
    assert.ok(isSignificant && perHour > 0, shape);
  }
});

test("one step is no drift", () => {
  const normal = gaussian(1);
  const values = noise(normal, 60, 0).map((value, index) => value + (index < 30 ? 0 : 50));
  assert.equal(driftOf(points(values))!.isSignificant, false);
});

test("what never changes has no drift, and of too few points nothing is said", () => {
  assert.deepEqual(driftOf(points(Array(60).fill(4))), { perHour: 0, isSignificant: false });
  assert.equal(driftOf(points(Array(MIN_POINTS - 1).fill(4))), null);
});

test("the slope of a line is that of the line, whatever a few wild points and gaps do", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.uniqueArray(fc.nat(59), { maxLength: 8 }),
      fc.uniqueArray(fc.nat(59), { maxLength: 8 }),
      (level, perHour, wild, missing) => {
        const line = points(Array(60).fill(0))
          .map(({ atMs }, index) => ({
            atMs,
            value: level + (perHour * atMs) / 3_600_000 + (wild.includes(index) ? 1e9 : 0),
          }))
          .filter((_, index) => !missing.includes(index));
        const found = driftOf(line)!.perHour;
        // Fewer than half of the pairs have a wild point.
        assert.ok(Math.abs(found - perHour) <= 1e-3 + Math.abs(perHour) / 1e6, `${found}`);
      },
    ),
  );
});

test("scale and sign change the slope and not the significance", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: MIN_POINTS, maxLength: 60 }),
      fc.constantFrom(-4, -1, 0.5, 1_024),
      (values, scale) => {
        const once = driftOf(points(values))!;
        const scaled = driftOf(points(values.map((value) => value * scale)))!;
        assert.equal(scaled.isSignificant, once.isSignificant);
        assert.ok(Math.abs(scaled.perHour - scale * once.perHour) < 1e-6);
      },
    ),
  );
});
