import type { Redis } from "ioredis";

/** One life of a Redis server process. */
export interface ServerRun {
  readonly runId: string;
  /** Keys that it loaded at its start; null when it does not say (before Redis 7, or append-only). */
  readonly loadedKeys: number | null;
  readonly isAppendOnly: boolean;
  /** It was a replica and became the master: it has its data from the former one. */
  readonly wasPromoted: boolean;
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
  const field = (name: string) => new RegExp(`^${name}:(.*)$`, "m").exec(info)?.[1]?.trim();
  const loaded = field("rdb_last_load_keys_loaded");
  return {
    runId: field("run_id") ?? "",
    loadedKeys: loaded === undefined ? null : Number(loaded),
    isAppendOnly: field("aof_enabled") === "1",
    wasPromoted: /[1-9a-f]/.test(field("master_replid2") ?? ""),
  };
}

/** True when `now` is another run than `before` and provably started with nothing. */
export function cameBackEmpty(before: ServerRun, now: ServerRun): boolean {
  const isEmpty = now.loadedKeys === 0 && !now.isAppendOnly && !now.wasPromoted;
  return before.runId !== now.runId && isEmpty;
}
