import type { RateOverride, RateRamp, Regime } from "../plan/regime.js";
import type { Timeline } from "../plan/timeline.js";
import type { ScenarioControl } from "./control-state.js";
import type { EntryMix } from "./facts.js";
import type { OverrideTo } from "./order.js";

/** What of a regime does not follow from who holds and overrides what. */
export interface Moved {
  /** Where the plan's clock is set to; left out: where it is. */
  readonly planMs?: number;
  /** What the clock on the wall shows at elapsed 0; left out: what it did. */
  readonly zeroUnixMs?: number;
  /** The ramp that begins, or null for none; left out: the one in progress goes on. */
  readonly ramp?: RateRamp | null;
}

/** What a scenario does from `atMs` on, by all that was ordered of it. */
export function regimeOf(
  control: ScenarioControl,
  isKilled: boolean,
  mix: EntryMix,
  atMs: number,
  { planMs, zeroUnixMs = control.regime.zeroUnixMs, ramp = control.regime.ramp }: Moved = {},
): Regime {
  return {
    fromMs: atMs,
    planMs: planMs ?? planMsAt(control.regime, atMs),
    zeroUnixMs,
    isPaused: isKilled || control.isStopped || control.pauses.length > 0,
    override: rateOverride(control),
    ramp: ramp !== null && ramp.untilMs > atMs ? ramp : null,
    throttle: Math.min(1, ...control.throttles.map(({ factor }) => factor)),
    bursts: control.bursts.filter((burst) => burst.untilMs > atMs).map(plainBurst),
    weights: weightsOf(control, mix),
  };
}

/** Where the plan is at an elapsed time from the regime's beginning on. */
export function planMsAt({ fromMs, planMs, isPaused }: Regime, atMs: number): number {
  return isPaused ? planMs : planMs + (atMs - fromMs);
}

/**
 * The rate, starts a second, that a ramp beginning then must begin with: without bursts, which come on top, and as if
 * nobody held it back, for the ramp goes on in a pause.
 */
export function rateBefore(timeline: Timeline, regime: Regime, atMs: number): number {
  const free = { ...regime, fromMs: atMs, isPaused: false, throttle: 1, bursts: [] };
  return timeline.change({ ...free, planMs: planMsAt(regime, atMs) }).rateAt(atMs);
}

/** Does the same hold as before, but for when it began? */
export function isSameRegime(before: Regime, after: Regime): boolean {
  return (
    planMsAt(before, after.fromMs) === after.planMs &&
    JSON.stringify(withoutTimes(before)) === JSON.stringify(withoutTimes(after))
  );
}

function withoutTimes({ isPaused, override, ramp, throttle, bursts, weights }: Regime) {
  return [isPaused, override, ramp, throttle, bursts, weights];
}

/** The one in force: the last that concerns the rate. */
export function rateInForce({ overrides }: Pick<ScenarioControl, "overrides">) {
  return overrides.findLast(({ to }) => isOfRate(to)) ?? null;
}

/** The one in force: the last that concerns the mix. */
function mixInForce({ overrides }: Pick<ScenarioControl, "overrides">) {
  return overrides.findLast(({ to }) => to.what === "mix") ?? null;
}

export function isOfRate(to: OverrideTo): boolean {
  return to.what !== "mix";
}

function rateOverride(control: ScenarioControl): RateOverride | null {
  const inForce = rateInForce(control);
  switch (inForce?.to.what) {
    case "rate":
      return { kind: "rate", perSecond: inForce.to.perSecond };
    case "scale":
      return { kind: "scale", factor: inForce.to.factor };
    case "users":
      return { kind: "rate", perSecond: inForce.to.count };
    case "profile":
      return { kind: "profile", profile: inForce.to.profile, fromMs: inForce.fromMs };
    default:
      return null;
  }
}

function weightsOf(control: ScenarioControl, { keys }: EntryMix): readonly number[] | null {
  const to = mixInForce(control)?.to;
  if (to?.what !== "mix") return null;
  return keys.map((key) => (Object.hasOwn(to.weights, key) ? to.weights[key]! : 0));
}

function plainBurst({ count, fromMs, untilMs }: Regime["bursts"][number]) {
  return { count, fromMs, untilMs };
}
