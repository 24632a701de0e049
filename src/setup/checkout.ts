import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf, UserError } from "../errors.js";

/** The directory that holds package.json: the checkout, or the installed package. */
export const CHECKOUT = fileURLToPath(new URL("../../../", import.meta.url));

/**
 * A path in the only directory that set-up, demo and tests write to: `.cache` of the checkout. An installed
 * package may be somebody else's and goes with its next version: there it is the user's own cache.
 * @throws UserError when the user has neither XDG_CACHE_HOME nor a home
 */
export function cachePath(...parts: readonly string[]): string {
  return join(cacheDirectory(CHECKOUT, process.env), ...parts);
}

/**
 * The cache of the package in a directory. Only a checkout has the sources, in `src`. The user's cache is
 * where the XDG Base Directory Specification has it: a relative XDG_CACHE_HOME is no value.
 * @throws UserError when the user has neither XDG_CACHE_HOME nor a home
 */
export function cacheDirectory(packageDirectory: string, env: NodeJS.ProcessEnv): string {
  if (existsSync(join(packageDirectory, "src"))) return join(packageDirectory, ".cache");
  const { XDG_CACHE_HOME: given = "" } = env;
  const caches = isAbsolute(given) ? given : join(homeDirectory(env), ".cache");
  return join(caches, "celery-load-exporter");
}

function homeDirectory(env: NodeJS.ProcessEnv): string {
  const { HOME: given = "" } = env;
  if (isAbsolute(given)) return given;
  try {
    return userInfo().homedir;
  } catch (error) {
    throw new UserError(`This user has no home directory: ${messageOf(error)}.`, {
      hint: WRITABLE,
      cause: error,
    });
  }
}

const WRITABLE =
  "What the demo installs is kept there. Set XDG_CACHE_HOME to a directory that you can write to.";

/**
 * Makes a directory in the cache and returns its path.
 * @throws UserError when it cannot be made
 */
export async function makeCacheDirectory(...parts: readonly string[]): Promise<string> {
  const directory = cachePath(...parts);
  try {
    await mkdir(directory, { recursive: true });
  } catch (error) {
    throw cannotWrite(directory, error);
  }
  return directory;
}

/**
 * What a failed operation on a file of the cache means to the user: that it belongs to somebody else, or that
 * there is no room. Every other error comes back as it is.
 */
export function explainCacheError(error: unknown): unknown {
  if (!(error instanceof Error) || !("syscall" in error)) return error;
  const { path = "", code } = error as NodeJS.ErrnoException;
  const isOurs = path.startsWith(cachePath());
  const isFull = code === "ENOSPC" || code === "EDQUOT";
  return isOurs || isFull ? cannotWrite(isOurs ? path : cachePath(), error) : error;
}

function cannotWrite(path: string, cause: unknown): UserError {
  const why = messageOf(cause).replace(/, \w+ '.*$/, "");
  return new UserError(`Cannot write ${path}: ${why}.`, { hint: WRITABLE, cause });
}
