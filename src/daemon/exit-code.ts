import { EXIT } from "../errors.js";
import type { EndReport } from "./end-report.js";

/**
 * What a run that has ended exits with. `isBounded`: it was to end by itself, so that a signal before
 * that is no success. `exitOnSlo`: the SLOs decide.
 */
export function exitCodeOf(
  { stoppedBySignal, total, slos }: EndReport,
  { isBounded, exitOnSlo }: { readonly isBounded: boolean; readonly exitOnSlo: boolean },
): number {
  if (isBounded && stoppedBySignal) return EXIT.stoppedBySignal;
  const verdicts = exitOnSlo ? Object.values(slos).map(({ verdict }) => verdict) : [];
  if (verdicts.includes("missed")) return EXIT.sloMissed;
  if (isBounded && isUnpublished(total)) return EXIT.failed;
  return verdicts.includes("inconclusive") ? EXIT.sloInconclusive : EXIT.ok;
}

/** Not one of the planned tasks could be published. */
function isUnpublished({ planned, published }: EndReport["total"]): boolean {
  return planned > 0 && published === 0;
}
