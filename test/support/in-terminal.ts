import { spawn } from "node:child_process";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { CHECKOUT } from "../../src/setup/checkout.js";

export interface InTerminal {
  /** The columns of the terminal. */
  readonly columns: number;
  /** Columns that it gets when a text has been shown. */
  readonly resized?: { readonly when: string; readonly columns: number };
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Shown {
  readonly code: number | null;
  /** As the terminal got it. */
  readonly raw: string;
  /** Its lines without colours. */
  readonly lines: readonly string[];
}

/** Runs celery-load in a terminal, which Python's `pty` plays, to its end. */
export async function inTerminal({ columns, resized, args, env }: InTerminal): Promise<Shown> {
  const size = resized === undefined ? columns : `${columns}:${resized.when}:${resized.columns}`;
  const { FORCE_COLOR: _force, NO_COLOR: _no, ...usual } = process.env;
  const terminal = spawn(
    "python3",
    [
      join(CHECKOUT, "test", "support", "in_terminal.py"),
      String(size),
      ...[process.execPath, join(CHECKOUT, "dist", "src", "main.js"), ...args],
    ],
    { env: { ...usual, TERM: "xterm-256color", ...env }, stdio: ["ignore", "pipe", "inherit"] },
  );
  let raw = "";
  terminal.stdout.setEncoding("utf8").on("data", (text) => {
    raw += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    terminal.on("error", reject);
    terminal.on("close", resolve);
  });
  return { code, raw, lines: stripVTControlCharacters(raw).trimEnd().split("\r\n") };
}
