import type { MessagePort } from "node:worker_threads";
import type { NumberedReading } from "../celery/events/clock-reading.js";
import type { TaskReports } from "../celery/events/task-reports.js";
import type { WorkerClock } from "../celery/events/worker-clock.js";
import type { TaskOptions } from "../celery/messages/task-options.js";
import type { WorkflowMember } from "../celery/messages/workflow.js";
import type {
  BackendTransport,
  BrokerLoss,
  BrokerTransport,
  Client,
  ConnectionRole,
  RefusedOutcome,
} from "../connections/ports.js";
import type { DataSource } from "../data/data-source.js";
import type { Dimensions, ScenarioState } from "../ledger/layout.js";
import type { Arrival } from "../plan/arrival.js";
import type { Windows } from "../plan/clock/windows.js";
import type { Choose } from "../plan/mix.js";
import type { ProfileSpec } from "../plan/profile.js";
import type { Regime } from "../plan/regime.js";
import type { Share } from "../plan/share.js";
import type { CodeNews } from "../scripts/messages.js";
import type { ModulePlan } from "../scripts/module-plan.js";
import type { KnownException } from "./exception-rows.js";
import type { Beginning } from "./pacing.js";

/**
 * What crosses between the main thread and the engine's threads: plain data only. Everything that is counted
 * goes through the shared memory instead (`ledger/layout.ts`).
 *
 *     main ── EngineStart, then MainMessage ──> engine
 *     main <───────────── EngineMessage ─────────────── engine
 */

/** What a thread of the engine starts with. */
export interface EngineStart {
  readonly plan: EnginePlan;
  /** What it counts in. */
  readonly memory: SharedArrayBuffer;
  /** Where it counts starts by their stage (`ledger/stage-rows.ts`). */
  readonly stageMemory: SharedArrayBuffer;
  /** Which of the engine's threads it is: it does this share of the plan's segment. */
  readonly thread: Share;
  /** Exception classes that have a row from the start. */
  readonly exceptions: readonly KnownException[];
  /** Of the scenarios that have a lease, when they may start (`lease/lease-gate.ts`), by the plan's `lease`. */
  readonly gates: SharedArrayBuffer;
  /** What was started of this day's tasks before, of this thread's part. */
  readonly today: DayCount;
  /** The start that all its task ids share; a thread that is started again has another one. */
  readonly idPrefix: string;
}

/** The whole work of the engine. Indices refer to the arrays here; times are milliseconds. */
export interface EnginePlan {
  /** Of the memory of each thread. */
  readonly dimensions: Dimensions;
  /** The share of the plan that this daemon does; other daemons do the rest. */
  readonly segment: Share;
  readonly threads: number;
  readonly connections: readonly ConnectionPlan[];
  readonly scenarios: readonly ScenarioPlan[];
  /** What scenarios start, and behind that the members of workflows. */
  readonly entries: readonly EntryPlan[];
  readonly ceilings: CeilingsPlan;
  /** By their rows in the ledger. */
  readonly slos: readonly SloPlan[];
  /** Lines of the files that argument templates name. */
  readonly templateLines: Readonly<Record<string, readonly string[]>>;
  /** Starts in all after which the run ends by itself; null = no limit. */
  readonly countLimit: number | null;
  /** What tasks take rows of. */
  readonly data: readonly DataSource[];
  /** Code of the user's, each in a thread of its own beside each of the engine's. */
  readonly modules: readonly ModulePlan[];
  readonly seed: number;
  /** Starts wait for the next multiple of this; null: each has its own time. */
  readonly tickMs: number | null;
}

export interface ConnectionPlan {
  readonly name: string;
  readonly broker: string;
  readonly backend: string;
  /** Remove the stored results of tasks that have ended. */
  readonly forget: boolean;
  readonly client: Client;
  readonly transport: BrokerTransport;
  readonly backendTransport: BackendTransport;
  readonly sendTaskSentEvents: boolean;
}

