import type { MessagePort } from "node:worker_threads";
import type { FromCode, ToCode } from "../scripts/messages.js";

export interface CodeListener {
  /** Another thread runs the module now: what the one before was asked for never comes. */
  renewed(): void;
  heard(message: FromCode): void;
}

/** The engine's side of a module's thread, whichever runs it just now. It never waits for it. */
export class CodePort {
  readonly #listeners: CodeListener[] = [];
  #port: MessagePort | null = null;
  #isReady = false;

  /** True when the module is loaded. */
  get isReady(): boolean {
    return this.#isReady;
  }

  listen(listener: CodeListener): void {
    this.#listeners.push(listener);
  }

  /** A thread has been started that runs the module; `soon` is called when it has said something. */
  renew(port: MessagePort, soon: () => void): void {
    this.#port?.close();
    this.#port = port;
    this.#isReady = false;
    port.on("message", (message: FromCode) => {
      if (port !== this.#port) return;
      if (message.type === "ready") this.#isReady = true;
      for (const listener of this.#listeners) listener.heard(message);
      soon();
    });
    for (const listener of this.#listeners) listener.renewed();
  }

  say(message: ToCode): void {
    this.#port?.postMessage(message);
  }

  close(): void {
    this.#port?.close();
    this.#port = null;
  }
}
