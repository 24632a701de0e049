import { didYouMean } from "../../did-you-mean.js";
import { UserError } from "../../errors.js";
import {
  COMPARISONS,
  type Measure,
  type ThresholdRule,
  type ThresholdUnit,
  unitOf,
} from "../../slo/threshold.js";
import { quote } from "../faults/quote.js";
import { ReadError } from "../fields.js";
import { parseDuration, parsePercentage, parseRate } from "../quantities.js";

/** What a threshold says, and whom it is about: `all`, or a task or scenario, or either as its name tells. */
export interface ThresholdText extends ThresholdRule {
  /** As it was written, with one space where there may be some. */
  readonly text: string;
  readonly of: {
    readonly kind: "all" | "task" | "scenario" | "either";
    /** Of all: "". */
    readonly name: string;
  };
}

const WORDS = ["mean", "max", "rate", "failed", "dropped", "timed_out"] as const;
/** For messages: all that can be measured. */
const MEASURES = ["p50", "p90", "p95", "p99", "p99.9", ...WORDS];
const EXAMPLE = "p95(all) < 800ms";

const FORM =
  /^\s*(?<measure>[^\s()<>=]+)\s*\(\s*(?:(?<kind>task|scenario)\s*:\s*)?(?<name>[^()<>=\s]+)\s*\)\s*(?<comparison>[<>=!]+)\s*(?<limit>\S+)\s*$/;
const PERCENTILE = /^p(\d{1,2}(?:\.\d+)?)$/;

/** What the text of a threshold must look like in a file, for the JSON Schema: an editor helps that far. */
export const THRESHOLD_PATTERN =
  "^\\s*(p\\d{1,2}(\\.\\d+)?|mean|max|rate|failed|dropped|timed_out)\\s*\\(.+\\)\\s*(<|<=|>|>=)\\s*\\S+\\s*$|\\$\\{";

/**
 * Reads `p95(resize) < 800ms`: what is measured, of whom, and its limit.
 *
 * @throws {ReadError} for anything else, with what was most likely meant
 */
export function readThreshold(written: unknown): ThresholdText {
  const form = typeof written === "string" ? FORM.exec(written)?.groups : undefined;
  // k6 writes p(95).
  if (form === undefined || form.measure === "p") throw malformed(written);
  const { measure: word = "", kind, name = "", comparison: sign = "", limit = "" } = form;
  const measure = measureOf(word, written);
  const comparison = COMPARISONS.find((each) => each === sign);
  if (comparison === undefined) {
    throw new ReadError(`must compare with <, <=, > or >=, which ${quote(sign)} is not`, {
      remedy: `Write ${canonical(word, kind, name, sign.includes(">") ? ">=" : "<=", limit)}.`,
      hidesValue: true,
    });
  }
  const isAll = kind === undefined && name === "all";
  return {
    text: canonical(word, kind, name, comparison, limit),
    measure,
    of: isAll
      ? { kind: "all", name: "" }
      : { kind: (kind as "task" | "scenario" | undefined) ?? "either", name },
    comparison,
    limit: limitOf(measure, limit, (right) => canonical(word, kind, name, comparison, right)),
  };
}

function canonical(
  word: string,
  kind: string | undefined,
  name: string,
  comparison: string,
  limit: string,
): string {
  return `${word}(${kind === undefined ? "" : `${kind}:`}${name}) ${comparison} ${limit}`;
}

function measureOf(word: string, written: unknown): Measure {
  const known = WORDS.find((each) => each === word);
  if (known !== undefined) return { kind: known };
  const digits = PERCENTILE.exec(word)?.[1];
  const q = digits === undefined ? Number.NaN : Number(`${digits}e-2`);
  if (q > 0 && q < 1) return { kind: "quantile", q };
  const meant = OTHER_WORDS[word.toLowerCase()] ?? didYouMean(word, MEASURES);
  throw new ReadError(
    `must measure p50 to p99.9, ${WORDS.join(", ")}; ${quote(word)} is none of them`,
    {
      remedy:
        meant === undefined
          ? `Write it like ${EXAMPLE}.`
          : `Write ${String(written).trim().replace(word, meant)}.`,
      hidesValue: true,
    },
  );
}

/** What other tools call the same. */
const OTHER_WORDS: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  avg: "mean",
  average: "mean",
  med: "p50",
  median: "p50",
  maximum: "max",
  p100: "max",
  errors: "failed",
  error_rate: "failed",
  failure: "failed",
  failures: "failed",
  http_req_failed: "failed",
  dropped_iterations: "dropped",
  timeout: "timed_out",
  timeouts: "timed_out",
  timedout: "timed_out",
  rps: "rate",
  throughput: "rate",
});

/** Seconds, a share, or tasks a second. */
function limitOf(measure: Measure, limit: string, asWhole: (right: string) => string): number {
  const { kind } = measure;
  try {
    if (kind === "rate") return parseRate(limit);
    if (kind === "quantile" || kind === "mean" || kind === "max") {
      return parseDuration(limit) / 1000;
    }
    return limit === "0%" || limit === "0" ? 0 : parsePercentage(limit);
  } catch (error) {
    if (!(error instanceof UserError) || !("must" in error)) throw error;
    const right =
      suggestedLimit(kind, limit) ?? /^Write (?!it like )(.+)\.$/.exec(error.hint ?? "")?.[1];
    const found = `found ${quote(limit)}`;
    throw new ReadError(`must have as its limit ${LIMITS[unitOf(measure)]}; ${found}`, {
      remedy: right === undefined ? (error.hint ?? "") : `Write ${asWhole(right)}.`,
      hidesValue: true,
    });
  }
}

const LIMITS = {
  seconds: "a duration such as 800ms",
  ratio: "a percentage such as 1%",
  per_second: "a rate such as 45/s",
} as const satisfies Record<ThresholdUnit, string>;

/** A bare number is milliseconds for who comes from k6. */
function suggestedLimit(kind: Measure["kind"], limit: string): string | undefined {
  const isLatency = kind === "quantile" || kind === "mean" || kind === "max";
  return isLatency && /^\d+(\.\d+)?$/.test(limit) ? `${limit}ms` : undefined;
}

/** k6's `p(95)<500` has no name, and `http_req_duration` is a name of its own. */
function malformed(written: unknown): ReadError {
  const must = `must be a measure of something with a limit such as ${EXAMPLE}`;
  if (typeof written !== "string") return new ReadError(must, { remedy: `Write "${EXAMPLE}".` });
  const [, digits, sign, limit] =
    /^\s*p\s*\(\s*(\d{1,2}(?:\.\d+)?)\s*\)\s*([<>]=?)\s*(\S+)\s*$/.exec(written) ?? [];
  if (digits !== undefined) {
    const unit = /^\d+(\.\d+)?$/.test(limit!) ? `${limit}ms` : limit;
    return new ReadError(must, { remedy: `Write p${digits}(all) ${sign} ${unit}.` });
  }
  const [, word, other, value] = /^\s*([\w.]+)\s*([<>]=?)\s*(\S+)\s*$/.exec(written) ?? [];
  if (word !== undefined) {
    const meant = OTHER_WORDS[word.toLowerCase()] ?? word;
    const unit = meant !== "rate" && /^\d+$/.test(value!) ? `${value}ms` : value;
    return new ReadError(must, { remedy: `Write ${meant}(all) ${other} ${unit}.` });
  }
  return new ReadError(must, { remedy: `Write it like ${EXAMPLE}.` });
}
