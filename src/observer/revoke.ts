import { setTimeout as sleep } from "node:timers/promises";
import type { RemoteControl } from "../connections/observe-ports.js";

/** Ids in one command: some 40 kB, which each worker that listens reads, and writes into its log. */
const IDS_AT_ONCE = 1_000;
/** Between two commands, so that workers take tasks meanwhile. */
const PAUSE_MS = 50;
/** How long the broker may take to take a command. */
const SEND_MS = 5_000;

export interface Revoked {
  /** Ids that workers were told of. */
  readonly ids: number;
  /** Workers that the broker handed the last command to; null when it does not say. */
  readonly heardBy: number | null;
}

/** Some commands could not be sent. */
export class RevokeError extends Error {
  override name = "RevokeError";
  /** Ids that workers were told of before. */
  readonly ids: number;

  constructor(ids: number, of: number, cause: unknown) {
    super(`${ids} of ${of} tasks are revoked, and the rest could not be`, { cause });
    this.ids = ids;
  }
}

/**
 * Tells all workers not to run these tasks, by Celery's own command (`celery/worker/control.py revoke`). Those that have
 * begun go on: they are not terminated. Which ones those are only the workers know, and no answer is asked for.
 *
 * A worker remembers the last 50,000 ids (CELERY_WORKER_REVOKES_MAX), so the ids that were published last are sent
 * first: beyond that number it is they that run after all.
 *
 * @param ids of tasks of ours, in the order in which they were published
 * @throws {RevokeError} when a command could not be sent
 */
export async function revokeAll(
  ids: readonly string[],
  control: Pick<RemoteControl, "ask">,
  pauseMs = PAUSE_MS,
): Promise<Revoked> {
  let heardBy: number | null = null;
  for (let left = ids.length; left > 0; left -= IDS_AT_ONCE) {
    if (left < ids.length) await sleep(pauseMs);
    const batch = ids.slice(Math.max(0, left - IDS_AT_ONCE), left);
    try {
      const { heardBy: workers } = await control.ask({
        method: "revoke",
        args: { task_id: batch, terminate: false },
        timeoutMs: SEND_MS,
        expected: 0,
      });
      heardBy = workers;
    } catch (error) {
      throw new RevokeError(ids.length - left, ids.length, error);
    }
  }
  return { ids: ids.length, heardBy };
}
