import { open, readFile, rm, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { cachePath, makeCacheDirectory } from "./checkout.js";
import type { Report } from "./report.js";
import { isAlive } from "./scratch.js";

const POLL_MS = 100;

/** Breaking a stale lock takes microseconds: one that is older belongs to a process that died. */
const BREAKER_STALE_MS = 10_000;

/**
 * Runs one installation at a time for this cache, across processes: test files that run in
 * parallel do not install the same thing twice. Not reentrant. The lock of a process that died is
 * taken over.
 */
export async function withInstallLock<T>(report: Report, install: () => Promise<T>): Promise<T> {
  await makeCacheDirectory();
  const lock = cachePath("install.lock");
  await acquire(lock, report);
  try {
    return await install();
  } finally {
    await rm(lock, { force: true });
  }
}

async function acquire(lock: string, report: Report): Promise<void> {
  let told = false;
  while (!(await createWithOurPid(lock))) {
    const owner = await ownerOf(lock);
    if (owner !== null && !isAlive(owner)) {
      await breakStaleLock(lock, owner);
      continue;
    }
    if (!told && owner !== null && owner !== process.pid) {
      report(`set-up: waiting for the set-up of process ${owner} (${lock})`);
      told = true;
    }
    await sleep(POLL_MS);
  }
}

async function createWithOurPid(path: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** The process id in a lock file; null when the file is gone or not yet written. */
async function ownerOf(path: string): Promise<number | null> {
  const text = await readFile(path, "utf8").catch(() => "");
  return /^\d+$/.test(text) ? Number(text) : null;
}

/** Two waiters may see the same stale lock: only the one that holds the breaker removes it. */
async function breakStaleLock(lock: string, staleOwner: number): Promise<void> {
  const breaker = `${lock}.breaker`;
  if (!(await createWithOurPid(breaker))) {
    const createdMs = (await stat(breaker).catch(() => null))?.mtimeMs ?? Date.now();
    if (Date.now() - createdMs > BREAKER_STALE_MS) await rm(breaker, { force: true });
    await sleep(POLL_MS);
    return;
  }
  try {
    if ((await ownerOf(lock)) === staleOwner) await rm(lock, { force: true });
  } finally {
    await rm(breaker, { force: true });
  }
}
