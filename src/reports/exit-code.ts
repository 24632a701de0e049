import { EXIT } from "../errors.js";
import type { EndReport } from "./end-report.js";

/**
 * What a run that has ended exits with. `isBounded`: it was to end by itself, so that a signal before
 * that is no success. Thresholds always decide, as in k6; SLOs with `exitOnSlo`.
 */
export function exitCodeOf(
  { stoppedBySignal, total, slos, thresholds }: EndReport,
  { isBounded, exitOnSlo }: { readonly isBounded: boolean; readonly exitOnSlo: boolean },
): number {
  if (isBounded && stoppedBySignal) return EXIT.stoppedBySignal;
  const deciding = [...thresholds, ...(exitOnSlo ? Object.values(slos) : [])];
  const verdicts = deciding.map(({ verdict }) => verdict);
  if (verdicts.includes("missed")) return EXIT.missed;
  if (isBounded && isInVain(total)) return EXIT.failed;
  return verdicts.includes("inconclusive") ? EXIT.inconclusive : EXIT.ok;
}

/** Not one of the planned tasks was taken by a broker, for all we know. */
function isInVain({ planned, published, unconfirmed, outcomes }: EndReport["total"]): boolean {
  const { succeeded = 0, failed = 0, revoked = 0 } = outcomes;
  return planned > 0 && published === unconfirmed && succeeded + failed + revoked === 0;
}
