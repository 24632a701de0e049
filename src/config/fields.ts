import * as z from "zod";
import { UserError } from "../errors.js";
import {
  DURATION_PATTERN,
  PERCENTAGE_PATTERN,
  parseDuration,
  parsePercentage,
  parseRate,
  RATE_PATTERN,
} from "./quantities.js";

/** What a schema issue says beside its message; read by `faults.ts`. */
export interface IssueDetails {
  /** What could not be read, when it is not the key itself: `rate`. */
  readonly noun?: string;
  /** A sentence that says what to do. */
  readonly remedy?: string;
  /** Do not show the value: it may hold a secret, or the message names it. */
  readonly hidesValue?: boolean;
}

/** A value that could not be read: `message` starts with "must". */
export class ReadError extends UserError {
  override name = "ReadError";
  readonly details: IssueDetails;
  readonly path: readonly (string | number)[];

  constructor(
    message: string,
    details: IssueDetails = {},
    path: readonly (string | number)[] = [],
  ) {
    super(message, details.remedy === undefined ? {} : { hint: details.remedy });
    this.details = details;
    this.path = path;
  }
}

/** JSON Schema keywords of a field, description first. */
export type FieldMeta = { readonly description: string } & Readonly<Record<string, unknown>>;

/**
 * A value that our own function reads. `meta` describes what may be written; the function gets it
 * unchecked and throws `ReadError`, another `UserError`, or an AggregateError of those.
 */
export function field<T>(meta: FieldMeta, read: (value: unknown) => T) {
  return z
    .unknown()
    .transform((value, context): T => {
      try {
        return read(value);
      } catch (error) {
        for (const each of error instanceof AggregateError ? error.errors : [error]) {
          if (!(each instanceof UserError)) throw error;
          context.addIssue({ code: "custom", ...issueOf(each) });
        }
        return z.NEVER;
      }
    })
    .meta(meta);
}

/** What names must be: they become labels, routes and variable names. */
export const NAME_FORM = "must be a name of letters, digits, - and _ that starts with a letter";

/** A name of the user's own. */
export function nameField() {
  return z
    .string({ error: NAME_FORM })
    .max(64, { error: "must be a name of at most 64 characters" })
    .regex(/^[A-Za-z][A-Za-z0-9_-]*$/, { error: NAME_FORM });
}

/** A duration in milliseconds. */
export function duration(description: string, options?: { positive?: boolean }) {
  return field(durationMeta(description), (value) => readDuration(value, options?.positive));
}

/** A duration in milliseconds, or null for the given word. */
export function durationOr(word: string, description: string, { positive = true } = {}) {
  const meta = {
    description,
    anyOf: [{ type: "string", pattern: DURATION_PATTERN }, { const: word }],
    examples: [word, "30m"],
  };
  return field(meta, (value) => (value === word ? null : readDuration(value, positive, word)));
}

function durationMeta(description: string): FieldMeta {
  return { description, type: "string", pattern: DURATION_PATTERN, examples: ["30s"] };
}

/** JSON Schema of a rate. */
export function rateMeta(description: string): FieldMeta {
  return { description, type: "string", pattern: RATE_PATTERN, examples: ["20/s"] };
}

/** JSON Schema of a share. */
export function percentageMeta(description: string, example: string): FieldMeta {
  return { description, type: "string", pattern: PERCENTAGE_PATTERN, examples: [example] };
}

/** Reads a duration of unknown type as milliseconds. */
export function readDuration(value: unknown, positive = false, word?: string): number {
  const durationMs = readQuantity(value, parseDuration, word);
  if (positive && durationMs === 0) {
    throw new ReadError("must be longer than 0s", { remedy: "Write it like 30s." });
  }
  return durationMs;
}

/** Reads a rate of unknown type as starts a second. */
export function readRate(value: unknown): number {
  return readQuantity(value, parseRate);
}

/** Reads a share of unknown type, above 0 and below 1. */
export function readPercentage(value: unknown): number {
  return readQuantity(value, parsePercentage);
}

/** A bare number gets the same text as a malformed one: what is missing is the unit. */
function readQuantity(value: unknown, parse: (text: string) => number, word?: string): number {
  const isWritten = typeof value === "string" || typeof value === "number";
  try {
    return parse(isWritten ? String(value) : "");
  } catch (error) {
    if (!(error instanceof UserError) || !("must" in error)) throw error;
    const isNever = word !== undefined && word !== "auto" && NEVER.has(String(value).toLowerCase());
    const hint = isNever ? `Write ${word}.` : error.hint;
    const remedy = hint === undefined ? {} : { remedy: hint };
    throw new ReadError(`${error.must}${word === undefined ? "" : `, or ${word}`}`, remedy);
  }
}

/** Words for a time that there is not. */
const NEVER = new Set("none null never forever off no false infinity unlimited".split(" "));

/** A whole number in a range; the same words for every way to miss it. */
export function wholeNumber(minimum: number, maximum: number, description: string) {
  const error = `must be a whole number from ${minimum} to ${maximum}`;
  return z.int({ error }).min(minimum, { error }).max(maximum, { error }).meta({ description });
}

/** The same, or null for the word `none`. */
export function wholeNumberOrNone(minimum: number, maximum: number, description: string) {
  const anyOf = [{ type: "integer", minimum, maximum }, { const: "none" }];
  return field({ description, anyOf, examples: ["none", maximum] }, (value) => {
    if (value === "none") return null;
    if (Number.isInteger(value) && Number(value) >= minimum && Number(value) <= maximum) {
      return Number(value);
    }
    const remedy = `Write it like ${maximum}, or none for no limit.`;
    throw new ReadError(`must be a whole number from ${minimum} to ${maximum}, or none`, {
      remedy,
    });
  });
}

/** Reads what stands at a path, so that a fault has its place. */
export function readAt<T>(path: readonly (string | number)[], read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ReadError)) throw error;
    throw new ReadError(error.message, error.details, [...path, ...error.path]);
  }
}

/** Reads every item, so that the faults of all come at once. */
export function readEach<T, U>(items: Iterable<T>, read: (item: T, index: number) => U): U[] {
  const values: U[] = [];
  const errors: unknown[] = [];
  for (const [index, item] of [...items].entries()) {
    try {
      values.push(read(item, index));
    } catch (error) {
      // A list in a list: its faults are as many of their own.
      errors.push(...(error instanceof AggregateError ? error.errors : [error]));
    }
  }
  if (errors.length > 0) throw new AggregateError(errors);
  return values;
}

/** What of an error goes into an issue. */
function issueOf(error: UserError): {
  message: string;
  path: (string | number)[];
  params: IssueDetails;
} {
  if (error instanceof ReadError) {
    return { message: error.message, path: [...error.path], params: error.details };
  }
  const remedy = error.hint === undefined ? {} : { remedy: error.hint };
  return { message: error.message, path: [], params: { ...remedy, hidesValue: true } };
}
