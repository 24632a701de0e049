import { DROP_COUNTERS, PUBLISH_FAILURE_COUNTERS } from "../ledger/balance.js";
import { quantileMs } from "../ledger/histogram.js";
import type { StageCounter } from "../ledger/stage-rows.js";
import { entriesByTask, msText, summarize } from "../readings/summary.js";
import { type Column, tableLines } from "../terminal/table.js";
import { printable, shortened, wrapped } from "../terminal/text.js";
import { evidenceText } from "./bottleneck-text.js";
import type { EndedRun, EndReport } from "./end-report.js";
import { scriptLines } from "./script-report.js";
import { sloLines } from "./slo-report.js";
import type { StageSummary } from "./stage-report.js";
import { thresholdLines } from "./threshold-report.js";

/** What a row of a table counts. */
interface Row {
  readonly counters: Readonly<Record<StageCounter, number>>;
  readonly latencies: Float64Array;
  /** Neither is left when a run has ended in order. */
  readonly publishing: number;
  readonly inFlight: number;
}

/** The report as people read it, in lines of at most `width` columns; Infinity where there is no terminal. */
export function reportText(run: EndedRun, report: EndReport, width: number): string {
  const sections = [
    headLines(report),
    taskLines(run, width),
    stageLines(run.stages, width),
    headed("closed loops", usersLines(report)),
    headed("scripts", scriptLines(report.scripts).map(printable)),
    headed("data", dataLines(report)),
    headed("errors", errorLines(report, width)),
    headed("SLOs", sloLines(report.slos)),
    headed("thresholds", thresholdLines(report.thresholds)),
    headed("slow side", bottleneckLines(report, width)),
    report.withoutSuccess.map(printable),
  ];
  return sections.flatMap((lines) => lines.flatMap((line) => wrapped(line, width, 4))).join("\n");
}

function headLines(report: EndReport): string[] {
  const { seconds, total, saturatedSeconds } = report;
  const secondsOf = new Map<string, number>();
  for (const { scenario, seconds } of report.stages) {
    secondsOf.set(scenario, (secondsOf.get(scenario) ?? 0) + seconds);
  }
  const plannedSeconds = Math.max(...secondsOf.values());
  const rates =
    plannedSeconds > 0
      ? `, ${rateText(total.planned / plannedSeconds)} planned, ${rateText(total.published / plannedSeconds)} published`
      : "";
  return [
    `Ran for ${seconds.toFixed(1)} s${rates}.`,
    ...(saturatedSeconds > 0
      ? [
          `This daemon was saturated for ${saturatedSeconds.toFixed(0)} s: latencies of that time are its own in part.`,
        ]
      : []),
  ];
}

function taskLines({ ledger, subject }: EndedRun, width: number): string[] {
  const byTask = entriesByTask(subject);
  const entries = [...byTask.values()];
  const names = [...byTask.keys()];
  if (byTask.size > 1) {
    names.push("all");
    entries.push([...subject.entries.keys()]);
  }
  const rows = entries.map((each) => summarize(ledger, each));
  return tableLines({ title: "task", names, groups: countGroups(rows) }, width);
}

/** A single stage is all of the run. Those that were not reached have nothing to show. */
function stageLines(stages: readonly StageSummary[], width: number): string[] {
  if (stages.length < 2) return [];
  const reached = stages.filter(({ seconds, counters }) => seconds > 0 || counters.planned > 0);
  const isOne = new Set(stages.map(({ scenario }) => scenario)).size === 1;
  const names = reached.map(
    ({ scenario, number, name }) => `${isOne ? "" : `${scenario} `}${number}: ${name}`,
  );
  const rate = (stage: StageSummary, counter: StageCounter) =>
    stage.seconds > 0 ? rateText(stage.counters[counter] / stage.seconds) : "-";
  const time: Column[] = [
    { title: "time", cells: reached.map(({ seconds }) => `${Number(seconds.toFixed(1))} s`) },
    { title: "rate", cells: reached.map((stage) => rate(stage, "planned")) },
    { title: "achieved", cells: reached.map((stage) => rate(stage, "published")) },
  ];
  const rows = reached.map((stage) => ({ ...stage, publishing: 0, inFlight: 0 }));
  const missing =
    stages.reduce((sum, { stages: count }) => sum + count, 0) -
    reached.reduce((sum, { stages: count }) => sum + count, 0);
  return [
    "",
    ...tableLines({ title: "stage", names, groups: [time, ...countGroups(rows)] }, width),
    ...(missing > 0
      ? [`${missing} ${missing === 1 ? "stage was" : "stages were"} not reached.`]
      : []),
    "",
  ];
}

