import type * as z from "zod";
import type { IssueDetails } from "../../config/fields.js";
import { didYouMean } from "../../did-you-mean.js";
import type { RequestFault } from "./problem.js";

/** A mistake that is repeated a thousand times needs no thousand lines. */
const MAX_FAULTS = 50;
const MAX_PATH = 200;

/**
 * Everything that is wrong with a body or query, each with its place; of thousands the first ones.
 * @param prefix of the path: `?` for the query
 */
export function requestFaults(
  { issues }: z.ZodError,
  schema: z.ZodObject,
  prefix = "",
): RequestFault[] {
  const known = Object.keys(schema.shape);
  return issues.slice(0, MAX_FAULTS).flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.slice(0, MAX_FAULTS).map((key) => ({
        path: prefix + pathOf([...issue.path, key]),
        message: unknownKey(key, issue.path.length === 0 ? known : []),
      }));
    }
    const { remedy }: IssueDetails = issue.code === "custom" ? (issue.params ?? {}) : {};
    const message = remedy === undefined ? wordsOf(issue) : `${wordsOf(issue)}. ${remedy}`;
    return [{ path: prefix + pathOf(issue.path), message }];
  });
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = didYouMean(key, known);
  const remedy = known.length === 0 ? "" : ` Known here: ${known.join(", ")}.`;
  return `there is no such key.${meant === undefined ? remedy : ` Did you mean ${meant}?`}`;
}

/** zod's own words are for programmers. */
function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== "invalid_type" || !issue.message.startsWith("Invalid")) return issue.message;
  return issue.expected === "array" ? "must be a list" : "must be a JSON object";
}

/** `profile.steps[0]`; "" for the whole. */
function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) =>
      typeof step === "number" ? `[${step}]` : `${index === 0 ? "" : "."}${String(step)}`,
    )
    .join("")
    .slice(0, MAX_PATH);
}
