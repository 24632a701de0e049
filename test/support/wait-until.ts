import { setTimeout as sleep } from "node:timers/promises";

/**
 * Waits until a condition holds, asked every 20 ms.
 * @param what what is waited for, for the message: "the queue to be empty"
 * @throws Error when it does not hold within `timeoutMs`; what the condition last threw is its cause
 */
export async function waitUntil(
  condition: () => Promise<boolean> | boolean,
  timeoutMs: number,
  what: string,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      if (await condition()) return;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadlineMs) {
      throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`, { cause });
    }
    await sleep(20);
  }
}
