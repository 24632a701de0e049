import type { Side } from "../diagnosis/bottleneck.js";
import type { Standing } from "../diagnosis/bottleneck-watch.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";
import { entriesByTask } from "../readings/summary.js";
import { type PhaseReport, phaseReports } from "./phase-report.js";
import {
  type StageReport,
  type StageSummary,
  stageReport,
  summarizeStages,
} from "./stage-report.js";
import { type LedgerReport, ledgerReport, type TaskReport } from "./task-report.js";
import { type NotSentReasons, withoutSuccess } from "./without-success.js";

/** What a run did, as `--json` prints it; docs/operations.md is its reference. */
export interface EndReport extends LedgerReport {
  readonly version: string;
  readonly commit: string;
  readonly configHash: string;
  /** RFC 3339, UTC: when the plan began, and when the last task had ended. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly seconds: number;
  readonly stoppedBySignal: boolean;
  /** For how long this daemon was itself the bottleneck. */
  readonly saturatedSeconds: number;
  readonly tasks: Readonly<Record<string, EndedTaskReport>>;
  readonly stages: readonly StageReport[];
  /** Of what nothing has succeeded, and why: a sentence each. */
  readonly withoutSuccess: readonly string[];
}

export interface EndedTaskReport extends TaskReport {
  readonly phases: Readonly<Record<string, PhaseReport>>;
  readonly bottleneck: BottleneckReport;
}

/** The verdict that stood at the end, and for how many seconds each one stood. */
export interface BottleneckReport extends Standing {
  readonly secondsBySide: Partial<Readonly<Record<Side, number>>>;
}

/** What is known of a run that has ended. */
export interface EndedRun {
  readonly ledger: LedgerView;
  /** The counts by stage, of all threads. */
  readonly stageCells: Float64Array;
  readonly subject: Subject;
  readonly startedUnixMs: number;
  readonly seconds: number;
  readonly stoppedBySignal: boolean;
  /** By task. */
  readonly bottleneckOf: (task: string) => BottleneckReport;
  readonly reasons: NotSentReasons;
}

export function endReport(run: EndedRun): EndReport {
  const { ledger, subject, seconds, startedUnixMs, stoppedBySignal } = run;
  const { tasks, ...report } = ledgerReport(ledger, subject);
  const { version, commit, configHash } = subject;
  return {
    version,
    commit,
    configHash,
    startedAt: new Date(startedUnixMs).toISOString(),
    endedAt: new Date(startedUnixMs + seconds * 1000).toISOString(),
    seconds,
    stoppedBySignal,
    saturatedSeconds: ledger.engine("saturatedSeconds"),
    ...report,
    tasks: Object.fromEntries(
      [...entriesByTask(subject)].map(([task, entries]) => [
        task,
        {
          ...tasks[task]!,
          phases: phaseReports(ledger, entries),
          bottleneck: run.bottleneckOf(task),
        },
      ]),
    ),
    stages: stagesOf(run).map(stageReport),
    withoutSuccess: withoutSuccess({ ...report, tasks }, subject, run.reasons, stoppedBySignal),
  };
}

export function stagesOf({ stageCells, ledger, subject }: EndedRun): StageSummary[] {
  return summarizeStages(stageCells, ledger, subject);
}
