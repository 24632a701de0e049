import assert from "node:assert/strict";
import { test } from "node:test";
import type { ScriptContext } from "../../../src/scripts/script-users.js";
import { TaskError } from "../../../src/scripts/task-error.js";
import type {
  Payload,
  ScriptContext as PublicContext,
  TaskError as PublicError,
  Script,
} from "../../../types/index.js";

/** Does not compile when what is shipped for editors is not what scripts get. */
const asShipped = (context: ScriptContext): Omit<PublicContext, "send"> => context;
const error: PublicError = new TaskError("login", "failed", "OutOfStock", "none left") as never;

const script: Script<{ id: number }> = async ({ send, row, check }) => {
  const sum = await send<number>("add", { args: [row.id, 1] });
  check("a number", sum > 0);
};
const payload: Payload<{ id: number }> = ({ row, seq }) => ({ args: [row.id, seq] });

test("the types that are shipped are those of what scripts and payloads get", () => {
  assert.equal(error.name, "OutOfStock");
  assert.equal(error.message, "none left");
  assert.ok([asShipped, script, payload].every((each) => typeof each === "function"));
  assert.equal(
    new TaskError("a", "timed_out").message,
    "task a: no result came within its timeout",
  );
  assert.equal(new TaskError("a", "revoked").name, "TaskError");
});
