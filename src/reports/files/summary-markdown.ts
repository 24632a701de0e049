import { titleOf } from "./judgements.js";
import { poolText } from "./junit.js";
import { numberText } from "./numbers.js";
import type { RunReport } from "./report-schema.js";

type Judged = RunReport["judgements"][number];
type Task = RunReport["ledger"]["tasks"][string];

/** Of so many tasks more is said, those that did worst. */
const MOST_TASKS = 3;
const MOST_REASONS = 5;
const ICONS = { met: "✅", missed: "❌", inconclusive: "⚠️" } as const;
const WORDS = { met: "Met", missed: "Missed", inconclusive: "Inconclusive" } as const;

/** A report for a pull request: the verdict first, one table, and the tasks that did worst. */
export function summaryMarkdown(report: RunReport): string {
  const { verdict, judgements, run, ledger } = report;
  const { total } = ledger;
  const shown = judgements.filter(
    ({ kind, verdict }) => kind === "slo" || kind === "threshold" || verdict !== "met",
  );
  const hidden = judgements.length - shown.length;
  return `${[
    `## ${ICONS[verdict.verdict]} ${WORDS[verdict.verdict]}: load test with celery-load`,
    "",
    ...reasons(verdict.reasons),
    ...(shown.length > 0 ? [...table(shown), ""] : []),
    ...(hidden > 0 ? [`${hidden} further checks (ledger, answers, guards) are met.`, ""] : []),
    `Ran for ${Number(run.seconds.toFixed(1))} s: ${total.planned} tasks planned, ${total.published} published, ${total.outcomes.succeeded} succeeded.${saturated(run.saturatedSeconds)}`,
    "",
    ...worst(ledger.tasks),
    ...environment(report),
  ].join("\n")}\n`;
}

function reasons(all: readonly string[]): string[] {
  if (all.length === 0) return [];
  const more = all.length - MOST_REASONS;
  return [
    ...all.slice(0, MOST_REASONS).map((reason) => `- ${escaped(reason)}`),
    ...(more > 0 ? [`- and ${more} more`] : []),
    "",
  ];
}

function table(judgements: readonly Judged[]): string[] {
  const rows = judgements.map((each) => {
    const { verdict, value, limit, unit, n } = each;
    const number = (of: number | null) => (of === null ? "–" : numberText(of, unit));
    return `| ${ICONS[verdict]} ${verdict} | ${escaped(titleOf(each))} | ${number(value)} | ${number(limit)} | ${n} |`;
  });
  return ["| verdict | what | value | limit | n |", "|---|---|--:|--:|--:|", ...rows];
}

function saturated(seconds: number): string {
  if (seconds === 0) return "";
  return ` The load generator itself was the bottleneck for ${Number(seconds.toFixed(1))} s, of which nothing is judged.`;
}

/** By the share that did not succeed, then by the slowest. */
function worst(tasks: RunReport["ledger"]["tasks"]): string[] {
  const all = Object.entries(tasks).sort(
    ([, a], [, b]) => lost(b) - lost(a) || (p95(b) ?? 0) - (p95(a) ?? 0),
  );
  const title =
    all.length > MOST_TASKS ? `The ${MOST_TASKS} worst of ${all.length} tasks` : "Tasks";
  return [
    `${title}:`,
    ...all.slice(0, MOST_TASKS).map(([name, task]) => `- ${escaped(name)}: ${taskText(task)}`),
    "",
  ];
}

function taskText(task: Task): string {
  const { planned, outcomes, latencySeconds, phases, bottleneck } = task;
  const times = (["p50", "p95", "p99"] as const).flatMap((name) => {
    const seconds = latencySeconds[name];
    return seconds === null ? [] : [`${name} ${numberText(seconds, "seconds")}`];
  });
  const [slowest] = Object.entries(phases)
    .filter(([, { p95 }]) => p95 !== null)
    .sort(([, a], [, b]) => b.p95! - a.p95!);
  const most =
    slowest === undefined
      ? []
      : [`most of it in ${slowest[0]} (p95 ${numberText(slowest[1].p95!, "seconds")})`];
  const slow = Object.entries(bottleneck.secondsBySide).filter(([side]) => side !== "none");
  return [
    `${outcomes.succeeded} of ${planned} succeeded`,
    ...times,
    ...most,
    ...slow.map(([side, seconds]) => `${side.replaceAll("_", " ")} for ${seconds!.toFixed(0)} s`),
  ].join(", ");
}

function lost({ planned, outcomes }: Task): number {
  return planned === 0 ? 0 : 1 - outcomes.succeeded! / planned;
}

function p95({ latencySeconds }: Task): number | null {
  return latencySeconds.p95;
}

function environment({ environment, run }: RunReport): string[] {
  const { daemon, connections, configuration } = environment;
  const places = Object.entries(connections).map(([name, { server, pools }]) => {
    const broker = server === null ? "broker unknown" : `${server.product} ${server.version}`;
    return `${name}: ${broker}, ${pools.map(poolText).join("; ") || "workers unknown"}`;
  });
  const parts = [
    `celery-load ${daemon.version}`,
    ...places,
    `configuration ${configuration.hash}`,
    `run ${run.id}`,
  ];
  return [`<sub>${escaped(parts.join(" · "))}</sub>`];
}

/** In one line of Markdown, with nothing in it that means anything there. */
function escaped(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replace(/[\\`*_[\]|~#@$]/g, "\\$&");
}
