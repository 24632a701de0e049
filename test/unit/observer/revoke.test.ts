import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Answers, Question } from "../../../src/connections/observe-ports.js";
import { RevokeError, revokeAll } from "../../../src/observer/revoke.js";

/** Notes what it is asked; fails from the question of that number on. */
function listener(failsFrom = Number.POSITIVE_INFINITY) {
  const questions: Question[] = [];
  return {
    questions,
    async ask(question: Question): Promise<Answers> {
      if (questions.length >= failsFrom) throw new Error("the broker is not connected");
      questions.push(question);
      return { replies: [], heardBy: 3 };
    },
  };
}

const idsIn = ({ args }: Question) => args!.task_id as readonly string[];
const newIds = (count: number) => Array.from({ length: count }, (_, index) => `id-${index}`);

test("each of the given ids is revoked once, and no other one; none is terminated", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 5_500 }), async (count) => {
      const ids = newIds(count);
      const control = listener();
      const revoked = await revokeAll(ids, control, 0);
      assert.deepEqual(revoked, { ids: count, heardBy: count === 0 ? null : 3 });
      assert.deepEqual(control.questions.flatMap(idsIn).sort(), [...ids].sort());
      for (const question of control.questions) {
        assert.equal(question.method, "revoke");
        assert.equal(question.expected, 0);
        assert.deepEqual(Object.keys(question.args!), ["task_id", "terminate"]);
        assert.equal(question.args!.terminate, false);
        assert.ok(idsIn(question).length <= 1_000 && idsIn(question).length > 0);
      }
    }),
    { numRuns: 30 },
  );
});

test("the oldest come last, as a worker that can remember no more forgets what came first", async () => {
  const control = listener();
  await revokeAll(newIds(2_500), control, 0);
  assert.deepEqual(
    control.questions.map((question) => [idsIn(question).length, idsIn(question).at(-1)]),
    [
      [1_000, "id-2499"],
      [1_000, "id-1499"],
      [500, "id-499"],
    ],
  );
});

test("a command that cannot be sent ends it, and how far it came is said", async () => {
  await assert.rejects(revokeAll(newIds(2_500), listener(2), 0), (error: unknown) => {
    assert.ok(error instanceof RevokeError);
    assert.equal(error.ids, 2_000);
    assert.match(error.message, /2000 of 2500/);
    return true;
  });
});
