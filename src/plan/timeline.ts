import { openingAt, opensAt, type Windows, withinWindows } from "./clock/windows.js";
import { type Curve, createPiecewiseLinear } from "./piecewise-linear.js";
import { createProfile, type Profile } from "./profile.js";
import type { Burst, RateRamp, Regime } from "./regime.js";
import { NOTHING, type PieceCurve, shifted, sourceStarts } from "./shifted.js";

/** What a timeline follows when nothing is ordered. */
export interface TimelinePlan {
  readonly profile: Profile;
  /** When it ends in the plan's time (`duration`); Infinity: when the profile does. */
  readonly endMs: number;
  /** When it ends in elapsed time (`--for`), however long it was paused; Infinity: never. */
  readonly untilMs: number;
  /** Outside of them nothing starts, whatever is ordered, and the plan's time goes on; null, left out: always open. */
  readonly windows?: Windows | null;
}

/**
 * The starts of a scenario over its elapsed time, through every change that was ordered. Immutable and pure: all
 * threads and segments that are told the same changes have the same timeline, to the bit.
 */
export interface Timeline extends Pick<Curve, "startsBy" | "rateAt" | "timeOf" | "endMs"> {
  /** What holds at its end. */
  readonly regime: Regime;
  /** N at the beginning of that. */
  readonly startsBefore: number;
  /** The plan's own time at an elapsed one. */
  planMsAt(elapsedMs: number): number;
  /**
   * What the plan's own profile counts at the start that N reaches n with: an order that doubles the rate starts each of
   * its starts twice, and one that sets another rate takes the one that would be next.
   */
  plannedStarts(n: number): number;
  isPausedAt(elapsedMs: number): boolean;
  /** Are its windows open? */
  isOpenAt(elapsedMs: number): boolean;
  /** The elapsed time from which on something may start: now, or when its windows open next. */
  opensAt(elapsedMs: number): number;
  /** The same up to the regime's `fromMs`, and from there on another; N has no jump. */
  change(regime: Regime): Timeline;
}

/**
 * What was before a change is kept for so long: for a thread that was held up, and has starts to plan that were due
 * then. Older ones count as due when that began.
 */
const KEPT_MS = 10_000;

/** @param startsBefore N at the beginning: after a restart, the starts of former lives */
export function createTimeline(plan: TimelinePlan, first: Regime, startsBefore = 0): Timeline {
  return new Parts(plan, [partOf(plan, first, startsBefore)]);
}

/** From one change to the next. */
interface Part {
  readonly regime: Regime;
  /** Where its starts end by themselves, in elapsed time. */
  readonly endMs: number;
  readonly pieces: readonly Piece[];
}

/** A stretch of a part with one formula. */
interface Piece {
  readonly fromMs: number;
  readonly fromStarts: number;
  /** Of times and starts since it began. */
  readonly curve: PieceCurve;
  /** It is made of the plan's own profile, and not of a rate that was ordered. */
  readonly isPlanned: boolean;
}

class Parts implements Timeline {
  readonly regime: Regime;
  readonly startsBefore: number;
  readonly endMs: number;
  readonly #plan: TimelinePlan;
  /** The oldest first. */
  readonly #parts: readonly Part[];
  readonly #pieces: readonly Piece[];

  constructor(plan: TimelinePlan, parts: readonly Part[]) {
    const last = parts.at(-1)!;
    this.regime = last.regime;
    this.endMs = last.endMs;
    this.startsBefore = last.pieces[0]!.fromStarts;
    this.#plan = plan;
    this.#parts = parts;
    this.#pieces = parts.flatMap(({ pieces }) => pieces);
  }

