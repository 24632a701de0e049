import { cut, printable, shortened, widthOf, wrapped } from "./text.js";

/** Fields of a log record that say nothing to somebody before a terminal, or are shown in their own way. */
const HIDDEN = new Set(["level", "time", "msg", "pid", "hostname", "evidence"]);

/** Columns of a field's value, at least and at most, where not all of them have room. */
const SHORT_VALUE = 8;
const LONG_VALUE = 60;

/**
 * A log record as text on a terminal: its message, and behind it in words the fields that the message does not
 * already have in it. One line; only a warning or an error that has no room goes on in a further, indented one, as
 * nothing of it must be lost.
 *
 * @param columns of the terminal, beside `used` columns of time and level before the text
 */
export function logLine(
  record: Readonly<Record<string, unknown>>,
  isUrgent: boolean,
  columns: number,
  used: number,
): string {
  const message = printable(String(record.msg ?? ""));
  const fields = Object.entries(record).flatMap(([name, value]) => {
    const text = HIDDEN.has(name) ? "" : wordsOf(value);
    return text === "" || message.includes(text) ? [] : [{ name: spaced(name), text }];
  });
  const lineOf = (longest: number) => {
    const words = fields.map(({ name, text }) => `${name} ${shortened(text, longest)}`);
    return words.length === 0 ? message : `${message} (${words.join(", ")})`;
  };
  const line = lineOf(Number.POSITIVE_INFINITY);
  if (!isUrgent) {
    const room = columns - used;
    if (widthOf(line) <= room) return line;
    for (let longest = LONG_VALUE; longest >= SHORT_VALUE; longest--) {
      const shorter = lineOf(longest);
      if (widthOf(shorter) <= room) return shorter;
    }
    return cut(line, room);
  }
  // The lines that follow are indented less than the first one, so that they have more room.
  const lines = wrapped(`${"-".repeat(used - 1)} ${line}`, columns, 4);
  return lines.join("\n").slice(used);
}

/** Numbers are rounded to what can be read; of what is not a word or a number, only lists are. */
function wordsOf(value: unknown): string {
  if (typeof value === "number") {
    return String(Number.isInteger(value) ? value : Number(value.toPrecision(3)));
  }
  if (Array.isArray(value)) return value.map(wordsOf).join(", ");
  if (typeof value === "object" && value !== null) {
    return "message" in value ? printable(String(value.message)) : "";
  }
  return value === undefined || value === null ? "" : printable(String(value));
}

/** `secondsAway` as "seconds away". */
function spaced(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
