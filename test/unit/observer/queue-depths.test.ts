import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { ServerLook } from "../../../src/connections/observe-ports.js";
import { lookAtQueues, withUnacked } from "../../../src/observer/queue-depths.js";

const names = Array.from({ length: 20 }, (_, index) => `queue-${index}`);

/** A broker whose queue-N holds N messages, and which notes how many questions it has at a time. */
function lookOf(failing: string | null = null) {
  const seen = { asked: 0, open: 0, most: 0 };
  const answer = async (queue: string) => {
    seen.asked++;
    seen.open++;
    seen.most = Math.max(seen.most, seen.open);
    await turn();
    seen.open--;
    if (queue === failing) throw new Error("the broker is gone");
    return Number(queue.slice("queue-".length));
  };
  const look = {
    depth: async (queue: string) => ({ ready: await answer(queue), consumers: null }),
    unacked: async () => 7,
    unackedOf: answer,
    typeOf: async () => null,
  } as Partial<ServerLook> as ServerLook;
  return { look, seen };
}

test("every queue is looked at, in its order, a few at a time", async () => {
  const { look, seen } = lookOf();
  const found = await lookAtQueues(look, names);
  assert.deepEqual(
    found.queues.map(({ name, ready }) => [name, ready]),
    names.map((name, index) => [name, index]),
  );
  assert.equal(found.unacked, 7);
  assert.ok(seen.most > 1 && seen.most <= 4, `${seen.most} at once`);
  const { queues } = await withUnacked(look, found);
  assert.deepEqual(
    queues.map(({ ready, unacked }) => [ready, unacked]),
    names.map((_, index) => [index, index]),
  );
  assert.ok(seen.most <= 4, `${seen.most} at once`);
});

test("a broker that fails is not asked for the rest", async () => {
  const { look, seen } = lookOf("queue-2");
  await assert.rejects(lookAtQueues(look, names), /the broker is gone/);
  await turn();
  assert.ok(seen.asked < names.length, `${seen.asked} asked`);
});
