import type { ScriptReading } from "../readings/script-reading.js";
import type { Subject } from "../readings/subject.js";

/** What users did in a script. */
export interface ScriptReport {
  /** Times that one went through it to its end, and that it threw. */
  readonly succeeded: number;
  readonly failed: number;
  /** By what they are about. */
  readonly checks: Readonly<Record<string, { readonly passed: number; readonly failed: number }>>;
}

/** By the names of the scenarios that have a script. */
export function scriptReports(
  { scenarios }: ScriptReading,
  { modules }: Subject,
): Record<string, ScriptReport> {
  const names = modules.flatMap(({ scripts }) => scripts);
  return Object.fromEntries(
    names.map((name) => {
      const { succeeded = 0, failed = 0, checks = [] } = scenarios.get(name) ?? {};
      return [name, { succeeded, failed, checks: Object.fromEntries(checks) }];
    }),
  );
}

/** For people: a line for each script, and one for each of its checks that has failed. */
export function scriptLines(reports: Readonly<Record<string, ScriptReport>>): string[] {
  return Object.entries(reports).flatMap(([scenario, { succeeded, failed, checks }]) => {
    const all = Object.entries(checks);
    const wrong = all.filter(([, check]) => check.failed > 0);
    const threw = failed === 0 ? "" : `, and ${failed} times it threw`;
    const checked =
      all.length === 0
        ? ""
        : wrong.length === 0
          ? `; all of ${sum(all.map(([, { passed }]) => passed))} checks have passed`
          : `; ${wrong.length} of ${all.length} checks have failed:`;
    return [
      `  ${scenario}: users went through the script ${succeeded} times${threw}${checked}`,
      ...wrong.map(
        ([name, { passed, failed: times }]) => `    ${name}: ${times} of ${passed + times} times`,
      ),
    ];
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
