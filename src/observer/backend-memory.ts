import type { ServerLook } from "../connections/observe-ports.js";
import { openLook } from "../connections/open.js";
import type { BrokerTransport } from "../connections/ports.js";
import { withDeadline } from "../deadline.js";

const LOOK_MS = 4_000;

/**
 * How much memory a result backend on Redis takes, asked over a connection of its own. Its loss is not told:
 * the engine uses the same server, and tells.
 */
export class BackendMemory {
  readonly #look: ServerLook;
  #isUp = false;
  #isLooking = false;
  #bytes: number | null = null;

  constructor(url: string, transport: BrokerTransport) {
    this.#look = openLook({
      url,
      transport,
      report: {
        up: () => {
          this.#isUp = true;
        },
        down: () => {
          this.#isUp = false;
          this.#bytes = null;
        },
      },
    });
  }

  /** Null when it is not known. */
  get bytes(): number | null {
    return this.#bytes;
  }

  async look(): Promise<void> {
    if (!this.#isUp || this.#isLooking) return;
    this.#isLooking = true;
    try {
      this.#bytes = await withDeadline(this.#look.memoryBytes(), LOOK_MS, "INFO memory");
    } catch {
      this.#bytes = null; // asked again at the next look
    } finally {
      this.#isLooking = false;
    }
  }

  checkLiveness(isLate: boolean): void {
    this.#look.checkLiveness(isLate);
  }

  close(): Promise<void> {
    return this.#look.close();
  }
}
