import type { Redis } from "ioredis";
import { isServerRefusal } from "./reply.js";

/** Answers to PING of a server that will be usable later, or for somebody else (`server.c processCommand`). */
const NOT_USABLE = /^(LOADING|MASTERDOWN|NOAUTH|CLUSTERDOWN|BUSY)/;

/**
 * Chooses the database and makes sure that the server can be used. What is refused for want of a permission, or is
 * unknown to a server that is not quite Redis, says nothing about that. `isOfSentinels`: they have named it.
 * @throws what the server answers when it cannot, or that it is a replica
 */
export async function enter(client: Redis, db: number, isOfSentinels: boolean): Promise<void> {
  // A SELECT that fails in ioredis' handshake only emits `error`, and the client turns ready on database 0:
  // select again and wait for the answer. On 0 it begins, and a cluster has no other.
  if (db !== 0) await client.select(db);
  await client.ping().catch((error: Error) => {
    if (!isServerRefusal(error) || NOT_USABLE.test(error.message)) throw error;
  });
  if (!isOfSentinels) return;
  const info = String(await client.info("replication").catch(refusedIsUnknown));
  // A Sentinel may still name the one that was deposed.
  if (/^role:slave/m.test(info)) throw new Error("the server is a replica and no master");
}

/** A server that does not let us ask for version 3 of the protocol may speak version 2. */
export function isHelloRefused(error: Error): boolean {
  return isServerRefusal(error) && /^NOPERM.*\bhello\b/i.test(error.message);
}

function refusedIsUnknown(error: Error): string {
  if (isServerRefusal(error)) return "";
  throw error;
}
