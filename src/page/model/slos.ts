import type { SloReport } from "../../reports/slo-report.js";
import { numberText, percentText } from "./format.js";

/** The part of the error budget of the events so far that is left: 1 is all, below 0 is overdrawn; null: no events. */
export function budgetLeft({
  events,
  bad,
  objective,
}: Pick<SloReport, "events" | "bad" | "objective">): number | null {
  if (events === 0) return null;
  // 1 - 0.999 is 0.0010000000000000009: what is allowed is the decimal number that was meant.
  return 1 - bad / (events * Number((1 - objective).toPrecision(12)));
}

export function budgetText(left: number | null): string {
  if (left === null) return "no events";
  return left < 0 ? `spent ${numberText(1 - left)} times` : percentText(left);
}
