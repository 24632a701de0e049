import { type ExactNumber, isExactNumber, nearestNumber, readNumber } from "./exact-number.js";
import { DIRECTIVES, offsetMs, unknownDirective } from "./time-text.js";

/** A string of the arguments with its templates taken out: texts and calls in their order. */
export type TemplatePart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "call"; readonly call: TemplateCall };

/**
 * `{{ int(1, 6) }}`: one function of the fixed list, with arguments that fit it. Of `row` they are the column
 * (`{{ row.id }}`), null for the whole row as a mapping (`{{ row | json }}`), or nothing for its only value.
 */
export interface TemplateCall {
  readonly name: TemplateName;
  readonly args: readonly Scalar[];
}

/** What an argument of a template can be. */
export type Scalar = string | number | ExactNumber | boolean | null;

export type TemplateName = keyof typeof FUNCTIONS;

/**
 * Reads the templates in a string: `{{ name }}` or `{{ name(argument, …) }}`, arguments being
 * numbers, strings in double or single quotes, true, false and null; and `{{ row.column }}`, `{{ row["a column"] }}`,
 * `{{ row }}` and `{{ row | json }}`. Nothing is evaluated.
 * Two opening braces always begin a template; to send them as text write `{{ choice("{{") }}`.
 *
 * @returns the parts of the string, or what is wrong with it
 */
export function parseTemplate(
  text: string,
): { readonly parts: readonly TemplatePart[] } | { readonly fault: string } {
  const parts: TemplatePart[] = [];
  let position = 0;
  while (true) {
    const start = text.indexOf("{{", position);
    const before = text.slice(position, start < 0 ? text.length : start);
    if (before !== "") parts.push({ kind: "text", text: before });
    if (start < 0) return { parts };
    const read = readCall(text, start);
    if ("fault" in read) return read;
    parts.push({ kind: "call", call: read.call });
    position = read.end;
  }
}

/** More than this many random bytes would be more than 1 MiB of base64 text. */
const MOST_BYTES = (3 / 4) * 1024 * 1024;

/** Every function there is, with what must hold for its arguments (undefined: all is well). */
const FUNCTIONS = {
  uuid: { use: "uuid", check: takesNothing },
  seq: { use: "seq", check: takesNothing },
  planned: { use: "planned", check: takesNothing },
  now: { use: "now", check: takesNothing },
  int: { use: "int(1, 6)", check: takesIntegerBounds },
  float: { use: "float(0, 1)", check: takesBounds },
  normal: { use: "normal(100, 15)", check: takesMeanAndSpread },
  logNormal: { use: "logNormal(200, 1.5)", check: takesMedianAndFactor },
  zipf: { use: "zipf(1000, 1.1)", check: takesZipf },
  choice: { use: 'choice("a", "b", 3)', check: takesSomething },
  weighted: { use: 'weighted("a", 9, "b", 1)', check: takesWeights },
  digits: { use: "digits(6)", check: takesDigitCount },
  words: { use: "words(5)", check: takesWordCount },
  datetime: { use: 'datetime("+1h")', check: takesTime },
  date: { use: 'date("-30d")', check: takesTime },
  time: { use: 'time("+5m", "%H:%M")', check: takesTime },
  bytes: { use: "bytes(1024)", check: takesByteCount },
  file: { use: 'file("lines.txt")', check: takesFileName },
  row: { use: "row.column", check: takesNothing },
} as const satisfies Record<
  string,
  { use: string; check: (args: readonly Scalar[]) => string | undefined }
>;

function takesNothing(args: readonly Scalar[]): string | undefined {
  return args.length === 0 ? undefined : "takes no arguments";
}

function takesBounds(args: readonly Scalar[]): string | undefined {
  const [low, high] = args.map(numberIn);
  if (args.length !== 2 || low === undefined || high === undefined) {
    return "takes two numbers, the lowest and the highest";
  }
  if (low > high) return `has its lowest value ${low} above its highest ${high}`;
  return Number.isFinite(high - low) ? undefined : "spans more than a number can hold";
}

function takesIntegerBounds(args: readonly Scalar[]): string | undefined {
  const fault = takesBounds(args);
  if (fault !== undefined) return fault.replace("two numbers", "two whole numbers");
  const [low, high] = args.map(Number) as [number, number];
  if (Number.isSafeInteger(low) && Number.isSafeInteger(high)) {
    return Number.isSafeInteger(high - low) ? undefined : "spans more than 2^53 whole numbers";
  }
  return "takes two whole numbers below 2^53, the lowest and the highest";
}

function numberIn(value: Scalar): number | undefined {
  return typeof value === "number" || isExactNumber(value) ? nearestNumber(value) : undefined;
}

function takesSomething(args: readonly Scalar[]): string | undefined {
  return args.length > 0 ? undefined : "takes at least one value to choose from";
}

