import { FOREIGN_METRICS as TABLE } from "../../../src/rules/foreign-metrics.js";
import { correlationRules } from "../../../src/rules/recordings/groups.js";
import type { KnownMetric } from "./known-metrics.js";

/** What the dashboards take from others, and from our recording rules. A histogram stands for its series. */
export const FOREIGN_METRICS: ReadonlyMap<string, KnownMetric> = new Map([
  ...Object.entries(TABLE).map(
    ([name, { type, labels }]) => [name, { type, labels: labelsOf(labels) }] as const,
  ),
  ...correlationRules().map(
    ({ record, labels }) => [record, { type: "gauge", labels: labelsOf(labels) }] as const,
  ),
]);

/** With the label that scrape jobs may set. */
function labelsOf(labels: readonly string[]): KnownMetric["labels"] {
  return new Map([...labels, "deployment"].map((label) => [label, null]));
}
