import type { GuardStanding } from "../../guards/guard-watch.js";
import { WRONG_ANSWER } from "../../readings/label-values.js";
import type { LedgerView } from "../../readings/ledger-view.js";
import type { Subject } from "../../readings/subject.js";
import { errorsOf } from "../../readings/summary.js";
import type { Verdict } from "../../slo/verdict.js";
import { evidenceText } from "../bottleneck-text.js";
import type { EndReport } from "../end-report.js";
import { isBalanced, reportOf } from "../task-report.js";

/** One thing that a run is held against: a case of JUnit, a row of the summary. */
export interface Judgement {
  readonly kind: "slo" | "threshold" | "check" | "guard" | "ledger";
  readonly name: string;
  /** null: it is about several. */
  readonly scenario: string | null;
  readonly verdict: Verdict;
  /** In words. */
  readonly reason: string;
  /** What was measured, and what it is held against, in the unit; null: there is none. */
  readonly value: number | null;
  readonly limit: number | null;
  readonly unit: "seconds" | "ratio" | "per_second" | "count" | null;
  /** Of how many tasks, or events. */
  readonly n: number;
  /** How long it was observed. */
  readonly seconds: number;
  /** What else speaks for it: a sentence each. */
  readonly evidence: readonly string[];
}

export interface JudgedRun {
  readonly report: EndReport;
  readonly ledger: LedgerView;
  readonly subject: Subject;
  readonly guards: readonly GuardStanding[];
  /** The scenarios that each guard may hold back, by its name. */
  readonly guardScenarios: ReadonlyMap<string, readonly string[]>;
  /** Entries whose tasks must return something. */
  readonly expecting: ReadonlySet<number>;
  /** It was to end by itself. */
  readonly isBounded: boolean;
}

/** The worst of them, and why: what a run comes to. */
export interface RunVerdict {
  readonly verdict: Verdict;
  /** A sentence for each that is not met, those that are missed first. */
  readonly reasons: readonly string[];
}

/** Everything that a run is held against, by kind, in the order of the configuration. */
export function judgementsOf(run: JudgedRun): Judgement[] {
  return [
    ...sloJudgements(run),
    ...thresholdJudgements(run),
    ...run.subject.scenarios.flatMap((_, scenario) => checkJudgements(run, scenario)),
    ...scriptJudgements(run),
    ...guardJudgements(run),
    ...ledgerJudgements(run),
  ];
}

/** Missed when one is; inconclusive when one is, or when a run was stopped before its end. */
export function verdictOfRun(
  judgements: readonly Judgement[],
  { stoppedBySignal }: EndReport,
  isBounded: boolean,
): RunVerdict {
  const sentences = (verdict: Verdict) =>
    judgements
      .filter((each) => each.verdict === verdict)
      .map((each) => `${titleOf(each)}: ${each.reason}`);
  const missed = sentences("missed");
  const inconclusive = sentences("inconclusive");
  if (stoppedBySignal && isBounded) {
    inconclusive.unshift("The run was stopped by a signal before its end");
  }
  const verdict = missed.length > 0 ? "missed" : inconclusive.length > 0 ? "inconclusive" : "met";
  return { verdict, reasons: [...missed, ...inconclusive] };
}

/** `SLO resize-latency`, `threshold p95(all) < 800ms`. */
export function titleOf({ kind, name }: Judgement): string {
  return `${kind === "slo" ? "SLO" : kind} ${name}`;
}

function sloJudgements({ report, subject }: JudgedRun): Judgement[] {
  return subject.slos.map(({ name, rows }) => {
    const { verdict, reason, events, bad, objective, excluded } = report.slos[name]!;
    const own = rows.map(({ entry }) => subject.entries[entry]!);
    const left = Object.entries(excluded).filter(([, count]) => count > 0);
    return {
      ...{ kind: "slo", name, verdict, reason, seconds: report.seconds },
      scenario: onlyOne(own.map(({ scenario }) => subject.scenarios[scenario]!.name)),
      value: events === 0 ? null : bad / events,
      limit: Number((1 - objective).toPrecision(12)),
      unit: "ratio",
      n: events,
      evidence: [
        `${bad} of ${events} events are bad`,
        ...left.map(([why, count]) => `${count} events are excluded: ${why}`),
        ...slowSides(
          report,
          own.map(({ task }) => task),
        ),
      ],
    };
  });
}

function thresholdJudgements({ report, subject }: JudgedRun): Judgement[] {
  return report.thresholds.map((each) => {
    const { threshold, verdict, reason, value, limit, unit, n, scenarios } = each;
    const own = subject.entries.filter(({ scenario }) =>
      scenarios.includes(subject.scenarios[scenario]!.name),
    );
    const evidence = slowSides(
      report,
      own.map(({ task }) => task),
    );
    return {
      ...{ kind: "threshold", name: threshold, scenario: onlyOne(scenarios), verdict, reason },
      ...{ value, limit, unit, n, seconds: report.seconds, evidence },
    };
  });
}