  startsBy(elapsedMs: number): number {
    const untilMs = Math.min(elapsedMs, this.#partAt(elapsedMs).endMs);
    const { fromMs, fromStarts, curve } = this.#pieceAt(untilMs);
    return fromStarts + curve.startsBy(Math.max(0, untilMs - fromMs));
  }

  rateAt(elapsedMs: number): number {
    if (elapsedMs >= this.#partAt(elapsedMs).endMs) return 0;
    const { fromMs, curve } = this.#pieceAt(elapsedMs);
    return curve.rateAt(elapsedMs - fromMs);
  }

  timeOf(n: number): number {
    const index = this.#indexOf(n);
    const { fromMs, fromStarts, curve } = this.#pieces[index]!;
    const dueMs = n <= fromStarts ? fromMs : fromMs + curve.timeOf(n - fromStarts);
    // What belongs to a piece is due in it, whatever rounding says.
    return Math.min(dueMs, this.#pieces[index + 1]?.fromMs ?? Infinity);
  }

  planMsAt(elapsedMs: number): number {
    const { regime, endMs } = this.#partAt(elapsedMs);
    if (regime.isPaused) return regime.planMs;
    return regime.planMs + (Math.min(elapsedMs, endMs) - regime.fromMs);
  }

  plannedStarts(n: number): number {
    const { fromStarts, curve, isPlanned } = this.#pieces[this.#indexOf(n)]!;
    if (isPlanned) return sourceStarts(curve, n - fromStarts);
    return this.#plan.profile.startsBy(this.planMsAt(this.timeOf(n))) + 1;
  }

  isPausedAt(elapsedMs: number): boolean {
    return this.#partAt(elapsedMs).regime.isPaused;
  }

  isOpenAt(elapsedMs: number): boolean {
    const { windows = null } = this.#plan;
    const { zeroUnixMs } = this.#partAt(elapsedMs).regime;
    return windows === null || openingAt(windows, zeroUnixMs + elapsedMs).isOpen;
  }

  opensAt(elapsedMs: number): number {
    const { windows = null } = this.#plan;
    if (windows === null) return elapsedMs;
    const { zeroUnixMs } = this.#partAt(elapsedMs).regime;
    return opensAt(windows, zeroUnixMs + elapsedMs) - zeroUnixMs;
  }

  change(regime: Regime): Timeline {
    const { fromMs } = regime;
    const startsBefore = this.startsBy(fromMs);
    const kept = this.#parts
      .filter(
        (part, index) =>
          part.regime.fromMs < fromMs &&
          (this.#parts[index + 1]?.regime.fromMs ?? fromMs) > fromMs - KEPT_MS,
      )
      .map((part) => ({ ...part, pieces: part.pieces.filter((piece) => piece.fromMs < fromMs) }));
    return new Parts(this.#plan, [...kept, partOf(this.#plan, regime, startsBefore)]);
  }

  #partAt(elapsedMs: number): Part {
    return lastBegun(this.#parts, elapsedMs, ({ regime }) => regime.fromMs);
  }

  /** Of the piece that start n lies in. */
  #indexOf(n: number): number {
    let index = this.#pieces.length - 1;
    while (index > 0 && this.#pieces[index]!.fromStarts >= n) index--;
    return index;
  }

  #pieceAt(elapsedMs: number): Piece {
    return lastBegun(this.#pieces, elapsedMs, ({ fromMs }) => fromMs);
  }
}

function lastBegun<T>(list: readonly T[], elapsedMs: number, fromMsOf: (item: T) => number): T {
  let index = list.length - 1;
  while (index > 0 && fromMsOf(list[index]!) > elapsedMs) index--;
  return list[index]!;
}

function partOf(plan: TimelinePlan, regime: Regime, startsBefore: number): Part {
  const pieces: Piece[] = [];
  let fromStarts = startsBefore;
  const borders = bordersOf(regime);
  for (const [index, fromMs] of borders.entries()) {
    const untilMs = borders[index + 1] ?? Infinity;
    const curve = openCurve(plan, regime, fromMs, curveOf(plan, regime, fromMs, untilMs));
    pieces.push({ fromMs, fromStarts, curve, isPlanned: isPlanned(regime, fromMs) });
    if (untilMs < Infinity) fromStarts += curve.startsBy(untilMs - fromMs);
  }
  return { regime, endMs: endOf(plan, regime), pieces };
}

/** Where the formula changes, from the beginning of the regime on. */
function bordersOf({ fromMs, planMs, isPaused, ramp, bursts }: Regime): number[] {
  if (isPaused) return [fromMs];
  // The end of `startAfter`, before which nothing starts whatever is ordered.
  const borders = planMs < 0 ? [fromMs - planMs] : [];
  if (ramp !== null) borders.push(ramp.untilMs);
  for (const burst of bursts) borders.push(burst.fromMs, burst.untilMs);
  const later = borders.filter((ms) => ms > fromMs).sort((a, b) => a - b);
  return [fromMs, ...later.filter((ms, index) => ms !== later[index - 1])];
}

function endOf({ profile, endMs, untilMs }: TimelinePlan, regime: Regime): number {
  const leftMs = regime.isPaused ? Infinity : Math.min(endMs, profile.endMs) - regime.planMs;
  return Math.max(regime.fromMs, Math.min(untilMs, regime.fromMs + leftMs));
}

function isPlanned({ override, ramp }: Regime, fromMs: number): boolean {
  if (ramp !== null && fromMs < ramp.untilMs) return false;
  return override === null || override.kind === "scale";
}

function openCurve(
  { windows = null }: TimelinePlan,
  { zeroUnixMs }: Regime,
  fromMs: number,
  curve: PieceCurve,
): PieceCurve {
  if (windows === null || curve === NOTHING) return curve;
  return withinWindows(curve, windows, zeroUnixMs + fromMs);
}

function curveOf(plan: TimelinePlan, regime: Regime, fromMs: number, untilMs: number): PieceCurve {
  if (regime.isPaused || regime.planMs + (fromMs - regime.fromMs) < 0) return NOTHING;
  const extraPerSecond = burstRate(regime.bursts, fromMs);
  const { ramp, throttle } = regime;
  if (ramp !== null && fromMs < ramp.untilMs) {
    const targetPerSecond = baseOf(plan, regime, ramp.untilMs).rateAt(0);
    const at = (ms: number) => throttle * alongRamp(ramp, targetPerSecond, ms) + extraPerSecond;
    return line(at(fromMs), at(untilMs), untilMs - fromMs);
  }
  const whole = baseOf(plan, regime, fromMs);
  const base = throttle === 1 ? whole : scaled(whole, throttle);
  return extraPerSecond === 0 ? base : raised(base, extraPerSecond, untilMs - fromMs);
}

/** What the regime's rate is from a moment on, ramps, throttle and bursts aside. */
function baseOf({ profile }: TimelinePlan, regime: Regime, fromMs: number): PieceCurve {
  const { override } = regime;
  const planned = () => {
    const whole = during(profile, regime, fromMs, regime.planMs + (fromMs - regime.fromMs));
    if (profile.isFed !== true) return whole;
    const { fed = 0 } = regime;
    return fed === 0 ? NOTHING : scaled(whole, fed);
  };
  if (override === null) return planned();
  switch (override.kind) {
    case "rate":
      return override.perSecond === 0
        ? NOTHING
        : line(override.perSecond, override.perSecond, Infinity);
    case "scale":
      return override.factor === 0 ? NOTHING : scaled(planned(), override.factor);
    case "profile":
      return during(createProfile(override.profile), regime, fromMs, fromMs - override.fromMs);
  }
}

/** A profile from an elapsed time on, which is so long after its beginning: one with a zone asks the clock instead. */
function during(
  profile: Profile,
  { zeroUnixMs }: Regime,
  fromMs: number,
  sinceBeginMs: number,
): PieceCurve {
  if (profile.zone === null) return shifted(profile, sinceBeginMs);
  return shifted(profile.since(zeroUnixMs), fromMs);
}

function alongRamp(ramp: RateRamp, toPerSecond: number, elapsedMs: number): number {
  const part = (elapsedMs - ramp.fromMs) / (ramp.untilMs - ramp.fromMs);
  return ramp.fromPerSecond + (toPerSecond - ramp.fromPerSecond) * part;
}

function burstRate(bursts: readonly Burst[], elapsedMs: number): number {
  return bursts
    .filter(({ fromMs, untilMs }) => fromMs <= elapsedMs && elapsedMs < untilMs)
    .reduce((sum, { count, fromMs, untilMs }) => sum + (count * 1000) / (untilMs - fromMs), 0);
}

function line(fromPerSecond: number, toPerSecond: number, durationMs: number): PieceCurve {
  if (fromPerSecond === 0 && toPerSecond === 0) return NOTHING;
  return createPiecewiseLinear([{ fromPerSecond, toPerSecond, durationMs }], false);
}

function scaled(curve: PieceCurve, factor: number): PieceCurve {
  return {
    startsBy: (ms) => curve.startsBy(ms) * factor,
    rateAt: (ms) => curve.rateAt(ms) * factor,
    timeOf: (n) => curve.timeOf(n / factor),
    sourceStarts: (n) => sourceStarts(curve, n / factor),
  };
}

/** A curve with a constant rate added, for so long. Its inverse has no formula: it is looked for between two times. */
function raised(curve: PieceCurve, perSecond: number, durationMs: number): PieceCurve {
  const startsBy = (ms: number) => curve.startsBy(ms) + (perSecond * ms) / 1000;
  const timeOf = (n: number) =>
    startsBy(durationMs) < n ? durationMs : earliest(startsBy, n, durationMs);
  return {
    startsBy,
    rateAt: (ms) => curve.rateAt(ms) + perSecond,
    timeOf,
    sourceStarts: (n) => sourceStarts(curve, curve.startsBy(timeOf(n)) + 1),
  };
}

/** The earliest time, to the last bit, at which a growing count reaches n; it has by `latestMs`. */
function earliest(startsBy: (ms: number) => number, n: number, latestMs: number): number {
  let before = 0;
  let reached = latestMs;
  for (;;) {
    const middle = before + (reached - before) / 2;
    if (middle <= before || middle >= reached) return reached;
    if (startsBy(middle) >= n) reached = middle;
    else before = middle;
  }
}
