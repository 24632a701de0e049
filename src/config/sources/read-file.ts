import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readlinkSync,
  readSync,
  statSync,
} from "node:fs";

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

/** What a path may lead to: `pipe` is also a pipe that has a name, or that a shell made by `<(…)`. */
export type FileKind = "regular" | "regular or pipe";

/**
 * Reads at most so many bytes of a file. Never hangs: a device, a socket or a directory is not even
 * opened, and who waits for a pipe gives up when nothing came for 5 s.
 */
export function readFileAtMost(
  path: string,
  limitBytes: number,
  kind: FileKind,
): FileBytes | FileProblem {
  try {
    const unfit = unfitness(statSync(path).mode, kind);
    if (unfit !== undefined) return unfit;
    // Without O_NONBLOCK a pipe that nobody writes to is not opened until somebody does.
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { mode } = fstatSync(descriptor);
      const bytes = readAtMost(descriptor, limitBytes, isNamedPipe(descriptor, mode));
      return bytes === undefined ? SILENT : { bytes, mode };
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    return REASONS[code] ?? { reason: `the system says ${code || "no"}`, remedy: CHECK_PATH };
  }
}

/** The remedy where the path is most likely wrong. */
export const CHECK_PATH = "Check the path.";
const GIVE_RIGHT = "Give this user the right to read it.";

const REASONS: Readonly<Record<string, FileProblem>> = {
  ENOENT: { reason: "there is no such file", remedy: CHECK_PATH },
  ENOTDIR: { reason: "a part of its path is no directory", remedy: CHECK_PATH },
  ELOOP: { reason: "its symbolic links lead in a circle", remedy: CHECK_PATH },
  ENAMETOOLONG: { reason: "its name is too long", remedy: CHECK_PATH },
  EACCES: { reason: "permission denied", remedy: GIVE_RIGHT },
  EPERM: { reason: "permission denied", remedy: GIVE_RIGHT },
};

/** How long a pipe may be silent. */
const SILENCE_MS = 5_000;
const SILENT: FileProblem = {
  reason: `nothing came for ${SILENCE_MS / 1000} s`,
  remedy: "Check what writes to it, or name a file.",
};

const FILE_TYPE = 0o170000;
const REGULAR_FILE = 0o100000;
const PIPE = 0o010000;

const OTHER_TYPES: ReadonlyMap<number, FileProblem> = new Map([
  [0o040000, { reason: "it is a directory", remedy: "Name the file in it." }],
  [0o020000, { reason: "it is a device", remedy: "Name a file." }],
  [0o060000, { reason: "it is a device", remedy: "Name a file." }],
  [0o140000, { reason: "it is a socket", remedy: "Name a file." }],
  [PIPE, { reason: "it is a pipe", remedy: "Name a file." }],
]);

function unfitness(mode: number, kind: FileKind): FileProblem | undefined {
  if (isPlainFile(mode) || (isPipe(mode) && kind === "regular or pipe")) return undefined;
  return OTHER_TYPES.get(mode & FILE_TYPE) ?? { reason: "it is no file", remedy: CHECK_PATH };
}

/** Is it neither a pipe nor a device? The rights of those say little. */
export function isPlainFile(mode: number): boolean {
  return (mode & FILE_TYPE) === REGULAR_FILE;
}

function isPipe(mode: number): boolean {
  return (mode & FILE_TYPE) === PIPE;
}

/** Pipes of a shell (`<(…)`, stdin) have no name: one that is at its end has had its writer. */
function isNamedPipe(descriptor: number, mode: number): boolean {
  if (!isPipe(mode)) return false;
  try {
    return !readlinkSync(`/proc/self/fd/${descriptor}`).startsWith("pipe:");
  } catch {
    return true; // another system than Linux, which does not tell
  }
}

/** The text without its byte order mark, or undefined when it is no UTF-8. */
export function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const CHUNK_BYTES = 64 * 1024;

/** @returns undefined when nothing came for too long */
function readAtMost(
  descriptor: number,
  limitBytes: number,
  awaitsWriter: boolean,
): Buffer | undefined {
  const chunks: Buffer[] = [];
  let length = 0;
  let lastMs = performance.now();
  while (length < limitBytes) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, limitBytes - length));
    const count = readNow(descriptor, chunk);
    // A pipe with a name is at its end also before its first writer has come.
    if (count === 0 && !(awaitsWriter && length === 0)) break;
    if (count > 0) {
      chunks.push(chunk.subarray(0, count));
      length += count;
      lastMs = performance.now();
    } else if (performance.now() - lastMs > SILENCE_MS) {
      return undefined;
    } else {
      sleep(POLL_MS);
    }
  }
  return Buffer.concat(chunks);
}

const POLL_MS = 10;

/** How many bytes were read: 0 at the end, -1 while a pipe has none. */
function readNow(descriptor: number, buffer: Buffer): number {
  try {
    return readSync(descriptor, buffer, 0, buffer.length, null);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return -1;
    throw error;
  }
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
