import assert from "node:assert/strict";
import { test } from "node:test";
import { Replies } from "../../../../src/http/control/idempotency.js";
import type { Reply } from "../../../../src/http/control/problem.js";

const reply = (status: number): Reply => ({ status, headers: {}, body: {} });

test("a reply is forgotten after ten minutes", async () => {
  let nowMs = 0;
  const replies = new Replies(() => nowMs);
  assert.equal((await replies.once("k", "f", async () => reply(1))).status, 1);
  nowMs = 600_000;
  assert.equal((await replies.once("k", "f", async () => reply(2))).status, 1);
  nowMs = 600_001;
  assert.equal((await replies.once("k", "f", async () => reply(3))).status, 3);
});

test("the thousand newest are kept", async () => {
  const replies = new Replies(() => 0);
  const give = (key: number, status: number) =>
    replies.once(`k${key}`, "f", async () => reply(status));
  for (let key = 0; key < 1_000; key++) await give(key, 1);
  assert.equal((await give(0, 2)).status, 1, "a thousand have room");
  await give(1_000, 1);
  assert.equal((await give(1_000, 2)).status, 1);
  assert.equal((await give(0, 2)).status, 2, "the oldest has made room");
});

test("what is still being done is not forgotten, however long it takes", async () => {
  let nowMs = 0;
  const replies = new Replies(() => nowMs);
  let done = (_: Reply) => {};
  const first = replies.once("k", "f", () => new Promise((resolve) => (done = resolve)));
  nowMs = 3_600_000;
  await assert.rejects(
    replies.once("k", "f", async () => reply(2)),
    { status: 409 },
  );
  done(reply(1));
  assert.equal((await first).status, 1);
});
