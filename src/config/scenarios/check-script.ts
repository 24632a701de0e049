import type { Choose } from "../../plan/mix.js";
import type { ProfileSpec } from "../../plan/profile.js";
import type { CodeFile } from "../code-file.js";
import { type ConfigIssue, issue, unknownName } from "../faults/config-issue.js";

interface ScriptPart {
  readonly profile: ProfileSpec;
  readonly choose: Choose;
  readonly mix?: Readonly<Record<string, number>> | undefined;
  readonly script: CodeFile | null;
  readonly data: string | null;
}

/** What does not go with a script, or without one. Pure. */
export function checkScript(
  name: string,
  { profile, choose, mix = {}, script, data }: ScriptPart,
  written: Readonly<Record<string, unknown>>,
): ConfigIssue[] {
  const at = (key: string, message: string, remedy: string) =>
    issue(["scenarios", name, key], message, { remedy, hidesValue: true });
  if (script === null) {
    if (data === null) return [];
    const message = "must come with a script, which takes its rows";
    return [at("data", message, "Write data in the tasks whose arguments take a row.")];
  }
  const issues: ConfigIssue[] = [];
  if (profile.kind !== "users") {
    const message = "must come with users, who go through it";
    issues.push(at("script", message, "Write profile: {users: 10}."));
  }
  if (new Set(Object.values(mix)).size > 1) {
    const message =
      "must be a list of what the script may send: how often is for the script to say";
    issues.push(at("mix", message, `Write [${Object.keys(mix).join(", ")}].`));
  }
  if (choose !== "exact") {
    issues.push(at("choose", "must be left out: the script says what is sent", "Remove choose."));
  }
  if (data !== null && !Object.hasOwn(written, data)) {
    issues.push(unknownName(["scenarios", name, "data"], "data", data, written));
  }
  return issues;
}
