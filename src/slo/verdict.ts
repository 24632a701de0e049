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
const LEAST_BUDGET_EVENTS = 10;

/**
 * Whether a run has met an objective (0 to 1), with the reason in words. Pure.
 *
 * It says so only when there were enough events for a budget of ten bad ones; but when there have been
 * more than ten already, no further events could help. Where many events are excluded it says so when they could not
 * change it: it is missed if it were with all of them good, and met if it were with all of them bad. The warm-up does
 * not count as excluded here: it is a wish, its length is known beforehand, and what comes after it is all there.
 */
export function verdictOf(
  { events, bad, excluded }: SloCounts,
  objectiveRatio: number,
): { readonly verdict: Verdict; readonly reason: string } {
  const { warmup: _wished = 0, ...doubtful } = excluded;
  const left = Object.values(doubtful).reduce((sum, count) => sum + count, 0);
  const all = events + left;
  // 1 - 0.999 is 0.0010000000000000009: what is allowed is the decimal number that was meant.
  const budgetRatio = Number((1 - objectiveRatio).toPrecision(12));
  const least = Math.round(LEAST_BUDGET_EVENTS / budgetRatio);
  if (left > MAX_EXCLUDED_RATIO * all) {
    const share = percent(left / all);
    const allowed = `${percent(budgetRatio)} allowed`;
    if (exceeds(bad, budgetRatio, Math.max(all, least))) {
      const text = `${percent(bad / all)} bad if all excluded were good, ${allowed}`;
      return { verdict: "missed", reason: text };
    }
    if (events >= least && !exceeds(bad + left, budgetRatio, all)) {
      const text = `${percent((bad + left) / all)} bad if all excluded were bad, ${allowed}`;
      return { verdict: "met", reason: text };
    }
    return inconclusive(`${share} of the events are excluded, more than 5%`);
  }
  const isMissed = exceeds(bad, budgetRatio, Math.max(events, least));
  if (events < least && !isMissed) {
    return inconclusive(`${events} events are too few, it needs ${least}`);
  }
  const text = `${percent(bad / events)} bad, ${percent(budgetRatio)} allowed`;
  return { verdict: isMissed ? "missed" : "met", reason: text };
}

/** Is `bad` more than the budget of `events`? Exactly as many is not. */
function exceeds(bad: number, budgetRatio: number, events: number): boolean {
  return bad - budgetRatio * events > 1e-6;
}

function inconclusive(reason: string) {
  return { verdict: "inconclusive", reason } as const;
}

function percent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(3))}%`;
}
