import type { OrderableSpec } from "./profile.js";

/**
 * What a scenario does from a moment on: what orders have made of its plan, as plain data. Two clocks run:
 *
 * - *elapsed* time, milliseconds since this process began to plan, which nothing stops;
 * - the *plan's* time, where the profile is: negative while `startAfter` is waited for, and standing in a pause.
 *
 * What follows the clock on the wall is read from elapsed time and `zeroUnixMs`: an order that moves the plan's time
 * does not move it.
 *
 * Rates are starts a second of the whole plan, all threads and segments together.
 */
export interface Regime {
  /** From when on, in elapsed time. */
  readonly fromMs: number;
  /** Where the plan is at that moment. */
  readonly planMs: number;
  /** The Unix time of the elapsed time 0, by the clock on the wall. */
  readonly zeroUnixMs: number;
  /** Nothing starts, and the plan's clock stands. */
  readonly isPaused: boolean;
  /** What takes the place of the profile's own rate while the plan's clock goes on; null: nothing. */
  readonly override: RateOverride | null;
  /** How the rate gets there: in a straight line; null: at once. */
  readonly ramp: RateRamp | null;
  /** Which part of that rate starts, whoever has chosen it: 1 for all of it, above 0. */
  readonly throttle: number;
  /** Starts beyond the rate. */
  readonly bursts: readonly Burst[];
  /** Of a profile that follows what is observed: which part of its highest rate; left out: none, as nothing is known. */
  readonly fed?: number;
  /** Weights of the scenario's entries, in their order; null: those of the configuration. */
  readonly weights: readonly number[] | null;
}

/** What the rate is instead of the profile's. */
export type RateOverride =
  | { readonly kind: "rate"; readonly perSecond: number }
  /** The profile's own rate, so many times. */
  | { readonly kind: "scale"; readonly factor: number }
  /** Another profile, whose time 0 was at `fromMs` of the elapsed time, unless it follows the clock on the wall. */
  | { readonly kind: "profile"; readonly profile: OrderableSpec; readonly fromMs: number };

/** From one rate to what holds at the end of the ramp, in elapsed time. */
export interface RateRamp {
  readonly fromMs: number;
  readonly fromPerSecond: number;
  /** After `fromMs`. */
  readonly untilMs: number;
}

/** So many starts more, evenly spread from one elapsed time to another; what falls into a pause is not made up for. */
export interface Burst {
  readonly count: number;
  readonly fromMs: number;
  /** After `fromMs`: a millisecond, when it is to be at once. */
  readonly untilMs: number;
}

/** How a scenario begins when nobody has ordered anything. */
export function firstRegime(startAfterMs: number, zeroUnixMs: number): Regime {
  return {
    fromMs: 0,
    planMs: -startAfterMs,
    zeroUnixMs,
    isPaused: false,
    override: null,
    ramp: null,
    throttle: 1,
    bursts: [],
    weights: null,
  };
}
