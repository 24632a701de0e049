import { setTimeout as sleep } from "node:timers/promises";
import type { UserError } from "../errors.js";
import type { Logger } from "../log.js";
import type { ReceivedSignal } from "../signals.js";

/** After the second signal: how long the engine may take to end, and then all else, together less than a second. */
const ABORT_MS = { engine: 500, rest: 300 };

/** What is told to end. */
export interface Endable {
  /** No new tasks; what is in flight is waited for. */
  stop(): void;
  /** At once, with what there is. */
  abort(): void;
  /** Whatever it does. */
  terminate(): Promise<void>;
}

/** How a run is made to end: by a first signal, which drains, by a second one, which does not, or by a fatal error. */
export class Ending {
  readonly #log: Logger;
  readonly #told = new AbortController();
  readonly #aborted = new AbortController();
  #load: Endable | undefined;
  #signals = 0;
  #fatal: UserError | undefined;
  #isOver = false;
  #isEarly = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** What is to end is at work; it ends at once when that was asked for before. */
  governs(load: Endable): void {
    this.#load = load;
    if (this.#aborted.signal.aborted) load.abort();
    else if (this.#told.signal.aborted) load.stop();
  }

  /** Nothing new begins any more. */
  get isStopping(): boolean {
    return this.#told.signal.aborted || this.#fatal !== undefined || this.#isOver;
  }

  /** It ended itself before its plan was over. */
  get isEarly(): boolean {
    return this.#isEarly;
  }

  get isBySignal(): boolean {
    return this.#signals > 0;
  }

  /** Why the run could not go on. */
  get fatal(): UserError | undefined {
    return this.#fatal;
  }

  /** Aborted by the first signal. */
  get told(): AbortSignal {
    return this.#told.signal;
  }

  /** Aborted when nothing is to be waited for any more. */
  get aborted(): AbortSignal {
    return this.#aborted.signal;
  }

  /** The first that asks for an end drains, the second one stops at once. */
  signal({ name, meaning }: ReceivedSignal): void {
    if (meaning === "nothing") {
      this.#log.info({ signal: name }, "ignored: SIGTERM is what ends the run");
      return;
    }
    this.#signals++;
    this.#told.abort();
    if (this.#signals === 1 && meaning === "end") {
      this.#log.info(
        { signal: name },
        "stopping: no new tasks; waiting for results in flight. Again to stop at once.",
      );
      this.#load?.stop();
      return;
    }
    this.#log.warn({ signal: name }, "stopping at once");
    this.#aborted.abort();
    this.#load?.abort();
    // It may be busy, or wait for servers that stand still.
    setTimeout(() => void this.#load?.terminate(), ABORT_MS.engine);
  }

  /** No new tasks, for a reason of the run's own; what is in flight is waited for. False: it ends already. */
  endEarly(reason: string): boolean {
    if (this.isStopping) return false;
    this.#isEarly = true;
    this.#log.warn(`stopping: ${reason}`);
    this.#told.abort();
    this.#load?.stop();
    return true;
  }

  /** The run cannot go on; the first reason counts. */
  giveUp(error: UserError): void {
    this.#fatal ??= error;
    this.#load?.abort();
  }

  /** Every task has ended: only the report and the linger are left. */
  tasksHaveEnded(): void {
    this.#isOver = true;
  }

  /** What is left to do at the end, for as long as nobody wants it at once; the process ends next. */
  async unlessAborted(work: Promise<unknown>): Promise<void> {
    const { signal } = this.#aborted;
    const aborted = new Promise((resolve) => {
      if (signal.aborted) resolve(null);
      else signal.addEventListener("abort", resolve);
    });
    await Promise.race([work, aborted.then(() => sleep(ABORT_MS.rest))]);
  }

  /** Waits so long, or until nothing is to be waited for. */
  async linger(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#aborted.signal }).catch(() => {
      // The second signal ends the lingering: nothing else aborts it.
    });
  }
}
