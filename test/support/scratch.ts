import { join } from "node:path";
import { makeScratchDirectory } from "../../src/setup/scratch.js";

let directory: Promise<string> | undefined;
let files = 0;

/** A path for a new file of this test process; all of them are removed when it ends. */
export async function scratchFile(name: string): Promise<string> {
  directory ??= makeScratchDirectory("test");
  files += 1;
  const number = files; // before the await: two calls at once must not get the same one
  return join(await directory, `${number}-${name}`);
}
