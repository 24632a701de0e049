import assert from "node:assert/strict";
import { test } from "node:test";
import {
  afterAnswer,
  type ClaimAnswer,
  NO_LEASE,
  nextChangeMs,
  phaseAt,
} from "../../../src/lease/lease-state.js";
import { leaseTimes, SHORTEST_LEASE_MS } from "../../../src/lease/lease-times.js";

const TIMES = leaseTimes(15_000);
const { claimMs, graceMs, trustMs, proveEveryMs, askEveryMs } = TIMES;

/** An answer, when it was asked for and when it came. */
type Answered = readonly [answer: ClaimAnswer, askedMs: number, answeredMs: number];

const after = (answers: readonly Answered[]) =>
  answers.reduce((state, answered) => afterAnswer(state, ...answered), NO_LEASE);

const PHASES: readonly {
  readonly of: string;
  readonly answers: readonly Answered[];
  readonly atMs: number;
  readonly phase: string;
}[] = [
  { of: "nothing known", answers: [], atMs: 1e9, phase: "standby" },
  { of: "another one's claim", answers: [["others", 0, 1]], atMs: 1e9, phase: "standby" },
  { of: "a new claim", answers: [["taken", 0, 10]], atMs: 10, phase: "waiting" },
  {
    of: "a claim that is proved all along, before the grace is over",
    answers: [
      ["taken", 0, 10],
      ["kept", 5_000, 5_010],
    ],
    atMs: 10 + graceMs - 1,
    phase: "waiting",
  },
  {
    of: "a claim that is proved all along, when the grace is over",
    answers: [
      ["taken", 0, 10],
      ["kept", 5_000, 5_010],
    ],
    atMs: 10 + graceMs,
    phase: "held",
  },
  {
    of: "a claim that was proved in time, before that runs out",
    answers: [
      ["taken", 0, 10],
      ["kept", 10_000, 12_000],
    ],
    atMs: 10_000 + trustMs - 1,
    phase: "held",
  },
  {
    of: "a proof that runs out from when it was asked for, not from when it came",
    answers: [
      ["taken", 0, 10],
      ["kept", 10_000, 12_000],
    ],
    atMs: 10_000 + trustMs,
    phase: "expired",
  },
  {
    of: "an answer that came when it was worth nothing any more (the process was frozen)",
    answers: [
      ["taken", 0, 10],
      ["kept", 10_000, 70_000],
    ],
    atMs: 70_000,
    phase: "expired",
  },
  {
    of: "a proof after the last one has run out, as nobody else had the claim",
    answers: [
      ["taken", 0, 10],
      ["kept", 60_000, 60_010],
    ],
    atMs: 60_020,
    phase: "held",
  },
  {
    of: "a claim that had to be taken anew",
    answers: [
      ["taken", 0, 10],
      ["taken", 60_000, 60_010],
    ],
    atMs: 60_020,
    phase: "waiting",
  },
  {
    of: "a claim that somebody else has taken",
    answers: [
      ["taken", 0, 10],
      ["others", 60_000, 60_010],
    ],
    atMs: 60_020,
    phase: "standby",
  },
  {
    of: "a claim that is ours by an answer that was lost",
    answers: [["kept", 1_000, 1_010]],
    atMs: 1_020,
    phase: "waiting",
  },
];

for (const { of, answers, atMs, phase } of PHASES) {
  test(`${of}: ${phase}`, () => assert.equal(phaseAt(after(answers), TIMES, atMs), phase));
}

test("it is known when time alone will change the phase", () => {
  const state = after([
    ["taken", 0, 10],
    ["kept", 5_000, 5_010],
  ]);
  assert.equal(nextChangeMs(NO_LEASE, TIMES, 0), Number.POSITIVE_INFINITY);
  const heldMs = nextChangeMs(state, TIMES, 10);
  assert.equal(phaseAt(state, TIMES, heldMs), "held");
  const expiredMs = nextChangeMs(state, TIMES, heldMs);
  assert.equal(phaseAt(state, TIMES, expiredMs), "expired");
  assert.equal(nextChangeMs(state, TIMES, expiredMs), Number.POSITIVE_INFINITY);
});

for (const leaseMs of [SHORTEST_LEASE_MS, 15_000, 60_000, 600_000]) {
  test(`a lease time of ${leaseMs} ms holds what it promises`, () => {
    const times = leaseTimes(leaseMs);
    assert.ok(
      times.claimMs + times.askEveryMs + times.graceMs <= leaseMs,
      "the take-over is within the lease time",
    );
    assert.ok(times.trustMs < times.graceMs, "a proof has run out when its successor starts");
    assert.ok(times.trustMs <= times.claimMs, "and before the server gives the claim away");
    assert.ok(2 * times.proveEveryMs < times.trustMs, "one proof may fail");
    assert.ok(times.askEveryMs <= 1_000);
  });
}

test("the times of 15 s", () => {
  assert.deepEqual(
    { claimMs, graceMs, trustMs, proveEveryMs, askEveryMs },
    { claimMs: 7_500, graceMs: 6_500, trustMs: 5_200, proveEveryMs: 2_080, askEveryMs: 1_000 },
  );
});
