import { existsSync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { decodeUtf8, readFileAtMost } from "../config/sources/read-file.js";
import type { ControlState } from "../control/control-state.js";
import type { StateStore } from "../control/steering.js";
import type { StateFileReading } from "../control/steering-reading.js";
import { EXIT, messageOf, UserError } from "../errors.js";
import {
  type DayStarts,
  MAX_STATE_BYTES,
  readState,
  relativeTo,
  type StoredState,
  stateText,
} from "./state-form.js";

/** What a file of either generation holds. */
export type Generation = StoredState | { readonly problem: string } | null;

/** Where the generation before the newest is kept. */
export function olderPath(path: string): string {
  return `${path}.old`;
}

/** One generation: null when there is no such file. */
export function readGeneration(path: string): Generation {
  const file = readFileAtMost(path, MAX_STATE_BYTES + 1, "regular");
  if ("reason" in file) {
    return file.reason === "there is no such file" ? null : { problem: file.reason };
  }
  if (file.bytes.length > MAX_STATE_BYTES) return { problem: "it is larger than 1 MiB" };
  const text = decodeUtf8(file.bytes);
  return text === undefined ? { problem: "it is damaged: it is no UTF-8" } : readState(text);
}

/** What the former life left, and what is to be said loudly of it. */
export interface Former {
  /** null: there was none. */
  readonly stored: StoredState | null;
  readonly warnings: readonly string[];
}

/**
 * The newest generation that can be read. Never begins from nothing when there is something.
 *
 * @throws {UserError} with exit code 104 when there are generations and none can be read
 */
export function readFormer(path: string): Former {
  const newest = readGeneration(path);
  if (newest !== null && "state" in newest) return { stored: newest, warnings: [] };
  const older = readGeneration(olderPath(path));
  const why = newest === null ? "there is no such file" : newest.problem;
  if (older !== null && "state" in older) {
    const when = new Date(older.writtenUnixMs).toISOString();
    const warning = `Cannot use the state file ${path}: ${why}. The generation before it, written ${when}, is used instead (${olderPath(path)}): orders since then are forgotten. Look at celery-load state show ${path}.`;
    return { stored: older, warnings: [warning] };
  }
  if (newest === null && older === null) return { stored: null, warnings: [] };
  const whyOlder = older === null ? "" : `, nor ${olderPath(path)}: ${older.problem}`;
  throw new UserError(`Cannot use the state file ${path}: ${why}${whyOlder}.`, {
    hint: `It may hold pauses or a kill switch, so nothing is started. Check the path; celery-load state reset ${path} begins anew.`,
    exitCode: EXIT.badConfiguration,
  });
}

/** What the state file needs of the daemon. */
export interface StateFilePorts {
  /** Elapsed milliseconds. */
  nowMs(): number;
  unixMs(elapsedMs: number): number;
  readonly configHash: string;
  today(): DayStarts;
  /** A fault that lasts is told once a minute. */
  readonly log: {
    warn(facts: object, message: string): void;
    info(facts: object, message: string): void;
  };
}

/** How often the file says that this process is still there. */
const SIGN_OF_LIFE_MS = 10_000;
const SAME_FAULT_MS = 60_000;

/**
 * Keeps the state on disk, in two generations: each write goes to a temporary file, is on disk before it takes the
 * name, and so is the name. While one write is under way the next waits, and then writes what is the newest.
 */
export class StateFile implements StateStore {
  readonly #path: string;
  readonly #ports: StateFilePorts;
  readonly #downtimeSeconds: number;
  #state: ControlState;
  #isClean = false;
  #last: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #failures = 0;
  #isFailing = false;
  #toldMs = -Infinity;
  /** False until we have written it: what could not be read must not take the older one's place. */
  #isNewestGood: boolean;

  private constructor(
    path: string,
    state: ControlState,
    options: { isNewestGood: boolean; downtimeSeconds: number },
    ports: StateFilePorts,
  ) {
    this.#path = path;
    this.#state = state;
    this.#isNewestGood = options.isNewestGood;
    this.#downtimeSeconds = options.downtimeSeconds;
    this.#ports = ports;
  }

  /**
   * Writes the first state of this life, and from then on a sign of life every 10 s.
   *
   * @throws {UserError} with exit code 104 when it cannot be written
   */
  static async begin(
    path: string,
    state: ControlState,
    former: Former & { readonly downtimeSeconds: number },
    ports: StateFilePorts,
  ): Promise<StateFile> {
    const isNewestGood = former.stored !== null && former.warnings.length === 0;
    const { downtimeSeconds } = former;
    const file = new StateFile(path, state, { isNewestGood, downtimeSeconds }, ports);
    try {
      await file.#write();
    } catch (error) {
      throw new UserError(`Cannot write the state file ${path}: ${messageOf(error)}`, {
        hint: "Name a file in a folder that exists, that this user may write to, and that has room (state.file).",
        exitCode: EXIT.badConfiguration,
        cause: error,
      });
    }
    file.#timer = setInterval(() => void file.save(file.#state), SIGN_OF_LIFE_MS);
    file.#timer.unref();
    return file;
  }

  get reading(): StateFileReading {
    return {
      writeFailures: this.#failures,
      isFailing: this.#isFailing,
      downtimeSeconds: this.#downtimeSeconds,
    };
  }

  save(state: ControlState): Promise<void> {
    this.#state = state;
    // Whatever comes while one waits for its turn is in what that writes.
    this.#waiting ??= this.#last.then(() => {
      this.#waiting = null;
      return this.#attempt();
    });
    this.#last = this.#waiting;
    return this.#waiting;
  }

  /** The last write, which says that the daemon stopped as it should. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#isClean = true;
    await this.save(this.#state);
  }

  async #attempt(): Promise<void> {
    try {
      await this.#write();
      if (this.#isFailing) {
        this.#ports.log.info({ file: this.#path }, "The state file can be written again");
      }
      this.#isFailing = false;
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#failures++;
    this.#isFailing = true;
    const nowMs = this.#ports.nowMs();
    if (nowMs - this.#toldMs < SAME_FAULT_MS) return;
    this.#toldMs = nowMs;
    this.#ports.log.warn(
      { file: this.#path, error: messageOf(error), failures: this.#failures },
      "Cannot write the state file: the run goes on, and what was ordered would be lost by a restart. Make room, or give back the right to write",
    );
  }

  async #write(): Promise<void> {
    const { nowMs, unixMs, configHash, today } = this.#ports;
    const now = nowMs();
    const text = stateText({
      state: relativeTo(now, this.#state),
      writtenUnixMs: unixMs(now),
      isClean: this.#isClean,
      configHash,
      today: today(),
    });
    if (Buffer.byteLength(text) > MAX_STATE_BYTES) {
      throw new Error("it would be larger than 1 MiB: undo overrides that are not needed");
    }
    const temporary = `${this.#path}.new`;
    try {
      await writeThrough(temporary, text);
      if (this.#isNewestGood && existsSync(this.#path)) {
        await rename(this.#path, olderPath(this.#path));
      }
      await rename(temporary, this.#path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
    this.#isNewestGood = true;
    await syncFolder(dirname(this.#path));
  }
}

/** Orders hold names and reasons: the file is its owner's. */
const MODE = 0o600;

/** Over what a killed process may have left half-written. */
async function writeThrough(path: string, text: string): Promise<void> {
  await rm(path, { force: true });
  const file = await open(path, "wx", MODE);
  await closing(file, async () => {
    await file.writeFile(text);
    await file.sync();
  });
}

/** A new name is on disk when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  await closing(folder, () => folder.sync());
}

async function closing(file: FileHandle, use: () => Promise<void>): Promise<void> {
  try {
    await use();
  } finally {
    await file.close();
  }
}