/** That a task succeeds at all, and returns what it is to return. */
function checkJudgements(run: JudgedRun, scenario: number): Judgement[] {
  const { report, ledger, subject, expecting } = run;
  const { name } = subject.scenarios[scenario]!;
  const byTask = new Map<string, number[]>();
  for (const [entry, { scenario: of, task }] of subject.entries.entries()) {
    if (of === scenario) byTask.set(task, [...(byTask.get(task) ?? []), entry]);
  }
  return [...byTask].flatMap(([task, entries]) => {
    const { planned, outcomes } = reportOf(ledger, subject, entries);
    const succeeded = outcomes.succeeded!;
    const common = {
      kind: "check",
      scenario: name,
      unit: "count",
      seconds: report.seconds,
    } as const;
    const verdict =
      succeeded > 0 ? "met" : planned === 0 || report.stoppedBySignal ? "inconclusive" : "missed";
    const success: Judgement = {
      ...{ ...common, name: `${task} succeeds`, verdict },
      reason: `${succeeded} of ${planned} starts succeeded`,
      ...{ value: succeeded, limit: null, n: planned },
      evidence: succeeded > 0 ? [] : report.withoutSuccess,
    };
    const asked = entries.filter((entry) => expecting.has(entry));
    if (asked.length === 0) return [success];
    const wrong = new Map(errorsOf(ledger, subject, asked)).get(WRONG_ANSWER) ?? 0;
    const answered = reportOf(ledger, subject, asked).outcomes.succeeded! + wrong;
    const answer: Judgement = {
      ...{ ...common, name: `${task} answers as expected` },
      verdict: wrong > 0 ? "missed" : answered === 0 ? "inconclusive" : "met",
      reason: `${wrong} of ${answered} answers are wrong`,
      ...{ value: wrong, limit: 0, n: answered, evidence: [] },
    };
    return [success, answer];
  });
}

/** What scripts have checked. */
function scriptJudgements({ report }: JudgedRun): Judgement[] {
  return Object.entries(report.scripts).flatMap(([scenario, { checks }]) =>
    Object.entries(checks).map(([name, { passed, failed }]): Judgement => {
      const n = passed + failed;
      return {
        ...{ kind: "check", name, scenario, verdict: failed > 0 ? "missed" : "met" },
        reason: `${failed} of ${n} failed`,
        ...{ value: failed, limit: 0, unit: "count", n, seconds: report.seconds, evidence: [] },
      };
    }),
  );
}

/** A guard that held the load back made another run of it; one that only warns did not. */
function guardJudgements({ report, guards, guardScenarios }: JudgedRun): Judgement[] {
  return guards.map((guard): Judgement => {
    const { name, watch, action, firedTotal, value, limit, subject } = guard;
    const times = `it fired ${firedTotal} ${firedTotal === 1 ? "time" : "times"}`;
    const only = firedTotal === 0 ? "it has not fired" : `${times} and only warns`;
    const isHeldBack = firedTotal > 0 && action !== "warn";
    const does = action === "stop" ? "stopped" : "held back";
    return {
      ...{ kind: "guard", name, scenario: onlyOne(guardScenarios.get(name) ?? []) },
      verdict: isHeldBack ? "inconclusive" : "met",
      reason: isHeldBack ? `${times} and ${does} the load` : only,
      ...{ value: firedTotal, limit: 0, unit: "count", n: firedTotal, seconds: report.seconds },
      evidence: [
        `watches ${watch} of ${subject}: ${value === null ? "not known" : value} at last, limit ${limit}`,
      ],
    };
  });
}

function ledgerJudgements({ report, ledger, subject }: JudgedRun): Judgement[] {
  return subject.scenarios.map(({ name }, scenario): Judgement => {
    const own = [...subject.entries.keys()].filter(
      (entry) => subject.entries[entry]!.scenario === scenario,
    );
    const { planned, published, outcomes } = reportOf(ledger, subject, own);
    const balanced = isBalanced(ledger, own);
    const ends = Object.entries(outcomes).map(([outcome, count]) => `${count} ${outcome}`);
    return {
      ...{ kind: "ledger", name: "every task is accounted for", scenario: name },
      verdict: balanced ? "met" : "missed",
      reason: balanced
        ? `${planned} planned, ${published} published`
        : "it does not add up: a defect of celery-load, please report it",
      ...{ value: null, limit: null, unit: null, n: planned, seconds: report.seconds },
      evidence: [`of ${published} published: ${ends.join(", ")}`],
    };
  });
}

/** What made these tasks slow, if anything did. */
function slowSides({ tasks }: EndReport, names: readonly string[]): string[] {
  return [...new Set(names)].flatMap((task) => {
    const { side, evidence, secondsBySide } = tasks[task]!.bottleneck;
    const slow = Object.entries(secondsBySide).filter(([name]) => name !== "none");
    if (slow.length === 0) return [];
    const times = slow.map(([name, seconds]) => `${name} for ${seconds.toFixed(0)} s`).join(", ");
    const why =
      evidence === null || side === "none" ? "" : `; at last ${evidenceText(side, evidence)}`;
    return [`slow side of ${task}: ${times}${why}`];
  });
}

function onlyOne(names: readonly string[]): string | null {
  const [first, second] = new Set(names);
  return second === undefined ? (first ?? null) : null;
}
