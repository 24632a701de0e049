import { format } from "node:util";

/**
 * Takes what libraries write to the console of this thread, and warnings of Node itself: plain lines do not belong
 * in a log of JSON, or among the lines of a report. Nothing of ours goes that way.
 */
export function takeLibraryLines(say: (line: string) => void): void {
  for (const method of ["debug", "error", "info", "log", "warn"] as const) {
    console[method] = (...words: unknown[]) => say(format(...words));
  }
  process.removeAllListeners("warning"); // that is what prints them
  process.on("warning", ({ name, message }) => say(`${name}: ${message}`));
}
