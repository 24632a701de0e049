import assert from "node:assert/strict";
import { SIDES } from "../../src/diagnosis/bottleneck.js";
import type { TestDaemon } from "../support/daemon.js";

/** One task on one connection, in the queue `celery`. */
export const configText = (parts: {
  readonly broker: string;
  readonly backend?: string;
  readonly events?: "on" | "auto";
  readonly task?: string;
  readonly profile: string;
}) => `
connections:
  main:
    broker: "${parts.broker}"
    backend: "${parts.backend ?? parts.broker}"
    events: ${parts.events ?? "on"}
tasks: { it: ${parts.task ?? "{ name: tests.add, args: [1, 2], timeout: 5m }"} }
scenarios: { steady: { profile: ${parts.profile}, gracefulStop: 0s } }
`;

export const sleeping = (seconds: number) =>
  `{ name: tests.sleep, args: [${seconds}], timeout: 5m }`;

/** Waits for a side to be named; no other is at the same time. */
export async function untilNamed(daemon: TestDaemon, side: string): Promise<void> {
  const page = await daemon.waitFor(
    (metrics) => metrics.sum("celery_load_bottleneck", { side }) === 1,
    120_000,
    `the side to be ${side}`,
  );
  assert.equal(page.select("celery_load_bottleneck").length, SIDES.length);
  assert.equal(page.sum("celery_load_bottleneck"), 1);
}

/** Every verdict that was ever given, with its evidence. */
export function verdicts(
  daemon: TestDaemon,
): { task: string; side: string; evidence: Record<string, unknown> }[] {
  return daemon
    .stderr()
    .split("\n")
    .filter((line) => line.includes('"evidence":'))
    .map((line) => JSON.parse(line));
}

/** Of all tasks exactly these sides have been named so far, in this order. */
export function assertNamed(daemon: TestDaemon, ...sides: string[]): void {
  const told = verdicts(daemon);
  assert.deepEqual(
    told.map(({ side }) => side),
    sides,
    JSON.stringify(told),
  );
}
