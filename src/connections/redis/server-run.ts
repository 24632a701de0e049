import type { Redis } from "ioredis";

/** One life of a Redis server process. */
export interface ServerRun extends History {
  readonly runId: string;
  /** Keys that it loaded at its start; null when it does not say (before Redis 7, or append-only). */
  readonly loadedKeys: number | null;
  readonly isAppendOnly: boolean;
}

/**
 * A server's place in the history of its data: a master counts the bytes that it hands to its replicas,
 * and one that took over says until where it had followed the master before it.
 */
export interface History {
  /** How many replicas follow it. */
  readonly replicas: number;
  readonly history: string;
  /** Position in it. */
  readonly offset: number;
  /** The history that it has followed as a replica until it became the master; "" when it never did. */
  readonly formerHistory: string;
  /** The first position there that it did not get. */
  readonly formerEnd: number;
}

/** Which run of the server this is; null when INFO is not permitted. */
export async function serverRun(client: Redis): Promise<ServerRun | null> {
  let info: string;
  try {
    const sections = ["server", "persistence", "replication"] as const;
    info = (await Promise.all(sections.map((section) => client.info(section)))).join("\n");
  } catch (error) {
    if (error instanceof Error && error.name === "ReplyError") return null;
    throw error;
  }
  return readServerRun(info);
}

/** Reads what INFO says in its sections server, persistence and replication. */
export function readServerRun(info: string): ServerRun {
  const field = fieldsOf(info);
  const loaded = field("rdb_last_load_keys_loaded");
  return {
    ...readHistory(info),
    runId: field("run_id"),
    loadedKeys: loaded === "" ? null : Number(loaded),
    isAppendOnly: field("aof_enabled") === "1",
  };
}

/** Reads what INFO says in its section replication. */
export function readHistory(info: string): History {
  const field = fieldsOf(info);
  const former = field("master_replid2");
  return {
    replicas: Number(field("connected_slaves")),
    history: field("master_replid"),
    offset: Number(field("master_repl_offset")),
    formerHistory: /[1-9a-f]/.test(former) ? former : "",
    formerEnd: Number(field("second_repl_offset")),
  };
}

/** How often the server was emptied, by what INFO says in its section commandstats: 0 when it was not, or never counted. */
export function readFlushes(info: string): number {
  const calls = /\bcalls=(\d+)/.exec(fieldsOf(info)("cmdstat_flushall"))?.[1];
  return Number(calls ?? 0);
}

function fieldsOf(info: string): (name: string) => string {
  return (name) => new RegExp(`^${name}:(.*)$`, "m").exec(info)?.[1]?.trim() ?? "";
}

/** True when `now` is another run than `before` of the same server, and provably started with nothing. */
export function cameBackEmpty(before: ServerRun, now: ServerRun): boolean {
  return before.runId !== now.runId && startedEmpty(now) && now.formerHistory === "";
}

/**
 * True when `now` has taken over from `before` and provably without its last writes: it followed it to a
 * position before the one that `before` had reached, or never got anything from anyone. What the old
 * master did after its position was read is not known, so false proves nothing.
 */
export function tookOverWithLoss(before: ServerRun, now: ServerRun): boolean {
  if (before.runId === now.runId || now.formerHistory === "") return false;
  if (now.formerHistory === before.history) return now.formerEnd <= before.offset;
  return now.formerEnd === 1 && startedEmpty(now);
}

function startedEmpty({ loadedKeys, isAppendOnly }: ServerRun): boolean {
  return loadedKeys === 0 && !isAppendOnly;
}
