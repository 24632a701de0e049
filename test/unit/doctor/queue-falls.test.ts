import assert from "node:assert/strict";
import { test } from "node:test";
import type { QueueFacts } from "../../../src/doctor/facts.js";
import { queueFalls } from "../../../src/doctor/queue-falls.js";
import { WELL, WORKERS } from "./facts.js";

const NOBODY = { ...WELL, workers: { ...WORKERS, answered: [], heardBy: 0 } };
const SILENT = { ...NOBODY, workers: { ...NOBODY.workers, heardBy: 1 } };

/** A queue of Redis, where nobody counts consumers, or of RabbitMQ; null: there is none. */
function queue(ready: number | null, consumers: number | null = null): QueueFacts {
  const depth = ready === null ? null : { ready, consumers };
  return { name: "celery", depth, isMissing: ready === null, type: null };
}

const UNKNOWN: QueueFacts = { ...queue(null), isMissing: false };

for (const [what, before, now, asked, told] of [
  ["emptied without a worker", queue(50), queue(0), NOBODY, 0],
  ["deleted without a worker", queue(50, 0), queue(null), NOBODY, null],
  ["emptied by half", queue(50, 0), queue(25, 0), NOBODY, 25],
  ["emptied while a worker is there", queue(50), queue(0), WELL, undefined],
  ["emptied while RabbitMQ counts a consumer", queue(50, 1), queue(0, 1), NOBODY, undefined],
  ["emptied while a worker does not answer", queue(50), queue(0), SILENT, undefined],
  ["of few messages", queue(10, 0), queue(0, 0), NOBODY, undefined],
  ["that grows", queue(10, 0), queue(50, 0), NOBODY, undefined],
  ["that cannot be looked at any more", queue(50, 0), UNKNOWN, NOBODY, undefined],
  ["that could not be looked at before", UNKNOWN, queue(0, 0), NOBODY, undefined],
] as const) {
  test(`doctor ${told === undefined ? "says nothing of" : "names"} a queue ${what}`, () => {
    const falls = queueFalls([before], [now], asked).map(({ queue, to }) => [queue, to]);
    assert.deepEqual(falls, told === undefined ? [] : [["celery", told]]);
  });
}
