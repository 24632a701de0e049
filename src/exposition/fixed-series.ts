import {
  boundsOf,
  CONNECTION_CELLS,
  type Dimensions,
  type EntryHistogram,
  SCENARIO_STATES,
} from "../ledger/layout.js";
import { SIDES } from "../observer/bottleneck.js";
import {
  SERIES_OF_A_CONNECTIONS_DRIFT,
  SERIES_OF_A_TASKS_DRIFT,
  SERIES_OF_OUR_DRIFT,
} from "./drift-metrics.js";
import { groupByMember, groupByTask } from "./entry-groups.js";
import {
  DROP_REASONS,
  LATENCY_OUTCOMES,
  MEMBER_OUTCOMES,
  OUTCOMES,
  PHASES,
  PUBLISH_FAILURE_KINDS,
  UNCERTAIN_PHASES,
} from "./label-values.js";
import { sloSeries } from "./slo-metrics.js";
import type { Subject } from "./subject.js";

/** Series that exist whatever happens: what `limits.series` must at least hold. */
export function fixedSeries(
  subject: Subject,
  buckets: Pick<Dimensions, "bucketsMs" | "phaseBucketsMs">,
): number {
  const tasks = groupByTask(subject).length;
  const members = groupByMember(subject).length;
  const counters =
    7 +
    Object.keys(DROP_REASONS).length +
    Object.keys(PUBLISH_FAILURE_KINDS).length +
    Object.keys(OUTCOMES).length +
    Object.keys(UNCERTAIN_PHASES).length +
    SIDES.length +
    SERIES_OF_A_TASKS_DRIFT +
    2;
  const histograms = (names: Record<string, EntryHistogram>) =>
    Object.values(names).reduce((sum, name) => sum + boundsOf(buckets, name).length + 3, 0);
  const latencies = histograms(LATENCY_OUTCOMES);
  const phases = histograms(PHASES);
  const stages = subject.scenarios.reduce((sum, { stages }) => sum + stages.length, 0);
  return (
    tasks * (counters + latencies + phases) +
    members * (2 + Object.keys(MEMBER_OUTCOMES).length + latencies) +
    subject.scenarios.length * (SCENARIO_STATES.length + 4) +
    stages * 2 +
    subject.connections.length * (CONNECTION_CELLS.length + SERIES_OF_A_CONNECTIONS_DRIFT + 5) +
    SERIES_OF_OUR_DRIFT +
    sloSeries(subject)
  );
}