export interface ScenarioPlan {
  readonly name: string;
  readonly connection: number;
  readonly profile: ProfileSpec;
  readonly arrival: Arrival;
  readonly choose: Choose;
  /** Indices into `entries` and their weights. */
  readonly entries: readonly number[];
  readonly weights: readonly number[];
  readonly startAfterMs: number;
  readonly warmupMs: number;
  /** When it ends in its own time, which pauses stop; Infinity = never. */
  readonly endMs: number;
  /** When it may start anything, by the clock on the wall; null: always. */
  readonly windows: Windows | null;
  /** When it ends after the run began, however long it was paused; Infinity = never. */
  readonly untilMs: number;
  readonly maxInFlight: number;
  readonly gracefulStopMs: number;
  /** Number of its lease; null: it has none. */
  readonly lease: number | null;
  /** Index into the plan's modules: what its users do; null: each starts a task of the mix. */
  readonly script: number | null;
}

/** What no scenario and no order may pass, all scenarios and threads together; null: no limit. */
export interface CeilingsPlan {
  readonly maxInFlight: number | null;
  /** Of UTC. */
  readonly tasksPerDay: number | null;
}

/** Starts of one day of UTC, counted in days since 1970. */
export interface DayCount {
  readonly day: number;
  readonly starts: number;
}

/**
 * A task in a scenario's mix, or a member of such a one that is a workflow; its options as in the
 * configuration. A workflow has the options of its first member and a name of its own.
 */
export interface EntryPlan extends TaskOptions {
  readonly scenario: number;
  readonly connection: number;
  /** Where its compensated latencies are counted, when users start it; else null. */
  readonly userRow: number | null;
  readonly timeoutMs: number;
  readonly errbacks: readonly WorkflowMember[];
  /** What it must return; without it any success will do. */
  readonly expect?: Expectation | undefined;
  /** Its members; null for a single task. */
  readonly workflow: WorkflowPlan | null;
  /** The entry of the workflow that it belongs to; null for what the plan starts. */
  readonly memberOf: number | null;
  /** Index into the plan's data: of that a start takes a row; null: of none. */
  readonly data: number | null;
  /** Index into the plan's modules: it makes the arguments; null: they are those here. */
  readonly payload: number | null;
  /** A script starts it. */
  readonly isScripted: boolean;
}

/** What a successful task must return, as JSON has it. */
export interface Expectation {
  readonly result: unknown;
}

/** What an SLO asks of the starts of one entry. */
export interface SloPlan {
  readonly entry: number;
  /** Longest time from planned start to result; null: only the outcome counts. */
  readonly latencyMs: number | null;
}

/** As `celery/messages/workflow.ts Workflow`, with the entries that count for each member. */
export interface WorkflowPlan {
  readonly stages: readonly (readonly MemberPlan[])[];
  readonly callbacks: readonly MemberPlan[];
}

export interface MemberPlan {
  /** Index into `entries`. */
  readonly entry: number;
  readonly isImmutable: boolean;
}

/** What an order makes a scenario do. */
export type Control =
  /** Follow this from its beginning on; `isStart`: begin anew, after it was stopped or had ended. */
  | {
      readonly kind: "regime";
      readonly scenario: number;
      readonly regime: Regime;
      readonly isStart: boolean;
    }
  /** Have this part of the highest rate from an elapsed time on, whatever is ordered besides. */
  | {
      readonly kind: "feed";
      readonly scenario: number;
      readonly factor: number;
      readonly fromMs: number;
    }
  /** Pause as the regime says, drain and stop, until it is started. */
  | { readonly kind: "stop"; readonly scenario: number; readonly regime: Regime }
  /** The same for good, as another engine goes on from there; its tasks are awaited until their timeouts. */
  | { readonly kind: "retire"; readonly scenario: number; readonly regime: Regime };

/** `whole`: with the fine tables; `counts`: without; `scrape`: the same, and restarts what counts "since the last scrape". */
export type SnapshotKind = "whole" | "counts" | "scrape";

