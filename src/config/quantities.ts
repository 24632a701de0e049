import { EXIT, UserError } from "../errors.js";
import { quote } from "./faults/quote.js";

/**
 * A rate or duration that cannot be read. `must` says which form is allowed and `hint` what to
 * write; `message` is both `must` and what was found.
 */
export class QuantityError extends UserError {
  override name = "QuantityError";
  readonly must: string;

  constructor(must: string, found: string, hint: string) {
    super(`${must}; found ${quote(found)}`, { hint, exitCode: EXIT.badConfiguration });
    this.must = must;
  }
}

const RATE = /^(0|[1-9][0-9]*)(\.[0-9]+)?\/[smh]$/;
const DURATION = /^(0|[1-9][0-9]*)(\.[0-9]+)?(ms|s|m|h|d)$/;
const PERCENTAGE = /^(0|[1-9][0-9]?)(\.[0-9]+)?%$/;

/** Text that still holds a variable: an editor cannot know what it will be. */
export const VARIABLE_PATTERN = "\\$\\{";

/** What the text of a rate must look like in a file, for the JSON Schema. */
export const RATE_PATTERN = `${RATE.source}|${VARIABLE_PATTERN}`;

/** What the text of a duration must look like in a file, for the JSON Schema. */
export const DURATION_PATTERN = `${DURATION.source}|${VARIABLE_PATTERN}`;

/** What the text of a percentage must look like in a file, for the JSON Schema. */
export const PERCENTAGE_PATTERN = `${PERCENTAGE.source}|${VARIABLE_PATTERN}`;

/**
 * Reads `20/s`, `5/m`, `0.2/s`, `7/h` as starts a second, 0 to 1 000 000.
 *
 * @throws {QuantityError} for anything else.
 */
export function parseRate(text: string): number {
  const ratePerSecond = readRate(text);
  if (ratePerSecond === undefined) {
    throw new QuantityError(
      "must be a number per s, m or h such as 20/s",
      text,
      remedy(text, suggestRate(text), "20/s"),
    );
  }
  if (ratePerSecond > MAX_RATE_PER_SECOND) {
    throw new QuantityError(
      `must be at most ${MAX_RATE_PER_SECOND}/s`,
      text,
      "Write a lower rate.",
    );
  }
  return ratePerSecond;
}

/**
 * A text that `parseRate` reads back as exactly this rate: a second where that is short, else in the
 * unit that makes it shortest (0.08333…/s is `5/m`).
 */
export function formatRate(ratePerSecond: number): string {
  const perSecond = `${plainDecimal(ratePerSecond)}/s`;
  if (!/\.\d{5}/.test(perSecond)) return perSecond;
  const texts = Object.entries(SECONDS_PER).map(
    ([unit, seconds]) => `${plainDecimal(ratePerSecond * seconds)}/${unit}`,
  );
  return shortest(texts.filter((text) => readRate(text) === ratePerSecond));
}

/**
 * Reads `500ms`, `1.5s`, `10m`, `2h`, `30d` as milliseconds, 0 to ten years.
 *
 * @throws {QuantityError} for anything else.
 */
export function parseDuration(text: string): number {
  const durationMs = readDuration(text);
  if (durationMs === undefined) {
    throw new QuantityError(
      "must be a number with the unit ms, s, m, h or d such as 30s",
      text,
      remedy(text, suggestDuration(text), "30s"),
    );
  }
  if (durationMs > MAX_DURATION_MS) {
    throw new QuantityError("must be at most 10 years (3650d)", text, "Write a shorter time.");
  }
  return durationMs;
}

/**
 * Reads `99%`, `99.9%` as a share above 0 and below 1.
 *
 * @throws {QuantityError} for anything else.
 */
export function parsePercentage(text: string): number {
  // The power of ten goes into the decimal text, so that 99.9% is 0.999 and not 0.9990000000000001.
  const ratio = PERCENTAGE.test(text) ? Number(`${text.slice(0, -1)}e-2`) : Number.NaN;
  if (ratio > 0 && ratio < 1) return ratio;
  throw new QuantityError(
    "must be a percentage above 0% and below 100% such as 99.9%",
    text,
    remedy(text, suggestPercentage(text), "99.9%"),
  );
}

/** The shortest text that `parseDuration` reads back as exactly this duration, but not `0.5s`. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return "0s";
  const texts = Object.entries(MS_PER)
    .reverse()
    .map(([unit, { factor, exponent }]) => {
      return `${plainDecimal(durationMs / (factor * 10 ** exponent))}${unit}`;
    })
    .filter((text) => readDuration(text) === durationMs);
  const whole = texts.filter((text) => !text.startsWith("0"));
  return shortest(whole.length > 0 ? whole : texts);
}

/** More than any one machine can start; keeps the plan's numbers exact. */
const MAX_RATE_PER_SECOND = 1_000_000;
const MAX_DURATION_MS = 3650 * 86_400_000;

const SECONDS_PER: Record<string, number> = { s: 1, m: 60, h: 3600 };

/**
 * Milliseconds in a unit as factor × 10^exponent. The power of ten goes into the decimal text, so
 * that 1.1s is 1100 and not 1100.0000000000002.
 */
