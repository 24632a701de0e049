import { didYouMean } from "../../did-you-mean.js";
import type { ValidParts } from "../cross-check.js";
import { type ConfigIssue, issue, listNames } from "../faults/config-issue.js";
import { quote } from "../faults/quote.js";
import { isWorkflow } from "../tasks/task-schema.js";
import type { ThresholdConfig } from "./threshold-fields.js";

type Section = Readonly<Record<string, unknown>>;

/** What of a threshold no value shows by itself: whom it is about. */
export function checkThresholds(
  { thresholds, tasks }: ValidParts,
  sections: { readonly tasks: Section | undefined; readonly scenarios: Section | undefined },
): ConfigIssue[] {
  // With a task that is wrong its name may be the one.
  const areAllKnown = tasks.size === Object.keys(sections.tasks ?? {}).length;
  if (!areAllKnown || sections.scenarios === undefined) return [];
  const scenarios = Object.keys(sections.scenarios);
  const taskNames = [...tasks].flatMap(([key, entry]) =>
    isWorkflow(entry) ? [key] : [key, entry.name],
  );
  const texts = new Set<string>();
  return [...thresholds].flatMap(([index, threshold]) => {
    const isRepeated = texts.has(threshold.text);
    texts.add(threshold.text);
    const path = ["thresholds", index];
    return [
      ...(isRepeated
        ? [issue(path, "must not be there twice", { remedy: "Remove one of them." })]
        : []),
      ...checkName(path, threshold, [...new Set(taskNames)], scenarios),
    ];
  });
}

function checkName(
  path: readonly (string | number)[],
  { of: { kind, name }, text }: ThresholdConfig,
  tasks: readonly string[],
  scenarios: readonly string[],
): ConfigIssue[] {
  if (kind === "all") return [];
  const isTask = kind !== "scenario" && tasks.includes(name);
  const isScenario = kind !== "task" && scenarios.includes(name);
  const written = `(${kind === "either" ? "" : `${kind}:`}${name})`;
  if (isTask && isScenario) {
    const message = `is about ${quote(name)}, which is a task and a scenario`;
    const remedy = `Write ${text.replace(written, `(task:${name})`)}, or (scenario:${name}).`;
    return [issue([...path], message, { remedy, hidesValue: true })];
  }
  if (isTask || isScenario) return [];
  const known = [
    ...(kind === "scenario" ? [] : tasks),
    ...(kind === "task" ? [] : scenarios),
    ...(kind === "either" ? ["all"] : []),
  ];
  const meant = didYouMean(name, known);
  const remedy =
    meant === undefined
      ? `Known here: ${listNames(known)}.`
      : `Did you mean ${quote(text.replace(name, meant))}?`;
  const noun = kind === "either" ? "task or scenario" : kind;
  return [issue([...path], `there is no ${noun} ${quote(name)}`, { remedy, hidesValue: true })];
}
