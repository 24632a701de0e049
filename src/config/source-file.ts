import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { Fault } from "../errors.js";
import { MAX_YAML_BYTES } from "./yaml-source.js";

/** The text of a file and who else has access to it. */
export interface FileText {
  readonly text: string;
  /** The group or everybody may read it. */
  readonly isReadableByOthers: boolean;
  readonly isWritableByAll: boolean;
}

/**
 * Reads a configuration file of at most 1 MiB, pipes included; `name` is what messages call it.
 * Never reads more than that, whatever the file is.
 */
export function readSourceFile(path: string, name: string): FileText | Fault {
  try {
    const descriptor = openSync(path, "r");
    try {
      return readOpenFile(descriptor, name);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const [reason, remedy] = REASONS[code] ?? [`the system says ${code || "no"}`, CHECK_PATH];
    return { place: name, message: `Cannot read the configuration file: ${reason}. ${remedy}` };
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

function readOpenFile(descriptor: number, name: string): FileText | Fault {
  const { mode } = fstatSync(descriptor);
  const bytes = readAtMost(descriptor, MAX_YAML_BYTES + 1);
  if (bytes.length > MAX_YAML_BYTES) {
    const message =
      "Cannot read the configuration: it is larger than 1 MiB. Split it or shorten it.";
    return { place: `${name}:1:1`, message };
  }
  const text = decode(bytes);
  if (text === undefined) {
    const message = "Cannot read the configuration: it is not UTF-8 text. Save it as UTF-8.";
    return { place: `${name}:1:1`, message };
  }
  const isPlainFile = (mode & FILE_TYPE) === REGULAR_FILE;
  return {
    text,
    isReadableByOthers: isPlainFile && (mode & 0o044) !== 0,
    isWritableByAll: isPlainFile && (mode & 0o002) !== 0,
  };
}

const FILE_TYPE = 0o170000;
const REGULAR_FILE = 0o100000;

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

/** The text without its byte order mark, or undefined. */
function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
