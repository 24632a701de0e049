import { rmSync } from "node:fs";
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

/** Does a process with this id exist? */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