function takesMeanAndSpread(args: readonly Scalar[]): string | undefined {
  const [mean, spread] = args.map(numberIn);
  if (args.length === 2 && mean !== undefined && spread !== undefined && spread >= 0) {
    return undefined;
  }
  return "takes two numbers, the mean and the standard deviation, which is not negative";
}

function takesMedianAndFactor(args: readonly Scalar[]): string | undefined {
  const [median, factor] = args.map(numberIn);
  if (args.length === 2 && Number(median) > 0 && Number(factor) >= 1) return undefined;
  return "takes two numbers, the median (above 0) and the factor of one standard deviation (1 or more)";
}

/** Of more there would be a large table in every thread. */
const MOST_ZIPF = 1_000_000;

function takesZipf(args: readonly Scalar[]): string | undefined {
  const [count, exponent] = args.map(numberIn);
  const isCount = Number.isInteger(count) && Number(count) >= 1 && Number(count) <= MOST_ZIPF;
  if (args.length === 2 && isCount && Number(exponent) >= 0) return undefined;
  return `takes two numbers, how many there are (1 to ${MOST_ZIPF}) and the exponent (0 or more)`;
}

function takesWeights(args: readonly Scalar[]): string | undefined {
  const weights = args.filter((_, index) => index % 2 === 1).map(numberIn);
  const isPaired = args.length >= 2 && args.length % 2 === 0;
  if (isPaired && weights.every((weight) => Number(weight) >= 0) && weights.some(Number)) {
    return undefined;
  }
  return "takes values, each with its weight behind it; one weight at least is above 0";
}

function takesDigitCount(args: readonly Scalar[]): string | undefined {
  return takesCount(args, 1000, "digits");
}

function takesWordCount(args: readonly Scalar[]): string | undefined {
  return takesCount(args, 10_000, "words");
}

function takesCount(args: readonly Scalar[], most: number, what: string): string | undefined {
  const [count] = args.map(numberIn);
  const isCount = Number.isInteger(count) && Number(count) >= 1 && Number(count) <= most;
  return args.length === 1 && isCount
    ? undefined
    : `takes one whole number of ${what}, 1 to ${most}`;
}

function takesTime(args: readonly Scalar[]): string | undefined {
  const [offset = "+0s", format = "%Y", ...others] = args;
  if (others.length > 0 || typeof offset !== "string" || typeof format !== "string") {
    return "takes an offset and a format, both in quotes and both may be left out";
  }
  if (offsetMs(offset) === undefined) {
    return `has the offset ${JSON.stringify(offset)}, which must be such as "+1h", "-30d" or "+90s"`;
  }
  const directive = unknownDirective(format);
  if (directive === undefined) return undefined;
  return `has ${JSON.stringify(directive)} in its format, where there are ${DIRECTIVES.join(" ")}`;
}

function takesByteCount(args: readonly Scalar[]): string | undefined {
  const [count] = args.map(numberIn);
  const isCount = Number.isInteger(count) && Number(count) >= 0 && Number(count) <= MOST_BYTES;
  if (args.length === 1 && isCount) return undefined;
  return `takes one whole number of bytes, 0 to ${MOST_BYTES} (1 MiB as base64)`;
}

function takesFileName(args: readonly Scalar[]): string | undefined {
  const [name] = args;
  if (args.length === 1 && typeof name === "string" && name !== "") return undefined;
  return "takes one file name in quotes";
}

type CallOrFault =
  | { readonly call: TemplateCall; readonly end: number }
  | { readonly fault: string };

function readCall(text: string, start: number): CallOrFault {
  const scanner = new Scanner(text, start + 2);
  const name = scanner.take(/[A-Za-z_]\w*/y);
  if (name === "row" && !scanner.isAt("(")) return readRow(scanner, text, start);
  const args = scanner.takes("(") ? readArguments(scanner) : [];
  const isClosed = name !== undefined && args !== undefined && scanner.takes("}}");
  if (!isClosed) return { fault: unreadable(text, start, name) };
  return checkedCall(text.slice(start, scanner.position), name, args, scanner.position);
}

/** What follows `row`. */
function readRow(scanner: Scanner, text: string, start: number): CallOrFault {
  const args = rowArguments(scanner);
  if (args === undefined || !scanner.takes("}}")) return { fault: unreadable(text, start, "row") };
  return { call: { name: "row", args }, end: scanner.position };
}

function rowArguments(scanner: Scanner): Scalar[] | undefined {
  if (scanner.takes("|")) return scanner.take(/json\b/y) === undefined ? undefined : [null];
  if (scanner.takes(".")) {
    const column = scanner.take(/[\p{L}\p{N}_-]+/uy);
    return column === undefined ? undefined : [column];
  }
  if (!scanner.takes("[")) return [];
  const column = scanner.takeScalar();
  return typeof column === "string" && scanner.takes("]") ? [column] : undefined;
}

