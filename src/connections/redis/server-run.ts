import type { Redis } from "ioredis";

/** One life of a Redis server process. */
export interface ServerRun {
  readonly runId: string;
  /** Keys that it loaded at its start; null when it does not say (before Redis 7, or append-only). */
  readonly loadedKeys: number | null;
  readonly isAppendOnly: boolean;
}

/** Which run of the server this is; null when INFO is not permitted. */
export async function serverRun(client: Redis): Promise<ServerRun | null> {
  let info: string;
  try {
    info = `${await client.info("server")}\n${await client.info("persistence")}`;
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
  };
}

/** True when `now` is another run than `before` and provably started with nothing. */
export function cameBackEmpty(before: ServerRun, now: ServerRun): boolean {
  return before.runId !== now.runId && !now.isAppendOnly && now.loadedKeys === 0;
}
