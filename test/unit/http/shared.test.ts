import assert from "node:assert/strict";
import { test } from "node:test";
import { Shared } from "../../../src/http/shared.js";

test("who asks while one is made shares the next, which is begun after the question", async () => {
  const ends: (() => void)[] = [];
  let begun = 0;
  const shared = new Shared(async () => {
    const number = ++begun;
    await new Promise<void>((resolve) => ends.push(resolve));
    return number;
  });
  const first = shared.get();
  const [second, third] = [shared.get(), shared.get()];
  assert.equal(begun, 1);
  ends[0]!();
  assert.equal(await first, 1);
  await new Promise(setImmediate);
  ends[1]!();
  assert.deepEqual(await Promise.all([second, third]), [2, 2]);
  const later = shared.get();
  ends[2]!();
  assert.equal(await later, 3);
});

test("a making that fails is told to all who share it, and the next begins afresh", async () => {
  let begun = 0;
  const shared = new Shared(async () => {
    begun++;
    if (begun < 3) throw new Error(`no ${begun}`);
    return begun;
  });
  const asked = [shared.get(), shared.get(), shared.get()];
  const told = await Promise.allSettled(asked);
  assert.deepEqual(
    told.map((each) => (each.status === "rejected" ? String(each.reason) : each.value)),
    ["Error: no 1", "Error: no 2", "Error: no 2"],
  );
  assert.equal(await shared.get(), 3);
});
