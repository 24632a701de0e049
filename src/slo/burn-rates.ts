/**
 * When an error budget is spent so fast that somebody should know: both windows must burn at `factor`
 * times the rate that would spend exactly the budget of the period. Windows and factors are those of the
 * SRE workbook (chapter "Alerting on SLOs"), and the one of a day that Sloth adds: in a period of 30 days
 * an alert comes when 2, 5, 10 and 10 % of the budget are spent. The short window, a twelfth of the long
 * one, ends the alert soon after the burning has ended.
 */
export interface BurnRate {
  readonly severity: "critical" | "warning";
  readonly long: string;
  readonly short: string;
  readonly factor: number;
  /** How long both windows must burn before the alert fires. */
  readonly for: string;
}

export const BURN_RATES: readonly BurnRate[] = [
  { severity: "critical", long: "1h", short: "5m", factor: 14.4, for: "2m" },
  { severity: "critical", long: "6h", short: "30m", factor: 6, for: "15m" },
  { severity: "warning", long: "1d", short: "2h", factor: 3, for: "1h" },
  { severity: "warning", long: "3d", short: "6h", factor: 1, for: "3h" },
];

/** Bad events in the long window without which no burn alert fires: fewer are an accident. */
export const LEAST_BAD_EVENTS = 5;

/**
 * Periods for which the rules compute what is left of the budget: PromQL has no range that depends on a
 * value. Days.
 */
export const BUDGET_WINDOW_DAYS: readonly number[] = [1, 7, 14, 28, 30, 90];

/** The burn rates that an objective (0 to 1) leaves room for: even if all events are bad, no more is burnt. */
export function reachableBurnRates(objectiveRatio: number): readonly BurnRate[] {
  return BURN_RATES.filter(({ factor }) => factor * (1 - objectiveRatio) < 1);
}
