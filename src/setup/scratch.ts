import { readFileSync, rmSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeCacheDirectory } from "./checkout.js";

/**
 * A new directory `<place>/run-<our pid>-…` in the cache that is removed when this process exits. Those of
 * processes that were killed are removed on the way.
 */
export async function makeScratchDirectory(place: string): Promise<string> {
  return makeScratchIn(await makeCacheDirectory(place));
}

/** The same in any directory. */
export async function makeScratchIn(parent: string): Promise<string> {
  await removeAbandoned(parent);
  const directory = await mkdtemp(join(parent, `run-${process.pid}-`));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = /^run-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) {
      await rm(join(parent, name), { recursive: true, force: true });
    }
  }
}

/** Does a process with this id exist, and is it more than what is left of one that has ended? */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return !isZombie(pid);
}

/** In a container nobody may ask for how an orphan ended: then it stays in the table of processes for good. */
function isZombie(pid: number): boolean {
  try {
    // `pid (name) state …`, proc_pid_stat(5); the name may have brackets of its own.
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
  } catch {
    return false; // another system than Linux
  }
}
