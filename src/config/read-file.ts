import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** The beginning of a file, and its type and rights. */
export interface FileBytes {
  readonly bytes: Buffer;
  /** `st_mode`: type and rights. */
  readonly mode: number;
}

/** Why a file cannot be used, and what to do: a clause and a sentence. */
export interface FileProblem {
  readonly reason: string;
  readonly remedy: string;
}

/** Reads at most so many bytes of a file, pipes included, whatever the file is. */
export function readFileAtMost(path: string, limitBytes: number): FileBytes | FileProblem {
  try {
    const descriptor = openSync(path, "r");
    try {
      return { bytes: readAtMost(descriptor, limitBytes), mode: fstatSync(descriptor).mode };
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const [reason, remedy] = REASONS[code] ?? [`the system says ${code || "no"}`, CHECK_PATH];
    return { reason, remedy };
  }
}

const CHECK_PATH = "Check the path.";

const REASONS: Readonly<Record<string, readonly [reason: string, remedy: string]>> = {
  ENOENT: ["there is no such file", CHECK_PATH],
  ENOTDIR: ["a part of its path is no directory", CHECK_PATH],
  EISDIR: ["it is a directory", "Name the file in it."],
  ELOOP: ["its symbolic links lead in a circle", CHECK_PATH],
  ENAMETOOLONG: ["its name is too long", CHECK_PATH],
  EACCES: ["permission denied", "Give this user the right to read it."],
  EPERM: ["permission denied", "Give this user the right to read it."],
};

/** Is it neither a pipe nor a device? The rights of those say little. */
export function isPlainFile(mode: number): boolean {
  return (mode & FILE_TYPE) === REGULAR_FILE;
}

const FILE_TYPE = 0o170000;
const REGULAR_FILE = 0o100000;

/** The text without its byte order mark, or undefined when it is no UTF-8. */
export function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function readAtMost(descriptor: number, limitBytes: number): Buffer {
  const buffer = Buffer.alloc(limitBytes);
  let length = 0;
  while (length < limitBytes) {
    const count = readSync(descriptor, buffer, length, limitBytes - length, null);
    if (count === 0) break;
    length += count;
  }
  return buffer.subarray(0, length);
}
