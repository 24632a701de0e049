import type { RuleGroup } from "../rule.js";
import { queueRules } from "./queue-rules.js";
import type { RecordingRule } from "./rule.js";
import { sourceRules } from "./source-rules.js";
import { workerRules } from "./worker-rules.js";

/** All rules, each one behind those that it reads. */
export function correlationRules(): RecordingRule[] {
  return [...sourceRules(), ...queueRules(), ...workerRules()];
}

/**
 * What the dashboard Correlation and the alerts about exporters read: the workers' and the broker's side of
 * the traffic.
 */
export function correlationGroup(): RuleGroup {
  return {
    name: "celery-load-correlation",
    rules: correlationRules().map(({ record, expr }) => ({ record, expr })),
  };
}
