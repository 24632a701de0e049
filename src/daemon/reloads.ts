import type { OrderedBy } from "../control/order.js";
import type {
  ReloadAnswer,
  ReloadChange,
  Reloading,
  ReloadReading,
} from "../control/reload-port.js";
import type { OrderOptions } from "../control/steering-port.js";
import { ConfigError, messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import type { Steerable } from "../workload/steering.js";
import type { PlannedEngine } from "../workload/workload.js";

/** The configuration, read once more. */
export interface Reread {
  readonly planned: PlannedEngine;
  readonly steerable: Steerable;
  /** Against the one that is in force; empty: it is the same. */
  readonly changes: readonly ReloadChange[];
  /** It is in force from now on: the next one is held against it. */
  readonly accept: () => void;
}

export interface ReloadsOptions {
  /**
   * @param elapsedMs how long the run has lasted, of which `--for` has the rest
   * @throws {ConfigError} when it cannot be used, or changes what a running daemon cannot
   */
  readonly reread: (elapsedMs: number) => Reread;
  readonly elapsedMs: () => number;
  /** Revision of what is steered. */
  readonly revision: () => number;
  /** Has it take over. */
  readonly replace: (reread: Reread) => Promise<void>;
  /** Why it cannot be now; null: it can. */
  readonly obstacle: () => string | null;
  readonly log: Logger;
  /** It was done, or refused. */
  readonly onEnd: (text: string) => void;
}

/** Reads the configuration again while the daemon runs: all of it takes over, or nothing. One after the other. */
export class Reloads implements Reloading {
  readonly #options: ReloadsOptions;
  #last: Promise<unknown> = Promise.resolve();
  #reading: ReloadReading = { revision: 1, isLastDone: true, doneUnixMs: Date.now() };

  constructor(options: ReloadsOptions) {
    this.#options = options;
  }

  get reading(): ReloadReading {
    return this.#reading;
  }

  reload(by: OrderedBy, options: OrderOptions = {}): Promise<ReloadAnswer> {
    const answer = this.#last.then(() => this.#reload(by, options));
    this.#last = answer.catch(() => {
      // Who asked is told.
    });
    return answer;
  }

  async #reload(
    by: OrderedBy,
    { isDryRun = false, ifRevision = null }: OrderOptions,
  ): Promise<ReloadAnswer> {
    const { revision, log, replace, onEnd } = this.#options;
    if (ifRevision !== null && ifRevision !== revision()) {
      return { refused: "outdated", revision: revision() };
    }
    const reread = this.#reread();
    if ("faults" in reread) {
      if (!isDryRun) this.#refused(reread.faults);
      return { refused: "configuration", faults: reread.faults };
    }
    const { changes, accept } = reread;
    if (!isDryRun) {
      if (changes.length > 0) {
        await replace(reread);
        accept();
      }
      const { reading } = this;
      const next = reading.revision + (changes.length > 0 ? 1 : 0);
      this.#reading = { revision: next, isLastDone: true, doneUnixMs: Date.now() };
      const paths = changes.map(({ path }) => path);
      const text =
        changes.length > 0 ? `reloaded: ${paths.join(", ")}` : "reloaded: nothing has changed";
      log.info({ actor: by.actor, reason: by.reason, changes }, text);
      onEnd(text);
    }
    return { revision: revision(), changes, isDryRun };
  }

  #reread(): Reread | Pick<ConfigError, "faults"> {
    const { reread, elapsedMs, obstacle } = this.#options;
    const why = obstacle();
    if (why !== null) return { faults: [{ place: "reload", message: why }] };
    try {
      return reread(elapsedMs());
    } catch (error) {
      if (error instanceof ConfigError) return { faults: error.faults };
      // A file that is gone, or that must not be read.
      return { faults: [{ place: "configuration", message: messageOf(error) }] };
    }
  }

  #refused(faults: ConfigError["faults"]): void {
    this.#reading = { ...this.#reading, isLastDone: false };
    const text = "the configuration could not be reloaded: the one before stays in force";
    this.#options.log.error({ faults }, text);
    this.#options.onEnd(text);
  }
}
