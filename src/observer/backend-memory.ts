import type { ServerLook } from "../connections/observe-ports.js";
import { withDeadline } from "../deadline.js";

const LOOK_MS = 4_000;

/** How much memory a result backend on Redis takes. */
export class BackendMemory {
  readonly server: ServerLook;
  #isLooking = false;
  #bytes: number | null = null;

  constructor(server: ServerLook) {
    this.server = server;
  }

  /** Null when it is not known. */
  get bytes(): number | null {
    return this.#bytes;
  }

  /** The connection is gone. */
  lost(): void {
    this.#bytes = null;
  }

  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      this.#bytes = await withDeadline(this.server.memoryBytes(), LOOK_MS, "INFO memory");
    } catch {
      this.#bytes = null; // asked again at the next look
    } finally {
      this.#isLooking = false;
    }
  }
}
