import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { mustRun } from "../../src/setup/programs.js";

/** Runs buildah with a storage of its own; returns what it printed. */
export type Buildah = (what: string, ...args: string[]) => Promise<string>;

/**
 * Buildah without an engine and without privileges but root's: steps run in a chroot, layers are
 * plain directories (vfs), so that no mount is left behind.
 */
export async function buildahIn(directory: string): Promise<Buildah> {
  await mkdir(directory, { recursive: true });
  const storage = [
    ...["--root", join(directory, "storage"), "--runroot", join(directory, "run")],
    ...["--storage-driver", "vfs"],
  ];
  const env = { ...process.env, BUILDAH_ISOLATION: "chroot" };
  return async (what, ...args) =>
    (await mustRun(what, "buildah", [...storage, ...args], { env })).stdout.trim();
}
