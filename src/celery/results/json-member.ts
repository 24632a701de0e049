import { parseExactJson } from "../messages/exact-number.js";

/**
 * Finds members of objects in JSON text without parsing the rest of it: values are stepped over, in one
 * pass and without recursion, so that neither size nor depth matters. Takes what Python writes and JSON
 * does not know (NaN, Infinity), big integers, and text that is cut off. Never throws.
 */

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_ARRAY = 91;
const BACKSLASH = 92;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/**
 * Where the value of the first member `key` starts, in the object that starts at `objectAt`; -1 when
 * there is no object or no such member of it. `key` is compared as it is written: nobody escapes letters.
 */
export function memberAt(text: string, objectAt: number, key: string): number {
  let at = afterSpace(text, objectAt);
  let before = OPEN_OBJECT;
  while (text.charCodeAt(at) === before) {
    const keyAt = afterSpace(text, at + 1);
    const keyEnd = stringEnd(text, keyAt);
    const colonAt = afterSpace(text, keyEnd);
    if (keyEnd < 0 || text.charCodeAt(colonAt) !== COLON) return -1;
    const valueAt = afterSpace(text, colonAt + 1);
    if (keyEnd - keyAt === key.length + 2 && text.startsWith(key, keyAt + 1)) return valueAt;
    const valueEnd = endOfValue(text, valueAt);
    if (valueEnd < 0) return -1;
    at = afterSpace(text, valueEnd);
    before = COMMA;
  }
  return -1;
}

/** The string that starts at `at`; null when there is none, or no end of it. */
export function stringAt(text: string, at: number): string | null {
  const end = stringEnd(text, at);
  if (end < 0) return null;
  const inner = text.slice(at + 1, end - 1);
  if (!inner.includes("\\")) return inner;
  try {
    return JSON.parse(text.slice(at, end)) as string;
  } catch {
    return null; // an escape that does not exist
  }
}

/** As `valueAt`, with numbers as Python reads them (`messages/exact-number.ts`). */
export function exactValueAt(text: string, at: number): unknown {
  return readValueAt(text, at, parseExactJson);
}

/** The value that starts at `at`; undefined when there is none, no end of it, or when it is not JSON. */
export function valueAt(text: string, at: number): unknown {
  return readValueAt(text, at, JSON.parse);
}

function readValueAt(text: string, at: number, parse: (json: string) => unknown): unknown {
  const end = at < 0 ? -1 : endOfValue(text, at);
  if (end < 0) return undefined;
  try {
    return parse(text.slice(at, end));
  } catch {
    return undefined; // NaN and the like, which Python writes
  }
}

/** Behind the closing quote of the string that starts at `at`; -1 when there is no string. */
export function stringEnd(text: string, at: number): number {
  if (text.charCodeAt(at) !== QUOTE) return -1;
  let quoteAt = at;
  do {
    quoteAt = text.indexOf('"', quoteAt + 1);
    if (quoteAt < 0) return -1;
  } while (isEscaped(text, quoteAt));
  return quoteAt + 1;
}

function isEscaped(text: string, at: number): boolean {
  let from = at;
  while (text.charCodeAt(from - 1) === BACKSLASH) from--;
  return (at - from) % 2 === 1;
}

/** Behind the value that starts at `at`; -1 when there is none, or no end of it. */
function endOfValue(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case QUOTE: {
        const end = stringEnd(text, i);
        if (end < 0) return -1;
        if (depth === 0) return end;
        i = end - 1;
        break;
      }
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        depth++;
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        if (depth === 0) return i > at ? i : -1; // behind a number or word
        depth--;
        if (depth === 0) return i + 1;
        break;
      case COMMA:
        if (depth === 0) return i > at ? i : -1;
        break;
    }
  }
  return -1;
}

function afterSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}
