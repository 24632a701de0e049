import type { OrderedBy } from "./order.js";
import type { OrderOptions, OutdatedRefusal } from "./steering-port.js";

/** The way in for a changed configuration, as the control API sees it. */
export interface Reloading {
  /**
   * Reads the configuration again and does what has changed, all of it or nothing. Never rejects for what the
   * configuration is: that is a refusal. A dry run answers the same and changes nothing.
   */
  reload(by: OrderedBy, options?: OrderOptions): Promise<ReloadAnswer>;
}

export type ReloadAnswer = ReloadDone | ReloadRefusal | OutdatedRefusal;

export interface ReloadDone {
  readonly revision: number;
  /** What has changed; empty when nothing has. */
  readonly changes: readonly ReloadChange[];
  readonly isDryRun: boolean;
}

/** A value that is another one now. */
export interface ReloadChange {
  /** The key with those that lead to it: `scenarios.steady.profile`. */
  readonly path: string;
  /** What has become of it, in a few words: `20/s, now 50/s`, `added`, `removed`. */
  readonly text: string;
}

/** Nothing has changed: the configuration is wrong, or changes what a running daemon cannot. */
export interface ReloadRefusal {
  readonly refused: "configuration";
  readonly faults: readonly {
    /** Where it is: `load.yml:14:12`. */
    readonly place: string;
    readonly message: string;
  }[];
}

/** How the configuration that is in force came. */
export interface ReloadReading {
  /** 1 at the start, and one more after each reload that changed it. */
  readonly revision: number;
  /** The last time that it was read it could be used. */
  readonly isLastDone: boolean;
  /** When it was read. */
  readonly doneUnixMs: number;
}
