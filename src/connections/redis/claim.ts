import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { ChainableCommander } from "ioredis";
import { parseRedisUrl } from "../../celery/urls/redis-url.js";
import { withDeadline } from "../../deadline.js";
import type { Claim, Claimed, ClaimOptions } from "../claim-port.js";
import { RedisLink } from "./link.js";

/** Silence after which the connection counts as dead, at most. */
const LIVENESS_MS = 10_000;
const CLOSE_MS = 1_000;

/**
 * A claim as a key that expires, whose text is who has it and a number for each time that it was taken: one that was
 * taken by a request whose answer was lost is told from the one before. What is read and then changed is watched, so
 * that nothing is changed of somebody else's: WATCH needs no right to run scripts, which many users of a broker have not.
 */
export function openRedisClaim(options: ClaimOptions): Claim {
  const { clientName, transport, report, subject, keptMs } = options;
  const key = `${transport.global_keyprefix}celery-load:lease:${subject}`;
  const self = `${hostname()}/${process.pid} ${randomUUID()}`;
  let times = 0;
  /** The text of the claim that is known to be ours; null: none is. */
  let own: string | null = null;
  let asking: Promise<unknown> = Promise.resolve();
  const link = new RedisLink({
    address: parseRedisUrl(options.url),
    name: `${clientName}:lease`,
    livenessMs: Math.min(keptMs, LIVENESS_MS),
    events: {
      async prepare() {},
      up: () => report.up(),
      down: (cause, isConfiguration) => report.down(cause, isConfiguration),
    },
  });
  link.open();

  async function ask(): Promise<Claimed> {
    if (!link.isUp) throw new Error("the broker is not connected");
    const { client } = link;
    await client.watch(key);
    const holder = await client.get(key);
    if (holder !== null && !isOurs(holder)) {
      await client.unwatch();
      own = null;
      return { answer: "others", holder: processOf(holder) };
    }
    const claim = holder ?? `${self} ${++times}`;
    const change = client.multi();
    if (holder === null) change.set(key, claim, "PX", keptMs);
    else change.pexpire(key, keptMs);
    if (!(await isDone(change))) throw new Error("the claim changed hands while it was asked for");
    const answer = claim === own ? "kept" : "taken";
    own = claim;
    return { answer, holder: null };
  }

  function isOurs(claim: string | null): boolean {
    return claim?.startsWith(`${self} `) ?? false;
  }

  async function giveUp(): Promise<void> {
    await asking; // one WATCH at a time: the end of a transaction ends them all
    const { client } = link;
    await client.watch(key);
    if (isOurs(await client.get(key))) await isDone(client.multi().del(key));
  }

  return {
    ask() {
      const answer = ask();
      asking = answer.catch(() => {}); // told to the one who asked
      return answer;
    },
    checkLiveness: (isLate) => link.checkLiveness(isLate),
    async close() {
      try {
        if (link.isUp) await withDeadline(giveUp(), CLOSE_MS, "giving up the claim");
      } catch {
        // It expires by itself.
      }
      link.close();
    },
  };
}

/**
 * Carries out a transaction of one change. False: nothing was done, as the key is not what it was.
 * @throws when the server refuses it, or the answer is lost
 */
async function isDone(change: ChainableCommander): Promise<boolean> {
  const answers = await change.exec();
  const [first] = answers ?? [];
  if (first === undefined) return false;
  const [error, answer] = first;
  if (error !== null) throw error;
  return answer === "OK" || answer === 1;
}

/** Host and process; anyone may have written the key. */
function processOf(holder: string): string {
  return /^[\w.-]{1,255}\/\d{1,10}(?= )/.exec(holder)?.[0] ?? "another client";
}
