import type { RemoteControl } from "../connections/observe-ports.js";
import { isMapping } from "../mapping.js";

/** How long workers may take to answer. */
const ANSWER_MS = 5_000;
/** And when we are about to leave. */
const LEAVE_MS = 2_000;

/**
 * Switches task events on while we run, by remote control (`celery/worker/control.py enable_events`), and
 * off again on those workers, and only those, that said that it was we who switched them on.
 */
export class EventSwitch {
  readonly #control: RemoteControl;
  /** Nodes whose events were off before. */
  readonly #ours = new Set<string>();
  #asking: Promise<unknown> = Promise.resolve();

  constructor(control: RemoteControl) {
    this.#control = control;
  }

  /**
   * To be called again and again, as a worker that restarts has forgotten it. Where events are on already,
   * nothing changes.
   * @throws when the workers could not be asked
   */
  on(): Promise<readonly string[]> {
    const switching = this.#switchOn();
    this.#asking = switching.catch(() => {}); // told to the caller
    return switching;
  }

  /**
   * Restores what was.
   * @throws when the workers could not be asked; their events then stay on until they restart
   */
  async off(): Promise<void> {
    await this.#asking; // who is answering now must be known
    if (this.#ours.size === 0) return;
    const destination = [...this.#ours];
    await this.#control.ask({ method: "disable_events", destination, timeoutMs: LEAVE_MS });
    this.#ours.clear();
  }

  async #switchOn(): Promise<readonly string[]> {
    const { replies } = await this.#control.ask({ method: "enable_events", timeoutMs: ANSWER_MS });
    const switched = replies
      .filter(({ answer }) => isMapping(answer) && answer.ok === "task events enabled")
      .map(({ node }) => node);
    for (const node of switched) this.#ours.add(node);
    return switched;
  }
}
