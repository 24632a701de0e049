import { didYouMean } from "../../did-you-mean.js";
import type { IssueDetails } from "../fields.js";
import type { Path } from "../sources/tree.js";
import { quote } from "./quote.js";

/** Something that is wrong at a path of the configuration. */
export interface ConfigIssue {
  /** `unrecognized_keys`, `invalid_key`, `invalid_type`, … as zod names it; `unknown_name` and `unfit` are ours. */
  readonly code: string;
  readonly path: Path;
  readonly message: string;
  readonly details: IssueDetails;
  /** The keys that are not known, for `unrecognized_keys`. */
  readonly keys: readonly string[];
  /** All values that there are, where they can be listed. */
  readonly choices?: readonly unknown[];
  /** What to do, found only when the fault is told: of thousands of names that may have been meant, one is. */
  readonly findRemedy?: () => string;
}

/** A fault that a check of ours found. */
export function issue(path: Path, message: string, details: IssueDetails): ConfigIssue {
  return { code: "custom", path, message, details, keys: [] };
}

/** Something that is right by itself and yet cannot be used; the place is told even if nothing is written there. */
export function unfit(path: Path, message: string, remedy: string): ConfigIssue {
  return { ...issue(path, message, { remedy, hidesValue: true }), code: "unfit" };
}

/** Names as messages list them, ten at most. */
export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 10).map((name) => (/^[\w.:-]+$/.test(name) ? name : quote(name)));
  return `${shown.join(", ")}${names.length > 10 ? ", …" : ""}`;
}

/** The key of the task that is registered under a name: what stands in `tasks` is called by its key. */
function keyOfTask(name: string, tasks: Readonly<Record<string, unknown>>): string | undefined {
  const isNamed = (task: unknown) =>
    typeof task === "object" && task !== null && Reflect.get(task, "name") === name;
  return Object.keys(tasks).find((key) => isNamed(tasks[key]));
}

/** A name that refers to nothing in a section, which is as it was written. */
export function unknownName(
  path: Path,
  kind: "connection" | "scenario" | "task" | "queue" | "data",
  name: string,
  section: Readonly<Record<string, unknown>>,
): ConfigIssue {
  const findRemedy = () => {
    const known = Object.keys(section);
    const byName = kind === "task" ? keyOfTask(name, section) : undefined;
    const meant = byName ?? didYouMean(name, known);
    return meant === undefined
      ? `Known here: ${listNames(known)}.`
      : `Did you mean ${quote(meant)}?`;
  };
  const unknown = issue(path, `there is no ${kind} ${quote(name)}`, { hidesValue: true });
  return { ...unknown, code: "unknown_name", findRemedy };
}
