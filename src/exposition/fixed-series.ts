import { SIDES } from "../diagnosis/bottleneck.js";
import {
  boundsOf,
  CONNECTION_CELLS,
  type Dimensions,
  type EntryHistogram,
  SCENARIO_STATES,
} from "../ledger/layout.js";
import { type Group, groupByMember, groupByTask } from "../readings/entry-groups.js";
import {
  DROP_REASONS,
  LATENCY_OUTCOMES,
  MEMBER_OUTCOMES,
  OUTCOMES,
  PHASES,
  PUBLISH_FAILURE_KINDS,
  UNCERTAIN_PHASES,
} from "../readings/label-values.js";
import type { Subject } from "../readings/subject.js";
import {
  SERIES_OF_A_CONNECTIONS_DRIFT,
  SERIES_OF_A_TASKS_DRIFT,
  SERIES_OF_OUR_DRIFT,
} from "./drift-metrics.js";
import { sloSeries } from "./slo-metrics.js";

/** Series that exist whatever happens, and what makes them: what `limits.series` must at least hold. */
export interface SeriesParts {
  /** Of each scenario, by its number: for its tasks with their workflows' members, and for its stages. */
  readonly scenarios: readonly { readonly tasks: number; readonly stages: number }[];
  readonly slos: number;
  /** Connections, and the daemon itself. */
  readonly others: number;
}

export function fixedSeries(
  subject: Subject,
  buckets: Pick<Dimensions, "bucketsMs" | "phaseBucketsMs">,
): SeriesParts {
  const histograms = (names: Record<string, EntryHistogram>) =>
    Object.values(names).reduce((sum, name) => sum + boundsOf(buckets, name).length + 3, 0);
  const latencies = histograms(LATENCY_OUTCOMES);
  const ofATask = SERIES_OF_A_TASK + latencies + histograms(PHASES);
  const ofAMember = 2 + Object.keys(MEMBER_OUTCOMES).length + latencies;
  const tasks = countByScenario(groupByTask(subject));
  const members = countByScenario(groupByMember(subject));
  return {
    scenarios: subject.scenarios.map(({ name, stages }) => ({
      tasks: (tasks.get(name) ?? 0) * ofATask + (members.get(name) ?? 0) * ofAMember,
      stages: stages.length * SERIES_OF_A_STAGE,
    })),
    slos: sloSeries(subject),
    others:
      subject.scenarios.length * (SCENARIO_STATES.length + 4) +
      subject.connections.length * (CONNECTION_CELLS.length + SERIES_OF_A_CONNECTIONS_DRIFT + 5) +
      SERIES_OF_OUR_DRIFT,
  };
}

function countByScenario(groups: readonly Group[]): Map<string | undefined, number> {
  const counts = new Map<string | undefined, number>();
  for (const { labels } of groups) {
    counts.set(labels.scenario, (counts.get(labels.scenario) ?? 0) + 1);
  }
  return counts;
}

/** stage_info and stage_remaining_seconds. */
const SERIES_OF_A_STAGE = 2;

/** But for its histograms. */
const SERIES_OF_A_TASK =
  7 +
  Object.keys(DROP_REASONS).length +
  Object.keys(PUBLISH_FAILURE_KINDS).length +
  Object.keys(OUTCOMES).length +
  Object.keys(UNCERTAIN_PHASES).length +
  SIDES.length +
  SERIES_OF_A_TASKS_DRIFT +
  2;
