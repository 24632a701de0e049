import { FINE } from "../ledger/layout.js";
import type { LedgerView } from "../readings/ledger-view.js";
import { haveUsers, type Subject } from "../readings/subject.js";
import { summarize } from "../readings/summary.js";
import { type LatencyReport, latencyReport } from "./task-report.js";

/** Latencies of a closed loop of users: as they were, and as if each user had kept its pace. */
export interface UsersReport {
  readonly measured: LatencyReport;
  readonly compensated: LatencyReport;
}

/** By the names of the scenarios that have users. */
export function usersReports(ledger: LedgerView, subject: Subject): Record<string, UsersReport> {
  const hasUsers = haveUsers(subject);
  const reports = subject.scenarios.flatMap(({ name }, scenario): [string, UsersReport][] => {
    if (!hasUsers[scenario]) return [];
    const own = [...subject.entries.entries()].filter(([, entry]) => entry.scenario === scenario);
    const compensated = new Float64Array(FINE.size);
    for (const [, { userRow }] of own) {
      const counts = ledger.fineCompensated(userRow!);
      for (const [cell, count] of counts.entries()) compensated[cell]! += count;
    }
    const { latencies } = summarize(
      ledger,
      own.map(([entry]) => entry),
    );
    const report = {
      measured: latencyReport(latencies),
      compensated: latencyReport(compensated),
    };
    return [[name, report]];
  });
  return Object.fromEntries(reports);
}
