import { closeSync, openSync, readFileSync, readlinkSync } from "node:fs";

/** What a signal asks for; docs/operations.md has the whole table. */
export type SignalMeaning = "end" | "endAtOnce" | "nothing";

export interface ReceivedSignal {
  readonly name: NodeJS.Signals;
  readonly meaning: SignalMeaning;
}

/**
 * Signals that people and programs send by habit, and what would end the process without a report. All others keep
 * what the system does for them: SIGTSTP stops, SIGCONT goes on, SIGPROF is V8's own.
 */
const MEANINGS = {
  SIGTERM: "end",
  SIGINT: "end",
  // The terminal or the ssh session is gone. Without one `run` reads its files again instead, as daemons do.
  SIGHUP: "end",
  // `perl -e 'alarm 60; exec @ARGV'`, a soft limit on CPU time, the power supply (and what LXC stops with).
  SIGALRM: "end",
  SIGXCPU: "end",
  SIGPWR: "end",
  // As a Celery worker: the cold shutdown.
  SIGQUIT: "endAtOnce",
  // Log files of nginx and its kind, tracebacks of Celery. By itself Node opens a debugger's port for the first, and
  // dies of the second.
  SIGUSR1: "nothing",
  SIGUSR2: "nothing",
} as const satisfies Partial<Record<NodeJS.Signals, SignalMeaning>>;

/**
 * Ctrl-C comes from the terminal and from npm, a hang-up from the kernel and from the shell. Without a terminal each
 * SIGHUP is a wish of its own: the file may have changed since the last one.
 */
const isManyForOne = (name: NodeJS.Signals) =>
  name === "SIGINT" || (name === "SIGHUP" && hasControllingTerminal());
/** What comes within this time of the same signal is the same. */
const SAME_SIGNAL_MS = 500;

/** Keeps signals that ask for nothing from doing harm. The first thing that the process does. */
export function ignoreHarmless(): void {
  for (const [name, meaning] of Object.entries(MEANINGS)) {
    if (meaning === "nothing") process.on(name, () => {});
  }
  if (isUnderNohup()) process.on("SIGHUP", () => {});
}

/**
 * Calls `receive` for every signal that has a meaning, from now on. Under nohup SIGHUP asks for nothing.
 * Returns what ends that.
 */
export function receiveSignals(receive: (signal: ReceivedSignal) => void): () => void {
  const isHeldUp = isUnderNohup();
  const undo = Object.entries(MEANINGS).map(([key, usual]) => {
    const name = key as NodeJS.Signals;
    const meaning: SignalMeaning = name === "SIGHUP" && isHeldUp ? "nothing" : usual;
    const isRepeated = isManyForOne(name);
    let lastMs = Number.NEGATIVE_INFINITY;
    const listener = () => {
      const sinceMs = performance.now() - lastMs;
      lastMs += sinceMs;
      if (sinceMs > SAME_SIGNAL_MS || !isRepeated) receive({ name, meaning });
    };
    process.on(name, listener);
    return () => process.off(name, listener);
  });
  return () => {
    for (const each of undo) each();
  };
}

/** Whether a hang-up can mean that the user is gone: a service manager, `setsid` or a container starts without a terminal. */
export function hasControllingTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}

/**
 * nohup starts a program with SIGHUP ignored, which Node undoes before any of our code runs. What is left are nohup's
 * other traces, when it was called on a terminal: a standard input that cannot be read, or its output file.
 */
function isUnderNohup(): boolean {
  try {
    const flags = /^flags:\s*(\d+)$/m.exec(readFileSync("/proc/self/fdinfo/0", "utf8"))?.[1];
    const isWriteOnly = (Number.parseInt(flags ?? "0", 8) & 3) === 1;
    return (
      (isWriteOnly && readlinkSync("/proc/self/fd/0") === "/dev/null") ||
      [1, 2].some((fd) => /\/nohup\.out$/.test(readlinkSync(`/proc/self/fd/${fd}`)))
    );
  } catch {
    return false; // a system without /proc
  }
}
