import type { Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Express } from "express";
import { type Address, isInUse, listen } from "./app.js";

/** What to do about a port in use. */
export interface PortWait {
  /** How long it is waited for. */
  readonly waitMs: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Called once, when the waiting begins. */
  readonly onWait: () => void;
}

/** How often a port in use is tried. */
const RETRY_MS = 200;

/**
 * Starts serving as soon as the port is free; null when the waiting was ended.
 * @throws {UserError} when the address cannot be listened on, or the port was not free in time
 */
export async function listenWhenFree(
  app: Express,
  address: Address,
  { waitMs, signal, onWait }: PortWait,
): Promise<Server | null> {
  const untilMs = performance.now() + waitMs;
  let isWaiting = false;
  while (!signal.aborted) {
    try {
      return await listen(app, address);
    } catch (error) {
      if (!isInUse(error) || performance.now() > untilMs) throw error;
      if (!isWaiting) onWait();
      isWaiting = true;
      await sleep(RETRY_MS, undefined, { signal }).catch(() => {}); // the loop looks at it
    }
  }
  return null;
}
