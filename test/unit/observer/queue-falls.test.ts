import assert from "node:assert/strict";
import { test } from "node:test";
import { QueueFalls } from "../../../src/observer/queue-falls.js";

/** One look: messages in the queue (null: no such queue), consumers, and what workers have taken in all. */
type Look = readonly [ready: number | null, consumers: number | null, taken: number | null];

/** A look that was missed, as the connection was lost. */
const MISSED = "missed";
/** Events were missed before the next look. */
const DEAF = "deaf";

const CASES: Record<
  string,
  { looks: readonly (Look | typeof MISSED | typeof DEAF)[]; told: unknown[] }
> = {
  "purged while the worker stands still": {
    looks: [
      [500, null, 900],
      [0, null, 900],
      [0, null, 900],
    ],
    told: [{ queue: "q", from: 500, to: 0, taken: 0 }],
  },
  "purged while the load goes on": {
    looks: [
      [5_000, 4, 900],
      [300, 4, 1_400],
      [800, 4, 1_900],
    ],
    told: [{ queue: "q", from: 5_000, to: 300, taken: 1_000 }],
  },
  "deleted without a worker": {
    looks: [
      [500, 0, null],
      [null, null, null],
      [null, null, null],
    ],
    told: [{ queue: "q", from: 500, to: null, taken: 0 }],
  },
  "purged twice": {
    looks: [
      [100, 0, null],
      [0, 0, null],
      [100, 0, null],
      [0, 0, null],
      [0, 0, null],
    ],
    told: [
      { queue: "q", from: 100, to: 0, taken: 0 },
      { queue: "q", from: 100, to: 0, taken: 0 },
    ],
  },
  "drained by workers": {
    looks: [
      [500, 2, 0],
      [0, 2, 500],
      [0, 2, 510],
    ],
    told: [],
  },
  "drained by workers whose events come late": {
    looks: [
      [500, 2, 0],
      [0, 2, 20],
      [0, 2, 500],
    ],
    told: [],
  },
  "drained by workers that say nothing": {
    looks: [
      [500, 2, null],
      [0, 2, null],
      [0, 2, null],
    ],
    told: [],
  },
  "drained by a worker that has just come": {
    looks: [
      [500, 0, null],
      [0, 1, null],
      [0, 1, 0],
    ],
    told: [],
  },
  "a few less": {
    looks: [
      [19, 0, null],
      [0, 0, null],
      [0, 0, null],
    ],
    told: [],
  },
  "expires bit by bit": {
    looks: [
      [600, 0, null],
      [400, 0, null],
      [250, 0, null],
      [150, 0, null],
      [150, 0, null],
    ],
    told: [],
  },
  "lost from sight meanwhile": {
    looks: [[500, 0, null], MISSED, [0, 0, null], [0, 0, null]],
    told: [],
  },
  "purged without a worker, while no events can be heard": {
    looks: [[500, 0, 3], DEAF, [0, 0, 3], DEAF, [0, 0, 3]],
    told: [{ queue: "q", from: 500, to: 0, taken: 0 }],
  },
  "drained by a worker that was not heard": {
    looks: [[500, 1, 3], [0, 1, 4], DEAF, [0, 1, 4]],
    told: [],
  },
  "never there": {
    looks: [
      [null, null, 0],
      [null, null, 0],
      [0, 0, 0],
    ],
    told: [],
  },
};

for (const [name, { looks, told }] of Object.entries(CASES)) {
  test(`a queue ${name}: ${told.length === 0 ? "nothing is said" : "said"}`, () => {
    const falls = new QueueFalls(0);
    const said = looks.flatMap((look, atMs) => {
      if (typeof look === "string") {
        if (look === MISSED) falls.forget();
        else falls.missedEvents();
        return [];
      }
      const [ready, consumers, taken] = look;
      return falls.looked([{ name: "q", ready, consumers, unacked: null }], taken, atMs);
    });
    assert.deepEqual(
      said.map(({ atMs: _, ...fall }) => fall),
      told,
    );
    assert.deepEqual(falls.of("q"), { count: told.length, last: said.at(-1) ?? null });
  });
}