const MS_PER: Record<string, { factor: number; exponent: number }> = {
  ms: { factor: 1, exponent: 0 },
  s: { factor: 1, exponent: 3 },
  m: { factor: 6, exponent: 4 },
  h: { factor: 36, exponent: 5 },
  d: { factor: 864, exponent: 5 },
};

function readRate(text: string): number | undefined {
  if (!RATE.test(text)) return undefined;
  const slash = text.indexOf("/");
  return Number(text.slice(0, slash)) / SECONDS_PER[text.slice(slash + 1)]!;
}

function readDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  const unit = match[3]!;
  const { factor, exponent } = MS_PER[unit]!;
  return Number(`${text.slice(0, -unit.length)}e${exponent}`) * factor;
}

/** `20`, `20 per sec`, `1_000/s`, `5 /min`, `20rps`, `1k/s` → what was most likely meant. */
export function suggestRate(text: string): string | undefined {
  const match =
    /^([\d_,]*\.?\d+(?:e\d)?)(k?)\s*(?:(?:\/|per|a)\s*([a-z]+)|(?:req)?[roqt]ps|hz)?$/i.exec(
      text.trim(),
    );
  if (match === null) return undefined;
  const [, digits = "", kilo = "", word] = match;
  const unit = word === undefined ? "s" : UNIT_WORDS[word.toLowerCase()];
  const suggestion = `${plainDigits(digits, kilo === "" ? 1 : 1000)}/${unit}`;
  const ratePerSecond = readRate(suggestion) ?? Number.POSITIVE_INFINITY;
  return ratePerSecond > MAX_RATE_PER_SECOND ? undefined : suggestion;
}

/** `30`, `10 min`, `1_000ms`, `1h30m`, `01:30:00`, `PT30S` → what was most likely meant. */
export function suggestDuration(text: string): string | undefined {
  const match = /^([\d_,]*\.?\d+)\s*([a-z]*)$/i.exec(text.trim());
  const word = (match?.[2] ?? "").toLowerCase();
  const unit = word === "" ? "s" : UNIT_WORDS[word];
  const suggestion = match === null ? compound(text) : `${plainDigits(match[1])}${unit}`;
  const durationMs = readDuration(suggestion) ?? Number.POSITIVE_INFINITY;
  return durationMs > MAX_DURATION_MS ? undefined : suggestion;
}

/** Hours, minutes and seconds in one text, summed up. */
function compound(text: string): string {
  const clock = /^(?:(\d+):)?(\d{1,2}):(\d\d)$/.exec(text.trim());
  const units =
    clock ??
    /^(?:PT?)?(?:(\d+)\s*h(?:ours?)?)?\s*(?:(\d+)\s*m(?:in(?:utes?)?)?)?\s*(?:(\d+)\s*s(?:ec(?:onds?)?)?)?$/i.exec(
      text.trim(),
    );
  const [hours = 0, minutes = 0, seconds = 0] = (units ?? [])
    .slice(1)
    .map((part) => Number(part ?? 0));
  const totalSeconds = hours * 3600 + minutes * 60 + seconds;
  return totalSeconds === 0 ? "" : formatDuration(totalSeconds * 1000);
}

/** `99`, `99.9 %`, `0.99` → what was most likely meant. */
function suggestPercentage(text: string): string | undefined {
  const match = /^(\d*\.?\d+)\s*(?:%|percent)?$/i.exec(text.trim());
  const number = Number(match?.[1]);
  if (match === null || !(number > 0 && number < 100)) return undefined;
  const isRatio = number < 1 && !/%|percent/i.test(text);
  return `${plainDecimal(isRatio ? Number(`${match[1]}e2`) : number)}%`;
}

const UNIT_WORDS: Record<string, string> = Object.assign(Object.create(null), {
  ...{ ms: "ms", msec: "ms", millis: "ms", millisecond: "ms", milliseconds: "ms" },
  ...{ s: "s", sec: "s", secs: "s", second: "s", seconds: "s" },
  ...{ m: "m", min: "m", mins: "m", minute: "m", minutes: "m" },
  ...{ h: "h", hr: "h", hrs: "h", hour: "h", hours: "h" },
  ...{ d: "d", day: "d", days: "d" },
});

/** A number as we read it: without separators of thousands, a decimal comma being a point. */
function plainDigits(text = "", factor = 1): string {
  const point = /^\d+,\d{1,2}$/.test(text) ? text.replace(",", ".") : text;
  const digits = point.replace(/[_,]/g, "").replace(/^0+(?=\d)/, "");
  return factor === 1 && !/e/i.test(digits) ? digits : plainDecimal(Number(digits) * factor);
}

function remedy(text: string, suggestion: string | undefined, example: string): string {
  // A number with a leading zero may be meant as octal: then nothing is suggested.
  if (suggestion === undefined || /^0\d/.test(text)) return `Write it like ${example}.`;
  return `Write ${suggestion}.`;
}

/** The first of the shortest texts. */
function shortest(texts: readonly string[]): string {
  return texts.reduce((best, text) => (text.length < best.length ? text : best));
}

/** The shortest decimal of a finite, non-negative number, without an exponent. */
function plainDecimal(value: number): string {
  const text = String(value);
  const match = /^(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, first = "", rest = "", power = ""] = match;
  const exponent = Number(power);
  return exponent < 0
    ? `0.${"0".repeat(-exponent - 1)}${first}${rest}`
    : `${first}${rest}${"0".repeat(exponent - rest.length)}`;
}
