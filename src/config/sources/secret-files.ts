import { statfsSync } from "node:fs";
import { quote } from "../faults/quote.js";
import { decodeUtf8, isPlainFile, readFileAtMost } from "./read-file.js";

/** What a file for secrets holds, or why it cannot be used: sentences that never hold any of it. */
export type SecretResult = { readonly text: string } | { readonly problem: string };

/** Reads the file at an absolute path; `written` is the path as the user wrote it. */
export type ReadSecret = (path: string, written: string) => SecretResult;

const MAX_SECRET_BYTES = 64 * 1024;

/**
 * Reads files that hold a URL, a password or another value, as Docker and Kubernetes mount them: UTF-8
 * text of at most 64 KiB, whose line ends at the end do not count, as for `$(cat FILE)` in a shell.
 * Each file is read once; `warnings` tells of those that every user of the machine has access to.
 */
export class SecretFiles {
  readonly #results = new Map<string, SecretResult>();
  readonly warnings: string[] = [];

  readonly read: ReadSecret = (path, written) => {
    const known = this.#results.get(path);
    if (known !== undefined) return known;
    const result = this.#readFile(path, written);
    this.#results.set(path, result);
    return result;
  };

  #readFile(path: string, written: string): SecretResult {
    if (written.includes("://")) {
      const problem =
        "this must be the path of a file, and is a URL. Write the path, or leave the File out of the name.";
      return { problem: `Cannot read the file: ${problem}` };
    }
    // A word without a slash may be the secret itself, written where its file belongs.
    const name = written.includes("/") ? `the file ${quote(path)}` : "the file that is named here";
    const file = readFileAtMost(path, MAX_SECRET_BYTES + 1, "regular or pipe");
    if ("reason" in file) return { problem: `Cannot read ${name}: ${file.reason}. ${file.remedy}` };
    const { bytes, mode } = file;
    if (bytes.length > MAX_SECRET_BYTES) {
      return { problem: `Cannot use ${name}: it is larger than 64 KiB. Check the path.` };
    }
    const text = decodeUtf8(bytes)?.replace(/[\r\n]+$/, "");
    if (text === undefined || BINARY.test(text)) {
      return { problem: `Cannot use ${name}: it is no text in UTF-8. Check the path.` };
    }
    if (text === "") {
      return { problem: `Cannot use ${name}: it is empty. Put the value there, on one line.` };
    }
    if (isOpenToAll(path, mode)) {
      this.warnings.push(
        `Every user of this machine has access to the secret in ${quote(path)}. Run chmod o= on it.`,
      );
    }
    return { text };
  }
}

/** Control characters that no text has. */
const BINARY = /(?![\t\n\r])\p{Cc}/u;

/**
 * May every user read or change the file? Where it lies in memory (tmpfs, ramfs) its rights are those of
 * a mount: Kubernetes gives secrets mode 644 and Docker 444, in a container of their own.
 */
function isOpenToAll(path: string, mode: number): boolean {
  return isPlainFile(mode) && (mode & 0o006) !== 0 && !IN_MEMORY.has(statfsSync(path).type);
}

/** `f_type` of tmpfs and ramfs (linux/magic.h). */
const IN_MEMORY = new Set([0x01021994, 0x858458f6]);
