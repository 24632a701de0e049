/** The events of an SLO over a run. */
export interface SloCounts {
  readonly events: number;
  readonly bad: number;
  /** By reason. */
  readonly excluded: Readonly<Record<string, number>>;
}

export type Verdict = "met" | "missed" | "inconclusive";

/** A larger share of events that do not count says too little about the whole. */
export const MAX_EXCLUDED_RATIO = 0.05;
/** With a budget of fewer failures than this, one more or less would decide. */
export const LEAST_BUDGET_EVENTS = 10;

/**
 * Whether a run has met an objective (0 to 1), with the reason in words. Pure.
 *
 * It says so only when there were enough events for a budget of ten bad ones; but when there have been
 * more than ten already, no further events could help. The warm-up does not count as excluded here: it
 * is a wish, its length is known beforehand, and what comes after it is all there.
 */
export function verdictOf(
  { events, bad, excluded }: SloCounts,
  objectiveRatio: number,
): { readonly verdict: Verdict; readonly reason: string } {
  const { warmup: _wished = 0, ...doubtful } = excluded;
  const left = Object.values(doubtful).reduce((sum, count) => sum + count, 0);
  if (left > MAX_EXCLUDED_RATIO * (events + left)) {
    const share = percent(left / (events + left));
    return inconclusive(`${share} of the events are excluded, more than 5%`);
  }
  const budgetRatio = 1 - objectiveRatio;
  // Rounded, so that 99.9% needs 10000 events and not 10000.000000000009.
  const least = Math.round(LEAST_BUDGET_EVENTS / budgetRatio);
  const isMissed = exceeds(bad, budgetRatio, Math.max(events, least));
  if (events < least && !isMissed) {
    return inconclusive(`${events} events are too few, it needs ${least}`);
  }
  const text = `${percent(bad / events)} bad, ${percent(budgetRatio)} allowed`;
  return { verdict: isMissed ? "missed" : "met", reason: text };
}

/** Is `bad` more than the budget of `events`? Safe from the rounding of 1 - 0.999. */
function exceeds(bad: number, budgetRatio: number, events: number): boolean {
  return bad - budgetRatio * events > 1e-6;
}

function inconclusive(reason: string) {
  return { verdict: "inconclusive", reason } as const;
}

function percent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(3))}%`;
}
