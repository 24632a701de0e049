import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf, UserError } from "../errors.js";

/** The directory that holds package.json: the checkout, or the installed package. */
export const CHECKOUT = fileURLToPath(new URL("../../../", import.meta.url));

/** A path in the checkout's `.cache`, the only directory that set-up, demo and tests write to. */
export function cachePath(...parts: readonly string[]): string {
  return join(CHECKOUT, ".cache", ...parts);
}

/**
 * Makes a directory in `.cache` and returns its path.
 * @throws UserError when the checkout cannot be written to
 */
export async function makeCacheDirectory(...parts: readonly string[]): Promise<string> {
  const directory = cachePath(...parts);
  try {
    await mkdir(directory, { recursive: true });
  } catch (error) {
    throw new UserError(`Cannot make the directory ${directory}: ${messageOf(error)}.`, {
      hint: "Set-up keeps everything in .cache of the checkout. Use a checkout that you can write to.",
      cause: error,
    });
  }
  return directory;
}
