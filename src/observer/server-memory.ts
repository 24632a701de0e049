import type { Memory, ServerLook } from "../connections/observe-ports.js";
import { withDeadline } from "../deadline.js";

const LOOK_MS = 4_000;

/** How much memory a server takes: a broker, or a result backend on Redis. */
export class ServerMemory {
  readonly server: ServerLook;
  #isLooking = false;
  #memory: Memory | null = null;

  constructor(server: ServerLook) {
    this.server = server;
  }

  /** Null when it is not known. */
  get now(): Memory | null {
    return this.#memory;
  }

  /** The connection is gone. */
  lost(): void {
    this.#memory = null;
  }

  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      this.#memory = await withDeadline(this.server.memory(), LOOK_MS, "asking for the memory");
    } catch {
      this.#memory = null; // asked again at the next look
    } finally {
      this.#isLooking = false;
    }
  }
}
