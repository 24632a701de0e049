import type { SideStanding } from "../diagnosis/bottleneck-watch.js";
import type { WatchedDrift } from "../diagnosis/drift.js";
import type { JudgedThreshold } from "../diagnosis/threshold-watch.js";
import type { GuardStanding } from "../guards/guard-watch.js";
import type { Readiness } from "../http/app.js";
import type { ScenarioState } from "../ledger/layout.js";
import type { ObservedConnection } from "../observer/connection-observer.js";
import type { ObservedWorker } from "../observer/worker.js";
import type { LedgerView } from "../readings/ledger-view.js";
import { haveUsers, type Subject } from "../readings/subject.js";
import { entriesByTask, summarize } from "../readings/summary.js";
import { evidenceText } from "./bottleneck-text.js";
import type { SloReport } from "./slo-report.js";
import { ledgerReport, type TaskReport } from "./task-report.js";
import { type ThresholdReport, thresholdReports } from "./threshold-report.js";

/**
 * What `GET /api/v1/status` answers: docs/api.md is its reference. What is not known is null, and so is what
 * JSON has no number for. Times are seconds, in the evidence of verdicts milliseconds as in the log.
 */
export interface Status extends Readiness {
  readonly version: string;
  readonly commit: string;
  readonly configHash: string;
  /** How long the engine has been running. */
  readonly seconds: number;
  readonly generator: {
    readonly isSaturated: boolean;
    readonly eventLoopUtilization: number;
  };
  readonly scenarios: Readonly<Record<string, ScenarioStatus>>;
  /** True as long as both sums of the ledger hold for every task. */
  readonly balanced: boolean;
  readonly total: TaskReport;
  readonly tasks: Readonly<Record<string, TaskStatus>>;
  readonly slos: Readonly<Record<string, SloReport>>;
  /** As they would be judged if the run ended now. */
  readonly thresholds: readonly ThresholdReport[];
  readonly connections: Readonly<Record<string, ConnectionStatus>>;
  readonly drift: readonly WatchedDrift[];
  readonly guards: Readonly<Record<string, Omit<GuardStanding, "name">>>;
}

export interface ScenarioStatus {
  readonly state: ScenarioState;
  /** Null before the first and after the last; `remainingSeconds` is null for one without an end. */
  readonly stage: {
    readonly number: number;
    readonly name: string;
    readonly kind: string;
    readonly remainingSeconds: number | null;
  } | null;
  /** Starts a second that the plan wants now; null for a closed loop. */
  readonly targetRate: number | null;
  /** Of a closed loop of users, how many there are now; else null. */
  readonly users: number | null;
  /** Tasks published a second over the last 30 s. */
  readonly achievedRate: number | null;
}

export interface TaskStatus extends TaskReport {
  readonly publishing: number;
  readonly inFlight: number;
  /** Which side makes it slow; `text` is what that rests on, in words. */
  readonly verdict: SideStanding & { readonly text: string };
}

export interface ConnectionStatus {
  readonly broker: {
    readonly isUp: boolean;
    readonly isBlocked: boolean;
    readonly reconnects: number;
  };
  readonly backend: { readonly isUp: boolean; readonly reconnects: number };
  /** Null with `events: off`. */
  readonly events: ObservedConnection["events"];
  readonly backendMemoryBytes: number | null;
  readonly unacked: number | null;
  readonly unexplainedTasks: number | null;
  readonly queues: ObservedConnection["queues"];
  readonly workers: readonly ObservedWorker[];
}

export interface StatusSources {
  readonly subject: Subject;
  readonly ledger: LedgerView;
  readonly observed: readonly ObservedConnection[];
  readonly verdicts: ReadonlyMap<string, SideStanding>;
  readonly drifts: readonly WatchedDrift[];
  readonly guards: readonly GuardStanding[];
  readonly thresholds: readonly JudgedThreshold[];
  readonly readiness: Readiness;
  readonly seconds: number;
  readonly achievedRate: (scenario: number) => number | null;
}

export function statusOf(sources: StatusSources): Status {
  const { subject, ledger, observed, seconds, drifts, guards, readiness } = sources;
  const { balanced, total, tasks, slos } = ledgerReport(ledger, subject);
  const hasUsers = haveUsers(subject);
  return {
    version: subject.version,
    commit: subject.commit,
    configHash: subject.configHash,
    seconds,
    ...readiness,
    generator: {
      isSaturated:
        ledger.engine("saturatedDispatchLag") === 1 || ledger.engine("saturatedEventLoop") === 1,
      eventLoopUtilization: ledger.engine("eventLoopUtilization"),
    },
    scenarios: Object.fromEntries(
      subject.scenarios.map(({ name }, index) => [
        name,
        scenarioOf(index, hasUsers[index]!, sources),
      ]),
    ),
    balanced,
    total,
    tasks: Object.fromEntries(
      [...entriesByTask(subject)].map(([task, entries]) => {
        const { publishing, inFlight } = summarize(ledger, entries);
        const { side, evidence } = sources.verdicts.get(task)!;
        const text = evidence === null ? "" : evidenceText(side, evidence);
        const verdict = { side, evidence, text };
        return [task, { ...tasks[task]!, publishing, inFlight, verdict }];
      }),
    ),
    slos,
    thresholds: thresholdReports(sources.thresholds, subject),
    connections: Object.fromEntries(
      observed.map((connection, index) => [
        connection.name,
        connectionOf(connection, index, ledger),
      ]),
    ),
    drift: drifts,
    guards: Object.fromEntries(guards.map(({ name, ...guard }) => [name, guard])),
  };
}

function scenarioOf(
  index: number,
  hasUsers: boolean,
  { subject, ledger, achievedRate }: StatusSources,
): ScenarioStatus {
  const state = ledger.scenarioState(index);
  const number = ledger.scenario(index, "stage");
  const stage = subject.scenarios[index]!.stages[number];
  // In a pause it stays where it is.
  const hasPlan = ledger.scenario(index, "startedAt") > 0;
  const isActive = state === "warming" || state === "running" || (state === "paused" && hasPlan);
  return {
    state,
    stage:
      isActive && stage !== undefined
        ? {
            number: number + 1,
            name: stage.name,
            kind: stage.kind,
            remainingSeconds: finite(ledger.scenario(index, "stageRemainingSeconds")),
          }
        : null,
    targetRate: finite(ledger.scenario(index, "targetRate")),
    users: hasUsers ? ledger.scenario(index, "users") : null,
    achievedRate: achievedRate(index),
  };
}

/** `index` is that of the connection in the ledger. */
function connectionOf(
  { events, backendMemoryBytes, unacked, unexplainedTasks, queues, workers }: ObservedConnection,
  index: number,
  ledger: LedgerView,
): ConnectionStatus {
  const isUp = (role: "broker" | "backend") => ledger.connection(index, `${role}Up`) === 1;
  return {
    broker: {
      isUp: isUp("broker"),
      isBlocked: ledger.connection(index, "brokerBlocked") === 1,
      reconnects: ledger.connection(index, "brokerReconnects"),
    },
    backend: { isUp: isUp("backend"), reconnects: ledger.connection(index, "backendReconnects") },
    events,
    backendMemoryBytes,
    unacked,
    unexplainedTasks,
    queues,
    workers,
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