/** What follows an opening bracket up to and with the closing one, or undefined. */
function readArguments(scanner: Scanner): Scalar[] | undefined {
  const args: Scalar[] = [];
  if (scanner.takes(")")) return args;
  while (true) {
    const value = scanner.takeScalar();
    if (value === undefined) return undefined;
    args.push(value);
    if (scanner.takes(")")) return args;
    if (!scanner.takes(",")) return undefined;
  }
}

function checkedCall(
  source: string,
  name: string,
  args: readonly Scalar[],
  end: number,
): CallOrFault {
  if (!isTemplateName(name)) {
    return {
      fault: `template ${source} calls the unknown function "${name}": ${suggestion(name)}`,
    };
  }
  const { use, check } = FUNCTIONS[name];
  const fault = check(args);
  if (fault === undefined) return { call: { name, args }, end };
  return { fault: `template ${source}: ${name} ${fault}. Write {{ ${use} }}` };
}

function isTemplateName(name: string): name is TemplateName {
  return Object.hasOwn(FUNCTIONS, name);
}

function unreadable(text: string, start: number, name: string | undefined): string {
  const end = text.indexOf("}}", start);
  if (end < 0) {
    return `template ${shortened(text.slice(start))} is not closed. Write }} at its end, or {{ choice("{{") }} to send two braces`;
  }
  const use = name !== undefined && isTemplateName(name) ? FUNCTIONS[name].use : "uuid";
  return `template ${shortened(text.slice(start, end + 2))} cannot be read. Write {{ ${use} }}: one function, its arguments being numbers, strings in quotes, true, false or null`;
}

function shortened(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

function suggestion(name: string): string {
  const known = Object.keys(FUNCTIONS);
  const nearest = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate) }))
    .sort((one, other) => one.distance - other.distance)[0]!;
  if (nearest.distance <= Math.max(1, Math.floor(name.length / 2))) {
    return `did you mean "${nearest.candidate}"?`;
  }
  return `there are ${known.join(", ")}`;
}

/** Insertions, deletions, changes and swaps of neighbours (optimal string alignment). */
function editDistance(one: string, other: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    for (let column = 1; column <= other.length; column++) {
      const changed = one[row - 1] === other[column - 1] ? 0 : 1;
      let distance = Math.min(
        last[column]! + 1,
        current[column - 1]! + 1,
        last[column - 1]! + changed,
      );
      const isSwap = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      if (row > 1 && column > 1 && isSwap) {
        distance = Math.min(distance, beforeLast[column - 2]! + 1);
      }
      current.push(distance);
    }
    beforeLast = last;
    last = current;
  }
  return last[other.length]!;
}

/** Reads tokens from a place in a text, passing over the spaces before each. */
class Scanner {
  readonly #text: string;
  position: number;

  constructor(text: string, position: number) {
    this.#text = text;
    this.position = position;
  }

  takes(token: string): boolean {
    this.#skipSpaces();
    if (!this.#text.startsWith(token, this.position)) return false;
    this.position += token.length;
    return true;
  }

  isAt(token: string): boolean {
    this.#skipSpaces();
    return this.#text.startsWith(token, this.position);
  }

  /** @param pattern a sticky one */
  take(pattern: RegExp): string | undefined {
    this.#skipSpaces();
    pattern.lastIndex = this.position;
    const [token] = pattern.exec(this.#text) ?? [];
    this.position += token?.length ?? 0;
    return token;
  }

  takeScalar(): Scalar | undefined {
    const word = this.take(/(?:true|false|null)\b/y);
    if (word !== undefined) return JSON.parse(word) as boolean | null;
    const number = this.take(/[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])/y);
    if (number !== undefined) {
      // Whole numbers have any size.
      const isHeld = Number.isFinite(Number(number)) || /^[-+]?\d+$/.test(number);
      return isHeld ? readNumber(number) : undefined;
    }
    const quoted = this.take(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/y);
    return quoted === undefined ? undefined : unquoted(quoted);
  }

  #skipSpaces(): void {
    while (/\s/.test(this.#text[this.position] ?? "")) this.position += 1;
  }
}

/** JSON's escapes, and \' in single quotes; undefined for any other. */
function unquoted(quoted: string): string | undefined {
  const inside = quoted
    .slice(1, -1)
    .replaceAll(/\\.|["\n\r\t]/gs, (piece) =>
      piece === "\\'" ? "'" : piece.startsWith("\\") ? piece : JSON.stringify(piece).slice(1, -1),
    );
  try {
    return JSON.parse(`"${inside}"`) as string;
  } catch {
    return undefined;
  }
}
