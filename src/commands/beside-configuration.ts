import { realpathSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { CHECK_PATH, type FileProblem } from "../config/sources/read-file.js";

/** Why a file that the configuration names cannot be used: a clause, and a sentence that says what to do. */
export interface FileFault {
  readonly fault: string;
  readonly remedy: string;
}

/** The folder of the configuration: what it names lies there, as it is sent to whoever runs the workers. */
export function folderOf(firstFile: string | undefined): string {
  return firstFile === undefined ? process.cwd() : dirname(resolve(firstFile));
}

/** Where a file of that folder really is; what does not exist is told when it is read. */
export function pathBeside(folder: string, name: string): { readonly path: string } | FileFault {
  const path = resolve(folder, name);
  if (!isInside(folder, path)) return OUTSIDE;
  const real = realPathOf(path);
  // Kubernetes mounts a folder whose files are links to others of it.
  if (real !== undefined && !isInside(realpathSync(folder), real)) {
    const fault = `is a symbolic link to ${JSON.stringify(real)}, and ${OUTSIDE.fault}`;
    return { fault, remedy: "Copy the file there." };
  }
  return { path: real ?? path };
}

/** A file that the system does not let us read. */
export function unreadable({ reason, remedy }: FileProblem, path: string): FileFault {
  // The path that is written is only the end of it.
  const where = remedy === CHECK_PATH ? `It is looked for at ${path}.` : remedy;
  return { fault: `cannot be read: ${reason}`, remedy: where };
}

const OUTSIDE: FileFault = {
  fault: "must lie in the folder of the configuration file",
  remedy: "Move it there.",
};

function isInside(folder: string, path: string): boolean {
  const inside = relative(folder, path);
  return inside !== ".." && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
}

/** The path without symbolic links; undefined when it leads to nothing, as reading it will tell. */
function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
