import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seqOf, slotOf } from "../../../src/celery/messages/task-id.js";
import { EndedTasks } from "../../../src/engine/ended-tasks.js";

test("every task that was noted is taken once, in its order, at most so many at a time", () => {
  const steps = fc.array(
    fc.oneof(
      fc.nat(20).map((note) => ({ note })),
      fc.nat(20).map((take) => ({ take: take + 1 })),
    ),
  );
  fc.assert(
    fc.property(steps, (all) => {
      const ended = new EndedTasks("01234567-89ab");
      let noted = 0;
      const taken: number[] = [];
      for (const step of all) {
        if ("note" in step) {
          for (let i = 0; i < step.note; i++) ended.note(noted % 7, noted++);
          continue;
        }
        const ids = ended.take(step.take)?.ids ?? [];
        assert.equal(ids.length, Math.min(step.take, noted - taken.length));
        for (const id of ids) {
          assert.equal(slotOf(id), seqOf(id) % 7);
          taken.push(seqOf(id));
        }
      }
      assert.deepEqual(
        taken,
        Array.from(taken, (_, index) => index),
      );
    }),
  );
});

test("chords go with the next that are taken, be there tasks or not", () => {
  const ended = new EndedTasks("01234567-89ab");
  assert.equal(ended.take(10), null);
  ended.noteChord("group");
  assert.deepEqual(ended.take(10), { ids: [], chords: ["group"] });
  assert.equal(ended.take(10), null);
});
