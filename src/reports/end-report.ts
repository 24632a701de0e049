import type { Side } from "../diagnosis/bottleneck.js";
import type { SideStanding } from "../diagnosis/bottleneck-watch.js";
import type { JudgedThreshold } from "../diagnosis/threshold-watch.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { ScriptReading } from "../readings/script-reading.js";
import type { Subject } from "../readings/subject.js";
import { entriesByTask } from "../readings/summary.js";
import { type PhaseReport, phaseReports } from "./phase-report.js";
import { type ScriptReport, scriptReports } from "./script-report.js";
import { type StageReport, type StageSummary, stageReport } from "./stage-report.js";
import { type LedgerReport, ledgerReport, type TaskReport } from "./task-report.js";
import { type ThresholdReport, thresholdReports } from "./threshold-report.js";
import { type UsersReport, usersReports } from "./users-report.js";
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
  /** In the order of the configuration. */
  readonly thresholds: readonly ThresholdReport[];
  readonly stages: readonly StageReport[];
  /** Of the scenarios whose users wait for their answer, by name. */
  readonly users: Readonly<Record<string, UsersReport>>;
  /** What users did in scripts, by the names of their scenarios. */
  readonly scripts: Readonly<Record<string, ScriptReport>>;
  /** What there was of rows, by name. */
  readonly data: Readonly<Record<string, DataReport>>;
  /** Of what nothing has succeeded, and why: a sentence each. */
  readonly withoutSuccess: readonly string[];
}

/** Rows of a file, and how often one was used, or skipped as its start was dropped. */
export interface DataReport {
  readonly rows: number;
  readonly used: number;
  readonly skipped: number;
  /** Scenarios that have ended as every row had been taken. */
  readonly ended: readonly string[];
}

export interface EndedTaskReport extends TaskReport {
  readonly phases: Readonly<Record<string, PhaseReport>>;
  readonly bottleneck: BottleneckReport;
}

/** The verdict that stood at the end, and for how many seconds each one stood. */
export interface BottleneckReport extends SideStanding {
  readonly secondsBySide: Partial<Readonly<Record<Side, number>>>;
}

/** What is known of a run that has ended. */
export interface EndedRun {
  readonly ledger: LedgerView;
  /** What was counted by stage, by all threads and under every plan. */
  readonly stages: readonly StageSummary[];
  readonly thresholds: readonly JudgedThreshold[];
  readonly scripts: ScriptReading;
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
    thresholds: thresholdReports(run.thresholds, subject),
    stages: run.stages.map(stageReport),
    users: usersReports(ledger, subject),
    scripts: scriptReports(run.scripts, subject),
    data: dataReports(run),
    withoutSuccess: withoutSuccess({ ...report, tasks }, subject, run.reasons, stoppedBySignal),
  };
}

function dataReports({ ledger, subject }: EndedRun): EndReport["data"] {
  const reports = subject.data.map(({ name, rows, endsScenarios }, index): [string, DataReport] => {
    const used = ledger.data(index, "used");
    const skipped = ledger.data(index, "skipped");
    const ended = used + skipped >= rows ? endsScenarios : [];
    return [name, { rows, used, skipped, ended }];
  });
  return Object.fromEntries(reports);
}
