import type { JudgedThreshold } from "../diagnosis/threshold-watch.js";
import type { Subject } from "../readings/subject.js";
import { type ThresholdUnit, unitOf } from "../slo/threshold.js";
import type { Verdict } from "../slo/verdict.js";

/** What a run means for one threshold, as `--json` prints it. */
export interface ThresholdReport {
  /** As the configuration writes it. */
  readonly threshold: string;
  readonly verdict: Verdict;
  /** The verdict's reason in words. */
  readonly reason: string;
  /** What was measured, in the unit of the limit; null: nothing, or longer than anything that was awaited. */
  readonly value: number | null;
  readonly limit: number;
  readonly unit: ThresholdUnit;
  /** Of how many tasks. */
  readonly n: number;
  /** The scenarios whose tasks it is about. */
  readonly scenarios: readonly string[];
  /** It ends the run when it is missed. */
  readonly abort: boolean;
}

export function thresholdReports(
  judged: readonly JudgedThreshold[],
  { scenarios }: Subject,
): ThresholdReport[] {
  return judged.map(({ plan, verdict, reason, value, n }) => ({
    threshold: plan.text,
    verdict,
    reason,
    value,
    limit: plan.limit,
    unit: unitOf(plan.measure),
    n,
    scenarios: plan.scenarios.map((scenario) => scenarios[scenario]!.name),
    abort: plan.abort,
  }));
}

/** A line for each threshold, as a terminal shows it. */
export function thresholdLines(reports: readonly ThresholdReport[]): string[] {
  return reports.map(({ threshold, verdict, reason }) => `  ${threshold}: ${verdict}, ${reason}`);
}
