import type { JudgedThreshold } from "../../../../src/diagnosis/threshold-watch.js";
import { Blocks } from "../../../../src/history/blocks.js";
import { Timeline } from "../../../../src/history/timeline.js";
import { endReport } from "../../../../src/reports/end-report.js";
import type { RunReport } from "../../../../src/reports/files/report-schema.js";
import { type RunReportSources, runReport } from "../../../../src/reports/files/run-report.js";
import { OBSERVED } from "../../exposition/observed.js";
import { Run } from "../../history/run.js";

/** A threshold that is judged already. */
export function threshold(
  text: string,
  { verdict, reason, value, n }: Pick<JudgedThreshold, "verdict" | "reason" | "value" | "n">,
): JudgedThreshold {
  return {
    plan: {
      ...{ text, measure: { kind: "failed" }, comparison: "<", limit: 0.01 },
      ...{ abort: false, afterMs: 0, entries: [0], scenarios: [0] },
    },
    ...{ verdict, reason, value, n, seconds: 10 },
  };
}

/** The report of a run of ten seconds in which each of these tasks succeeded a hundred times. */
export function reportOf(
  tasks: readonly string[] = ["app.a"],
  {
    thresholds = [],
    stoppedBySignal = false,
    checks = null,
    ...more
  }: Partial<RunReportSources> & {
    readonly thresholds?: readonly JudgedThreshold[];
    readonly stoppedBySignal?: boolean;
    /** How often each check of a script has passed and failed. */
    readonly checks?: Readonly<Record<string, { passed: number; failed: number }>> | null;
  } = {},
): RunReport {
  const run = new Run(tasks);
  const [timeline, blocks] = [new Timeline(run.moment.nowMs), new Blocks(run.moment.nowMs)];
  for (const entry of tasks.keys()) {
    run.count(entry, "planned", 100);
    run.count(entry, "published", 100);
    run.end(entry, 100, 10 * (entry + 1));
    run.phase(entry, "run", 100, 5 * (entry + 1));
  }
  run.wait(10);
  timeline.look(run.reading, run.moment);
  timeline.close();
  blocks.look(run.ledger, run.subject, run.moment);
  const { ledger } = run;
  const scenario = run.subject.scenarios[0]!.name;
  const modules = checks === null ? [] : [{ file: "shopper.mjs", scripts: [scenario] }];
  const subject = { ...run.subject, modules };
  const counts = { succeeded: 7, failed: 1, checks: new Map(Object.entries(checks ?? {})) };
  const report = endReport({
    ...{ ledger, subject, thresholds, stages: [], stoppedBySignal, seconds: 10 },
    scripts: { scenarios: new Map([[scenario, counts]]), modules: new Map() },
    startedUnixMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    bottleneckOf: () => ({ side: "none", evidence: null, secondsBySide: { code: 4 } }),
    reasons: { refused: new Map(), invalid: null, notConnected: null },
  });
  return runReport({
    ...{ report, ledger, subject, live: ledger, blocks, timeline: timeline.answer() },
    ...{ id: "20260102t030405z-abcdef", endedBy: "plan", segment: "1/1", threads: 1 },
    ...{ guards: [], guardScenarios: new Map(), expecting: new Set(), isBounded: true },
    ...{ marks: [], observed: [OBSERVED], configuration: "tasks: …" },
    ...more,
  });
}
