import { hostsOf } from "../celery/urls/server-url.js";
import type { LinkReport } from "../connections/observe-ports.js";
import { messageOf } from "../errors.js";
import type { ServerFault } from "./facts.js";

/** How long a server may take to become usable. */
const USABLE_MS = 10_000;

interface Closable {
  close(): Promise<void>;
}

/** A connection that did not become usable. */
class LinkError extends Error {
  override name = "LinkError";
  readonly isConfiguration: boolean;

  constructor(cause: string, isConfiguration: boolean) {
    super(cause);
    this.isConfiguration = isConfiguration;
  }
}

/** What was opened, to be closed in the end, or at once when the user wants to go. */
export class OpenParts {
  readonly #parts: Closable[] = [];
  #isClosed = false;

  /**
   * Opens something and waits until it can be used. Connections try again for ever; here each server of
   * the URL is tried once.
   * @throws {LinkError}
   */
  usable<T extends Closable>(url: string, open: (report: LinkReport) => T): Promise<T> {
    if (this.#isClosed) return Promise.reject(new LinkError("stopped", false));
    const servers = Math.max(1, hostsOf(url).length);
    return new Promise((resolve, reject) => {
      let failures = 0;
      let last = `no answer within ${USABLE_MS / 1000} s`;
      const timer = setTimeout(() => reject(new LinkError(last, false)), USABLE_MS);
      const part = open({
        up() {
          clearTimeout(timer);
          resolve(part);
        },
        down(cause, isConfiguration) {
          last = cause;
          failures += 1;
          if (!isConfiguration && failures < servers) return;
          clearTimeout(timer);
          reject(new LinkError(cause, isConfiguration));
        },
      });
      this.#parts.push(part);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.makeRoom();
  }

  /** Closes all that is open now: others are to have the places on a server that is full. */
  async makeRoom(): Promise<void> {
    await Promise.all(this.#parts.splice(0).map((part) => part.close()));
  }
}

/** What was thrown while something was opened or asked, as a fault of its server, in one line. */
export function faultOf(error: unknown): ServerFault {
  const cause = messageOf(error).replaceAll("\n", ". ").replace(/\.+$/, "");
  return { cause, isConfiguration: error instanceof LinkError && error.isConfiguration };
}
