import { SLO_EXCLUSIONS, sloCount } from "../exposition/slo-metrics.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";
import { type SloCounts, type Verdict, verdictOf } from "../slo/verdict.js";

/** What a run means for one SLO, as `--json` prints it. */
export interface SloReport extends SloCounts {
  /** Share of events that must be good. */
  readonly objective: number;
  readonly verdict: Verdict;
  /** The verdict's reason in words. */
  readonly reason: string;
}

/** By the names of the SLOs. */
export function sloReports(ledger: LedgerView, subject: Subject): Record<string, SloReport> {
  return Object.fromEntries(
    subject.slos.map(({ name, objectiveRatio, rows }) => {
      const all = rows.map(({ row }) => row);
      const counts: SloCounts = {
        events: sloCount(ledger, all, "events"),
        bad: sloCount(ledger, all, "bad"),
        excluded: Object.fromEntries(
          Object.entries(SLO_EXCLUSIONS).map(([reason, of]) => [reason, sloCount(ledger, all, of)]),
        ),
      };
      return [name, { objective: objectiveRatio, ...counts, ...verdictOf(counts, objectiveRatio) }];
    }),
  );
}

/** A line for each SLO, as a terminal shows it. */
export function sloLines(reports: Readonly<Record<string, SloReport>>): string[] {
  return Object.entries(reports).map(([name, { verdict, reason, events, bad, excluded }]) => {
    const reasons = Object.entries(excluded).filter(([, count]) => count > 0);
    const left = reasons.map(([why, count]) => `, ${count} excluded (${why})`).join("");
    return `  ${name}: ${verdict}, ${reason} (${events} events, ${bad} bad${left})`;
  });
}
