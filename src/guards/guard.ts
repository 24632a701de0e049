/**
 * One guard over one subject, as a state machine:
 *
 * ```
 *        above limit             for so long               below resumeBelow for coolDown
 *   ok ─────────────> pending ───────────────> fired ──────────────────────────────────────> ok
 *    <───────────────
 *       not above it
 * ```
 *
 * Between `resumeBelow` and `limit` a guard that is ok stays ok and one that has fired stays fired. What is not known
 * is neither: the state stays, and the time does not count for or against it.
 */
export const GUARD_STATES = ["ok", "pending", "fired"] as const;
export type GuardState = (typeof GUARD_STATES)[number];

/** What a guard goes by. */
export interface GuardRule {
  readonly limit: number;
  readonly resumeBelow: number;
  readonly forMs: number;
  readonly coolDownMs: number;
}

export interface Standing {
  readonly state: GuardState;
  /** Since when it has been in that state; monotonic. */
  readonly sinceMs: number;
  /** How long the value is known to have been on the side that leads on: above the limit, or below resumeBelow. */
  readonly heldMs: number;
  /** When it was looked at last, if the value was on that side then; else null. */
  readonly heldAtMs: number | null;
}

/** A guard that has seen nothing yet. `isHolding`: it had fired in a former life, and holds what it paused. */
export function firstStanding(nowMs: number, isHolding: boolean): Standing {
  return standing(isHolding ? "fired" : "ok", nowMs);
}

/** One look further. `value`: null when it is not known. */
export function step(
  before: Standing,
  value: number | null,
  rule: GuardRule,
  nowMs: number,
): Standing {
  if (value === null) return { ...before, heldAtMs: null };
  const isAbove = value > rule.limit;
  if (before.state === "fired") {
    if (value >= rule.resumeBelow) return { ...before, heldMs: 0, heldAtMs: null };
    const held = hold(before, nowMs);
    return held.heldMs >= rule.coolDownMs ? standing("ok", nowMs) : held;
  }
  if (!isAbove) return before.state === "ok" ? before : standing("ok", nowMs);
  const held = hold(before.state === "ok" ? standing("pending", nowMs) : before, nowMs);
  return held.heldMs >= rule.forMs ? standing("fired", nowMs) : held;
}

/**
 * How far away the limit is, as a share of it: 1 at nothing, 0 at the limit, negative beyond. A value without bounds
 * is minus infinity away.
 */
export function headroomOf(value: number, limit: number): number {
  return 1 - value / limit;
}

function hold(before: Standing, nowMs: number): Standing {
  const grownMs = before.heldAtMs === null ? 0 : nowMs - before.heldAtMs;
  return { ...before, heldMs: before.heldMs + grownMs, heldAtMs: nowMs };
}

function standing(state: GuardState, nowMs: number): Standing {
  return { state, sinceMs: nowMs, heldMs: 0, heldAtMs: null };
}
