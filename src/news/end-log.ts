import type { Logger } from "../log.js";
import type { EndReport } from "../reports/end-report.js";

/**
 * Says in the log how a run has ended. `isReportBesideLog`: the report is read as text where the log is; what it says as
 * well is left to it.
 */
export function logEnd(
  { total, balanced, slos, thresholds, withoutSuccess }: EndReport,
  log: Logger,
  isReportBesideLog: boolean,
): void {
  const fields = isReportBesideLog ? {} : total;
  const { unknown } = total.outcomes;
  if (!balanced) {
    log.error(fields, "ended; the ledger does not add up: a defect of ours, please report it");
  } else if (unknown === 0) log.info(fields, "ended; every task is accounted for");
  else {
    log.warn(
      fields,
      `ended; ${unknown} published tasks are unknown: never confirmed, or not waited for any longer`,
    );
  }
  if (isReportBesideLog) return;
  for (const [slo, { verdict, reason }] of Object.entries(slos)) {
    if (verdict !== "met") log.warn({ slo, reason }, `the SLO is ${verdict}`);
  }
  for (const { threshold, verdict, reason } of thresholds) {
    if (verdict !== "met") log.warn({ threshold, reason }, `the threshold is ${verdict}`);
  }
  for (const sentence of withoutSuccess) log.warn(sentence);
}
