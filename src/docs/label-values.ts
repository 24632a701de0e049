import { KNOWN_ORDERS } from "../control/steering-reading.js";
import { SIDES } from "../diagnosis/bottleneck.js";
import { WATCHED } from "../diagnosis/drift.js";
import type { MetricKey } from "../exposition/metrics.js";
import { GUARD_STATES } from "../guards/guard.js";
import { DATA_CELLS, SCENARIO_STATES } from "../ledger/layout.js";
import { STAGE_KINDS } from "../plan/profile.js";
import {
  DROP_REASONS,
  LATENCY_OUTCOMES,
  LEFT_OUT_PHASES,
  MEMBER_OUTCOMES,
  OUTCOMES,
  PHASES,
  PUBLISH_FAILURE_KINDS,
  UNCERTAIN_PHASES,
} from "../readings/label-values.js";

/** Values of a label: a list when the code fixes them, else one sentence on where they come from. */
export type LabelValues = readonly string[] | string;

/** What the labels of a metric can be, by label, in the order of `METRICS`. */
export function labelValues(key: MetricKey, label: string): LabelValues | undefined {
  return OF_ONE_METRIC[key]?.[label] ?? OF_EVERY_METRIC[label];
}

/** Labels that mean the same wherever they are. */
const OF_EVERY_METRIC: Readonly<Record<string, LabelValues>> = {
  scenario: "name of the scenario in the configuration",
  task: "name under which the workers registered the task; of a workflow, its key in the configuration",
  workflow: "key of the workflow in the configuration",
  queue: "queue of the task",
  connection: "name of the connection in the configuration",
  role: ["broker", "backend", "events"],
  worker: "full name of the worker's node as in `celery@host`, or `other`",
  thread: "`engine`; with `threads` above 1 `engine-1`, `engine-2` and so on",
  slo: "name of the SLO in the configuration",
  data: "name of the data in the configuration",
  module: "file of the code, as in the configuration",
  guard: "name of the guard, in the configuration or on by default",
};

const ORDER_KINDS = [...new Set(KNOWN_ORDERS.map(([kind]) => kind))];

const STAGE: Readonly<Record<string, LabelValues>> = {
  stage: "number and words of the stage, as in `2: 30/s for 30s`",
  kind: STAGE_KINDS,
};

const OF_ONE_METRIC: Partial<Record<MetricKey, Readonly<Record<string, LabelValues>>>> = {
  dropped: { reason: Object.keys(DROP_REASONS) },
  publishFailures: { kind: Object.keys(PUBLISH_FAILURE_KINDS) },
  outcomes: { outcome: Object.keys(OUTCOMES) },
  scriptIterations: { outcome: ["succeeded", "failed"] },
  scriptChecks: {
    check: "what it is about, as the script says, or `other`",
    outcome: ["passed", "failed"],
  },
  errors: { exception: "class of the exception as the worker reported it, or `other`" },
  latency: { outcome: Object.keys(LATENCY_OUTCOMES) },
  memberOutcomes: { outcome: Object.keys(MEMBER_OUTCOMES) },
  memberLatency: { outcome: Object.keys(LATENCY_OUTCOMES) },
  phase: { phase: Object.keys(PHASES) },
  leftOutPhase: { phase: Object.keys(LEFT_OUT_PHASES) },
  uncertainPhase: { phase: Object.keys(UNCERTAIN_PHASES) },
  scenarioState: { state: SCENARIO_STATES },
  leaseHeld: { segment: "part of all starts that this daemon does, as in `2/4`" },
  dataRows: { kind: DATA_CELLS },
  guardState: { state: GUARD_STATES },
  stageInfo: STAGE,
  stageRemaining: STAGE,
  dataLoss: { evidence: ["restarted_empty", "failover", "purged", "reply_queue_deleted"] },
  queueUnacked: { queue: "queue of the task, or `*` for all of a Redis database" },
  bottleneck: { side: SIDES },
  malformed: { source: ["result", "event", "reply"] },
  seriesFolded: { label: ["exception", "worker"] },
  drift: { what: WATCHED },
  driftSignificant: { what: WATCHED },
  saturated: { cause: ["dispatch_lag", "event_loop"] },
  sloExcluded: { reason: ["warmup", "saturated", "stopped", "invalid"] },
  lastChange: { kind: ["start", "stage", "override", "pause", "reload"] },
  orders: { kind: ORDER_KINDS, actor: ["api", "ctl", "page", "reload", "guard", "ttl"] },
  configInfo: {
    revision: "`1` at the start, and one more after each reload that changed something",
    hash: "first 12 digits of the SHA-256 of what is in effect",
  },
  buildInfo: {
    version: "version of this package",
    node: "version of Node",
    commit: "commit that it was built from",
  },
};