/**
 * Each group of counts is one equation: planned is the sum of published and what follows it, and published that of
 * the next group. What is 0 in all rows and need not be there is left out.
 */
function countGroups(rows: readonly Row[]): Column[][] {
  const column = (title: string, read: (row: Row) => number): Column[] => [
    { title, cells: rows.map((row) => String(read(row))) },
  ];
  const ifAny = (title: string, read: (row: Row) => number) =>
    rows.some((row) => read(row) > 0) ? column(title, read) : [];
  const sum = (names: readonly StageCounter[]) => (row: Row) =>
    names.reduce((total, name) => total + row.counters[name], 0);
  const quantile = (title: string, q: number): Column => ({
    title,
    cells: rows.map(({ latencies }) => msText(quantileMs(latencies, q))),
  });
  return [
    [
      ...column("planned", sum(["planned"])),
      ...column("published", sum(["published"])),
      ...ifAny("dropped", sum(DROP_COUNTERS)),
      ...ifAny("refused", sum(PUBLISH_FAILURE_COUNTERS)),
      ...ifAny("publishing", ({ publishing }) => publishing),
    ],
    [
      ...column("succeeded", sum(["succeeded"])),
      ...column("failed", sum(["failed"])),
      ...ifAny("revoked", sum(["revoked"])),
      ...ifAny("timed out", sum(["timedOut"])),
      ...ifAny("unknown", sum(["unknown"])),
      ...ifAny("in flight", ({ inFlight }) => inFlight),
    ],
    [quantile("p50", 0.5), quantile("p95", 0.95), quantile("p99", 0.99)],
  ];
}

function errorLines({ tasks }: EndReport, width: number): string[] {
  return Object.entries(tasks).flatMap(([task, { errors, dropped, publishFailures }]) => {
    const lines = (counts: Readonly<Record<string, number>>, what: string) =>
      Object.entries(counts)
        .filter(([, count]) => count > 0)
        .map(([name, count]) => `  ${nameOf(task, width)}: ${what}${printable(name)} × ${count}`);
    return [
      ...lines(errors, ""),
      ...lines(publishFailures, "refused, "),
      ...lines(dropped, "dropped, "),
    ];
  });
}

/** What a closed loop hides, beside what it shows. */
function usersLines({ users }: EndReport): string[] {
  return Object.entries(users).map(([scenario, { measured, compensated }]) => {
    const texts = (["p50", "p95", "p99"] as const).map((quantile) => {
      const [own, kept] = [measured[quantile], compensated[quantile]].map((seconds) =>
        msText(seconds === null ? Number.NaN : seconds * 1000),
      );
      return `${quantile} ${own} (${kept})`;
    });
    return `  ${scenario}: users who wait slow down with the workers; in brackets as if each had kept its pace: ${texts.join(", ")}`;
  });
}

function dataLines({ data }: EndReport): string[] {
  return Object.entries(data).map(([name, { rows, used, skipped, ended }]) => {
    const missed = skipped > 0 ? `, ${skipped} skipped with starts that were dropped` : "";
    const end = ended.length > 0 ? `; with the last row ended ${ended.join(", ")}` : "";
    return `  ${name}: ${used} rows used of ${rows}${missed}${end}`;
  });
}

/** Of tasks that a side has made slow for a while. */
function bottleneckLines({ tasks }: EndReport, width: number): string[] {
  return Object.entries(tasks).flatMap(([task, { bottleneck }]) => {
    const { side, evidence, secondsBySide } = bottleneck;
    const slow = Object.entries(secondsBySide).filter(([name]) => name !== "none");
    if (slow.length === 0) return [];
    const times = slow.map(([name, seconds]) => `${name} for ${seconds.toFixed(0)} s`).join(", ");
    const why =
      evidence === null || side === "none" ? "" : `; at last ${evidenceText(side, evidence)}`;
    return [`  ${nameOf(task, width)}: ${times}${why}`];
  });
}

/** Something is to be said of it in the same line. */
function nameOf(task: string, width: number): string {
  return shortened(printable(task), Math.floor(width / 2));
}

function headed(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines];
}

/** To four digits: a rate that was held is not 19.999999. */
function rateText(perSecond: number): string {
  return `${Number(perSecond.toPrecision(4))}/s`;
}
