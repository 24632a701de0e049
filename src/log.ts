import pino, { type DestinationStream, type Logger } from "pino";
import pretty from "pino-pretty";
import { logLine } from "./terminal/log-line.js";

export type { Logger };

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

/** The terminal that the log goes to. */
export interface LogTerminal {
  readonly hasColor: boolean;
  /** How wide it is now. */
  columns(): number;
}

/**
 * The daemon's log on stderr: JSON lines, or on a terminal (null: there is none) one readable line for each. Written
 * synchronously, so that the last line before an exit is not lost; a stderr that cannot be written is ignored, because
 * `log.info()` would otherwise throw into whatever was being done.
 */
export function createLog(level: string, terminal: LogTerminal | null): Logger {
  const stderr = pino.destination({ dest: 2, sync: true });
  stderr.on("error", () => {});
  const destination = terminal === null ? stderr : readable(stderr, terminal);
  return pino(
    {
      level,
      serializers: { err: allowedErrorFields },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    destination,
  );
}

function readable(destination: DestinationStream, { hasColor, columns }: LogTerminal) {
  return pretty({
    destination,
    sync: true,
    colorize: hasColor,
    ignore: "pid,hostname",
    translateTime: "SYS:HH:MM:ss",
    hideObject: true,
    messageFormat: (record) => {
      const level = Number(record.level);
      // What pino-pretty writes before it.
      const used = `[12:34:56] ${pino.levels.labels[level]}: `.length;
      return logLine(record, level >= pino.levels.values.warn!, columns(), used);
    },
  });
}

/** An allow-list: client libraries hang commands with passwords on their errors. */
function allowedErrorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? { code: error.code } : {};
  return { type: error.name, message: error.message, ...code, stack: error.stack };
}

/** Lets one line of a kind through and then none for a while, so that a fault does not flood the log. */
export class OnceAMinute {
  readonly #lastMs = new Map<string, number>();

  allows(kind: string, nowMs: number): boolean {
    const last = this.#lastMs.get(kind);
    if (last !== undefined && nowMs - last < 60_000) return false;
    this.#lastMs.set(kind, nowMs);
    return true;
  }

  /** The fault is over: its next occurrence is news again. */
  forget(kind: string): void {
    this.#lastMs.delete(kind);
  }
}
