import { setTimeout as sleep } from "node:timers/promises";

const LOOK_AGAIN_MS = 20;

/** Waits until a condition holds, and no longer than to a time of `performance.now()`. */
export async function waitFor(condition: () => boolean, deadlineMs: number): Promise<void> {
  while (!condition() && performance.now() < deadlineMs) await sleep(LOOK_AGAIN_MS);
}
