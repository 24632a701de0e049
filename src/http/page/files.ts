import { readdirSync, readFileSync } from "node:fs";
import { UserError } from "../../errors.js";

/** A file of the front end, with the content's hash in its name. */
export interface PageFile {
  readonly name: string;
  readonly type: string;
  readonly bytes: Buffer;
}

/** The front end, as `npm run build` leaves it in dist/page. */
export interface PageFiles {
  /** Names the others. */
  readonly html: string;
  readonly files: readonly PageFile[];
}

const DIRECTORY = new URL("../../../page/", import.meta.url);
const INDEX = "index.html";

const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

let files: PageFiles | undefined;

/**
 * Read once for the whole process.
 * @throws {UserError} when it was never built
 */
export function pageFiles(): PageFiles {
  files ??= read();
  return files;
}

function read(): PageFiles {
  try {
    const names = readdirSync(DIRECTORY).filter((name) => name !== INDEX);
    return {
      html: readFileSync(new URL(INDEX, DIRECTORY), "utf8"),
      files: names.map((name) => ({
        name,
        type: TYPES[name.split(".").at(-1)!] ?? "application/octet-stream",
        bytes: readFileSync(new URL(name, DIRECTORY)),
      })),
    };
  } catch (cause) {
    throw new UserError("The live page is not built.", {
      hint: "In a checkout: npm run build. An installed package always has it: install it again.",
      cause,
    });
  }
}
