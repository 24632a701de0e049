import { dirname, resolve } from "node:path";
import type { Origin } from "./tree.js";

/** The absolute path of what was written: it starts from the file that it stands in, or else from `cwd`. */
export function pathFrom(origin: Origin, path: string, cwd: string): string {
  return resolve(origin.kind === "file" ? dirname(resolve(cwd, origin.file)) : cwd, path);
}
