import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { firstStanding, headroomOf, type Standing, step } from "../../../src/guards/guard.js";

const RULE = { limit: 100, resumeBelow: 50, forMs: 3_000, coolDownMs: 5_000 };

/** The states after each of some looks, a second apart. */
function states(values: readonly (number | null)[], rule = RULE, isHolding = false): string[] {
  let standing = firstStanding(0, isHolding);
  return values.map((value, second) => {
    standing = step(standing, value, rule, second * 1_000);
    return standing.state;
  });
}

function times<T>(count: number, value: T): T[] {
  return new Array<T>(count).fill(value);
}

for (const { name, values, rule = RULE, isHolding = false, expected } of [
  { name: "the limit itself is not too much", values: times(9, 100), expected: times(9, "ok") },
  {
    name: "what is above for so long fires, and not before",
    values: times(5, 101),
    expected: [...times(3, "pending"), "fired", "fired"],
  },
  {
    name: "one look that is not above begins anew",
    values: [101, 101, 101, 100, 101, 101, 101, 101],
    expected: [...times(3, "pending"), "ok", ...times(3, "pending"), "fired"],
  },
  {
    name: "without a for it fires at once",
    values: [101],
    rule: { ...RULE, forMs: 0 },
    expected: ["fired"],
  },
  {
    name: "what is fired goes on when it was below resumeBelow for the cool-down",
    values: [101, 101, 101, 101, ...times(6, 49)],
    expected: [...times(3, "pending"), ...times(6, "fired"), "ok"],
  },
  {
    name: "between resumeBelow and the limit it stays fired",
    values: [101, 101, 101, 101, ...times(20, 50)],
    expected: [...times(3, "pending"), ...times(21, "fired")],
  },
  {
    name: "a look that is not below begins the cool-down anew",
    values: [...times(4, 101), ...times(5, 49), 50, ...times(6, 49)],
    expected: [...times(3, "pending"), ...times(12, "fired"), "ok"],
  },
  {
    name: "what is not known keeps ok, pending and fired",
    values: [null, 101, null, null, 101, 101, 101, 101, null, null],
    expected: ["ok", ...times(6, "pending"), ...times(3, "fired")],
  },
  {
    name: "the time in which nothing was known does not count for the cool-down",
    values: [...times(4, 101), 49, 49, 49, ...times(10, null), 49, 49, 49, 49],
    expected: [...times(3, "pending"), ...times(17, "fired"), "ok"],
  },
  {
    name: "one that holds from a former life begins fired",
    values: [null, 60, ...times(6, 1)],
    isHolding: true,
    expected: [...times(7, "fired"), "ok"],
  },
] as const) {
  test(name, () => {
    assert.deepEqual(states(values, rule, isHolding), [...expected]);
  });
}

const looks = fc.array(
  fc.record({
    afterMs: fc.integer({ min: 1, max: 4_000 }),
    value: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.constant(null)),
  }),
  { maxLength: 60 },
);

function follow(
  walk: readonly { afterMs: number; value: number | null }[],
  each: (before: Standing, after: Standing, value: number | null, nowMs: number) => void,
): void {
  let standing = firstStanding(0, false);
  let nowMs = 0;
  for (const { afterMs, value } of walk) {
    nowMs += afterMs;
    const before = standing;
    standing = step(before, value, RULE, nowMs);
    each(before, standing, value, nowMs);
  }
}

test("nothing changes between resumeBelow and the limit, but that what was pending is ok", () => {
  fc.assert(
    fc.property(looks, (walk) => {
      follow(walk, (before, after, value) => {
        if (value === null) assert.equal(after.state, before.state);
        else if (value >= RULE.resumeBelow && value <= RULE.limit) {
          assert.equal(after.state, before.state === "fired" ? "fired" : "ok");
        }
      });
    }),
  );
});

test("fired and ok are further apart than for and cool-down: no flapping", () => {
  fc.assert(
    fc.property(looks, (walk) => {
      let changedMs = 0;
      let last = "ok";
      follow(walk, (_before, { state }, _value, nowMs) => {
        if (state === "pending" || state === last) return;
        if (state === "fired") assert.ok(nowMs - changedMs >= RULE.forMs);
        else assert.ok(nowMs - changedMs >= RULE.coolDownMs);
        changedMs = nowMs;
        last = state;
      });
    }),
  );
});

test("headroom is 1 at nothing, 0 at the limit, negative beyond", () => {
  for (const [value, expected] of [
    [0, 1],
    [50, 0.5],
    [100, 0],
    [150, -0.5],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ] as const) {
    assert.equal(headroomOf(value, 100), expected);
  }
});