export type MainMessage =
  /** All threads have connected what the load needs, or waited for it: what it goes on without is connected now. */
  | { readonly type: "openOptional" }
  /** Elapsed time starts: `hrtimeMs` on the clock that threads share. Of each scenario, where it begins. */
  | {
      readonly type: "begin";
      readonly hrtimeMs: number;
      readonly beginnings: readonly Beginning[];
    }
  | { readonly type: "control"; readonly control: Control }
  /** A thread has been started that runs a module, in place of the one before. */
  | { readonly type: "code"; readonly module: number; readonly port: MessagePort }
  /** Copy the live half. */
  | { readonly type: "snapshot"; readonly id: number; readonly kind: SnapshotKind }
  /** Tell the ids of what is in flight. */
  | { readonly type: "listInFlight"; readonly id: number }
  /** Plan nothing more; wait for results as long as each scenario's graceful stop allows. */
  | { readonly type: "stop" }
  /** Stop at once: what is in flight ends as unknown. */
  | { readonly type: "abort" }
  /** What events of a connection's workers say of our tasks. */
  | {
      readonly type: "taskReports";
      readonly connection: number;
      readonly reports: TaskReports;
    }
  /** What the clocks of a connection's workers showed. */
  | {
      readonly type: "clockReadings";
      readonly connection: number;
      readonly readings: readonly NumberedReading[];
    };

/** Those of one type. */
export type MessageOf<Type extends EngineMessage["type"]> = Extract<EngineMessage, { type: Type }>;

export type EngineMessage =
  /** The plan may begin: all is connected, or was waited for long enough. */
  | { readonly type: "ready" }
  | { readonly type: "snapshot"; readonly id: number }
  /** By connection, the oldest first. */
  | {
      readonly type: "inFlight";
      readonly id: number;
      readonly ids: readonly (readonly string[])[];
    }
  | { readonly type: "scenario"; readonly scenario: number; readonly state: ScenarioState }
  | { readonly type: "stage"; readonly scenario: number; readonly stage: number }
  | {
      readonly type: "up";
      readonly connection: number;
      readonly role: ConnectionRole;
      /** How long it was away; null: it is up for the first time. */
      readonly downMs: number | null;
    }
  | {
      readonly type: "down";
      readonly connection: number;
      readonly role: ConnectionRole;
      readonly cause: string;
      /** Nothing but a change of configuration helps. */
      readonly isConfiguration: boolean;
    }
  | { readonly type: "recovered"; readonly connection: number; readonly count: number }
  | { readonly type: "forgetFailed"; readonly connection: number; readonly cause: string }
  | { readonly type: "lookUpFailed"; readonly connection: number; readonly cause: string }
  | {
      readonly type: "dataLost";
      readonly connection: number;
      readonly evidence: BrokerLoss;
      readonly inFlight: number;
    }
  | { readonly type: "blocked"; readonly connection: number; readonly isBlocked: boolean }
  | { readonly type: "repliesLost"; readonly connection: number }
  | { readonly type: "sentEventsLost"; readonly connection: number; readonly cause: string }
  /** The broker said no to a message of this entry, in its own words; a second line says what to do. */
  | {
      readonly type: "refused";
      readonly entry: number;
      readonly outcome: RefusedOutcome;
      readonly reason: string;
    }
  | { readonly type: "invalid"; readonly entry: number; readonly reason: string }
  | { readonly type: "malformed"; readonly entry: number; readonly cause: string }
  /** A new exception class got a row of the shared memory. */
  | {
      readonly type: "exception";
      readonly row: number;
      readonly entry: number;
      readonly name: string;
    }
  | {
      readonly type: "workerClocks";
      readonly connection: number;
      readonly clocks: readonly WorkerClock[];
    }
  | { readonly type: "clockStep"; readonly stepMs: number }
  /** What a library, or Node itself, would have written to the console. */
  | { readonly type: "library"; readonly line: string }
  /** What a thread with the user's code says, or who watches it. */
  | { readonly type: "codeNews"; readonly module: number; readonly news: CodeNews }
  /** Every scenario has stopped; the live half is final. */
  | { readonly type: "ended" };
