import type { OutputStream } from "../terminal/terminal.js";

/** What a command may touch of its process; tests hand in their own. */
export interface Streams {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** stderr is a terminal with somebody before it. */
  readonly isTerminal: boolean;
  /** Columns of the terminal that it is now; null when it is none. */
  readonly stdoutColumns: () => number | null;
  readonly stderrColumns: () => number | null;
}

/** Those of the process, for a command that only writes. */
export interface OutputStreams {
  readonly stdout: OutputStream & { write(text: string): unknown };
  readonly stderr: OutputStream & { write(text: string): unknown };
}
