import type { RuleGroup } from "../rule.js";
import type { SourceRule } from "./by-source.js";
import { ourGroups } from "./our-rules.js";
import { queueRules } from "./queue-rules.js";
import { sourceRules } from "./source-rules.js";
import { workerRules } from "./worker-rules.js";

/** All rules, each one behind those that it reads. */
export function correlationRules(): SourceRule[] {
  return [...sourceRules(), ...queueRules(), ...workerRules()];
}

/** All recording rules, in the order of their evaluation. */
export function recordingGroups(): RuleGroup[] {
  return [...ourGroups(), correlationGroup()];
}

/**
 * What the dashboard Correlation and the alerts about exporters read: the workers' and the broker's side of
 * the traffic.
 */
function correlationGroup(): RuleGroup {
  return {
    name: "celery-load-correlation",
    rules: correlationRules().map(({ record, expr }) => ({ record, expr })),
  };
}
