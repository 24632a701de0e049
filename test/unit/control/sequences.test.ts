import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Order } from "../../../src/control/order.js";
import { planMsAt } from "../../../src/control/regime-of.js";
import {
  burst,
  CONSTANT,
  follow,
  guardPause,
  LEAD_MS,
  mix,
  pause,
  rate,
  release,
  resume,
  STEPS,
  scale,
  simple,
  stopAll,
  throttle,
  undo,
  World,
} from "./world.js";

/** An order, or of `undo` which of the ids there are. */
type Move = { readonly passMs: number; readonly order: Order | { readonly undo: number } };

const amount = fc.integer({ min: 0, max: 500 });
const overMs = fc.constantFrom(0, 0, 1, 500, 20_000);
const ttlMs = fc.constantFrom(null, null, 1, 700, 30_000);
const guard = fc.constantFrom("deep-queue", "share");
const order: fc.Arbitrary<Move["order"]> = fc.oneof(
  fc.tuple(amount, overMs, ttlMs).map((parts) => rate(...parts)),
  fc.tuple(fc.double({ min: 0, max: 5, noNaN: true }), overMs).map((parts) => scale(...parts)),
  fc.tuple(fc.constantFrom(CONSTANT, STEPS), overMs).map((parts) => follow(...parts)),
  fc.tuple(amount, ttlMs).map(([weight, ttl]) => mix({ resize: weight, thumb: 1 }, ttl)),
  ttlMs.map(pause),
  guard.map(guardPause),
  fc.tuple(guard, fc.constantFrom(0.01, 0.5, 1)).map((parts) => throttle(...parts)),
  fc.oneof(fc.constant(null), guard).map(resume),
  fc.tuple(amount, overMs).map((parts) => burst(...parts)),
  fc.constantFrom("start", "stop", "skip-stage", "restart").map((kind) => simple(kind as "stop")),
  fc.boolean().map(stopAll),
  fc.constant(release),
  fc.nat(20).map((index) => ({ undo: index })),
);
const move: fc.Arbitrary<Move> = fc.record({
  passMs: fc.oneof(fc.constantFrom(0, 1, LEAD_MS), fc.integer({ min: 0, max: 20_000 })),
  order,
});

function orderOf(world: World, { order }: Move): Order {
  if ("kind" in order) return order;
  const { overrides, pauses, bursts } = world.steady;
  const ids = [...overrides, ...pauses, ...bursts].map(({ id }) => id);
  return undo(ids[order.undo] ?? "nothing");
}

test("any sequence of orders: revisions count, N and the plan's clock never jump", () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 30 }), (moves) => {
      const world = new World({ limits: { maxRatePerSecond: 300, burst: 400 } });
      for (const each of moves) {
        world.pass(each.passMs);
        const before = world.state;
        assert.equal(world.state.revision, world.changes.length, "one for each change");
        const { steady, timeline } = world;
        const order = orderOf(world, each);
        const answer = world.try(order);
        const atMs = world.nowMs + LEAD_MS;
        if ("refused" in answer) {
          assert.equal(world.state, before);
          assert.ok(
            answer.faults.length > 0 && answer.faults.every(({ message }) => message !== ""),
          );
          continue;
        }
        assert.equal(world.state.revision, before.revision + 1);
        assert.equal(world.timeline.startsBy(atMs), timeline.startsBy(atMs), "N");
        assert.equal(world.timeline.startsBefore, world.steady.startsBefore);
        assert.ok(world.timeline.startsBy(atMs + 60_000) >= world.steady.startsBefore);
        if (!["skip-stage", "restart", "start"].includes(order.kind)) {
          assert.equal(
            planMsAt(world.regime, atMs),
            planMsAt(steady.regime, atMs),
            `the plan's clock at ${order.kind}`,
          );
        }
        const { pauses, isStopped } = world.steady;
        const isHeld = world.state.killSwitch !== null || isStopped || pauses.length > 0;
        assert.equal(world.regime.isPaused, isHeld);
        assert.ok(world.steady.throttles.length <= 2, "one of each guard");
      }
    }),
    { numRuns: 300 },
  );
});

test("when all is undone, let go and released, it does what the plan says, where the clock is", () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 25 }), (moves) => {
      const world = new World({ profile: CONSTANT });
      for (const each of moves) {
        world.pass(each.passMs);
        world.try(orderOf(world, each));
      }
      for (const name of ["deep-queue", "share", null]) world.try(resume(name));
      for (const name of ["deep-queue", "share"]) world.try(throttle(name, 1));
      for (const { id } of [...world.steady.overrides, ...world.steady.bursts]) world.try(undo(id));
      world.try(release);
      world.try(simple("start"));
      const { isPaused, override, ramp, weights } = world.regime;
      assert.deepEqual([isPaused, override, ramp, weights], [false, null, null, null]);
      const atMs = world.nowMs + LEAD_MS;
      assert.equal(world.timeline.rateAt(atMs), 10);
    }),
    { numRuns: 200 },
  );
});
