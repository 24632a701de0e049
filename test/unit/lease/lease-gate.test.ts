import assert from "node:assert/strict";
import { test } from "node:test";
import { gateBytes, leaseDeadline, leaseGate } from "../../../src/lease/lease-gate.js";

const UNIX = 1_800_000_000_000;

test("a gate is closed at first, open until its deadline by both clocks, and apart from the others", () => {
  const memory = new SharedArrayBuffer(gateBytes(2));
  const [gate, other] = [leaseGate(memory, 0), leaseGate(memory, 1)];
  const deadline = leaseDeadline(memory, 0);
  assert.equal(gate.mayStart(0, 0), false);

  deadline.openUntil(5_000.9, UNIX + 5_000);
  assert.equal(gate.mayStart(4_999.5, UNIX), true);
  assert.equal(gate.mayStart(5_000, UNIX), false, "its time is over");
  assert.equal(gate.mayStart(1_000, UNIX + 5_000), false, "the machine was suspended meanwhile");
  assert.equal(
    gate.mayStart(1_000, UNIX - 3_600_000),
    true,
    "a clock that was set back says nothing",
  );
  assert.equal(other.mayStart(1_000, UNIX), false);

  deadline.close();
  assert.equal(gate.mayStart(1_000, UNIX), false);
});
