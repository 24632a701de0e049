import { type Arrival, createArrivals } from "../plan/arrival.js";
import { createProfile } from "../plan/profile.js";
import { dispersionsOfTimes } from "./dispersion.js";
import type { LearnedPlan } from "./learned-plan.js";
import { windowSteps } from "./shape.js";
import { countsOf, type Dispersion, sum, type Traffic, totalsOf } from "./traffic.js";

/** How near a plan is to the traffic that it was learned from. Distances are shares: 0 is the same, 0.02 is 2 %. */
export interface Fit {
  readonly tasks: { readonly source: number; readonly plan: number };
  /** Σ |source - plan| ÷ Σ source, over windows. */
  readonly rate: { readonly windowMs: number; readonly distance: number };
  /** The share of tasks that would have to be of another name: ½ Σ |share - share|. */
  readonly mix: number;
  /** The same in each window, in the mean over all tasks: what the plan, whose mix is the same all day, cannot have. */
  readonly mixByWindow: number;
  readonly dispersions: readonly {
    readonly seconds: number;
    readonly source: number;
    /** Null: too few windows of it are in the part of the plan that was drawn. */
    readonly plan: number | null;
  }[];
  /** Wasserstein's distance of the gaps between tasks, by the mean gap; null where only counts are known. */
  readonly gaps: number | null;
}

/** So many starts of the plan are drawn to measure how bursty it is. */
const MOST_STARTS = 200_000;

/** Measures a plan (at a scale of 1) against its source. Pure: Poisson arrivals are drawn with seed 1. */
export function measureFit(plan: LearnedPlan, given: Traffic): Fit {
  const traffic = { ...given, tasks: planned(plan, given) };
  const size = windowSteps(traffic);
  const source = windows(countsOf(traffic), traffic.isKnown, size);
  const target = windows(plannedCounts(plan, traffic), traffic.isKnown, size);
  const all = sum(source);
  const times = drawTimes(plan, traffic);
  return {
    tasks: { source: all, plan: sum(target) },
    rate: { windowMs: size * traffic.stepMs, distance: sum(differences(source, target)) / all },
    mix: mixDistance(plan, totalsOf(traffic)),
    mixByWindow: mixByWindow(plan, traffic, size),
    dispersions: given.dispersions.map(({ seconds, index }) => ({
      ...{ seconds, source: index, plan: indexAt(seconds, times.dispersions) },
    })),
    gaps: traffic.timesUnixMs === null ? null : gapDistance(traffic.timesUnixMs, times.unixMs),
  };
}

/** The tasks of a traffic in the order of the plan's; those that it left out are not held against it. */
function planned(plan: LearnedPlan, { tasks }: Traffic): Traffic["tasks"] {
  return plan.tasks.flatMap(
    ({ name, queue }) => tasks.find((task) => task.name === name && task.queue === queue) ?? [],
  );
}

/** What the plan starts in each step that is known. */
function plannedCounts({ profile }: LearnedPlan, traffic: Traffic): number[] {
  const { fromUnixMs, stepMs, isKnown } = traffic;
  const curve = createProfile(profile).since(fromUnixMs);
  // Steps begin with the first step that is known.
  const offset = profile.kind === "week" ? 0 : Math.max(0, isKnown.indexOf(true));
  return isKnown.map((known, step) => {
    const fromMs = (step - offset) * stepMs;
    return known ? curve.startsBy(fromMs + stepMs) - curve.startsBy(fromMs) : 0;
  });
}

/** Sums of steps; those that are not known count nothing. */
function windows(
  counts: ArrayLike<number>,
  isKnown: readonly boolean[],
  size: number,
): Float64Array {
  const sums = new Float64Array(Math.ceil(isKnown.length / size));
  isKnown.forEach((known, step) => {
    if (known) sums[Math.floor(step / size)]! += counts[step]!;
  });
  return sums;
}

function differences(one: Float64Array, other: Float64Array): Float64Array {
  return one.map((value, index) => Math.abs(value - other[index]!));
}

/** Total variation. */
function mixDistance({ tasks }: LearnedPlan, counts: readonly number[]): number {
  const weights = sum(tasks.map(({ weight }) => weight));
  const all = sum(counts);
  const apart = tasks.map(({ weight }, index) => Math.abs(weight / weights - counts[index]! / all));
  return sum(apart) / 2;
}

function mixByWindow(plan: LearnedPlan, traffic: Traffic, size: number): number {
  const byTask = traffic.tasks.map(({ counts }) => windows(counts, traffic.isKnown, size));
  const number = byTask[0]?.length ?? 0;
  let apart = 0;
  let all = 0;
  for (let window = 0; window < number; window++) {
    const counts = byTask.map((sums) => sums[window]!);
    const inWindow = sum(counts);
    if (inWindow === 0) continue;
    apart += inWindow * mixDistance(plan, counts);
    all += inWindow;
  }
  return all === 0 ? 0 : apart / all;
}

/** The plan's own starts from the beginning of the traffic on, as they would be due. */
function drawTimes(plan: LearnedPlan, traffic: Traffic) {
  const { fromUnixMs, stepMs, isKnown } = traffic;
  const profile = createProfile(plan.profile).since(fromUnixMs);
  const lengthMs = isKnown.length * stepMs;
  const arrival: Arrival = plan.arrival ?? "poisson";
  const arrivals = createArrivals(profile, arrival, 1, lengthMs);
  const drawn: number[] = [];
  while (arrivals.nextMs < Infinity && drawn.length < MOST_STARTS) {
    drawn.push(arrivals.nextMs);
    arrivals.advance();
  }
  const untilMs = drawn.length < MOST_STARTS ? lengthMs : drawn.at(-1)!;
  const times = Float64Array.from(drawn);
  return { dispersions: dispersionsOfTimes(times, 0, untilMs), unixMs: times };
}

function indexAt(seconds: number, dispersions: readonly Dispersion[]): number | null {
  return dispersions.find((each) => each.seconds === seconds)?.index ?? null;
}

/** At so many quantiles two distributions of gaps are compared. */
const QUANTILES = 1_000;

function gapDistance(source: Float64Array, plan: Float64Array): number | null {
  const [ofSource, ofPlan] = [sortedGaps(source), sortedGaps(plan)];
  if (ofSource.length === 0 || ofPlan.length === 0) return null;
  let apart = 0;
  for (let quantile = 0; quantile < QUANTILES; quantile++) {
    const share = (quantile + 0.5) / QUANTILES;
    apart += Math.abs(at(ofSource, share) - at(ofPlan, share));
  }
  return apart / QUANTILES / (sum(ofSource) / ofSource.length);
}

function sortedGaps(times: Float64Array): Float64Array {
  return times
    .slice(1)
    .map((time, index) => time - times[index]!)
    .sort();
}

function at(sorted: Float64Array, share: number): number {
  return sorted[Math.floor(share * sorted.length)]!;
}
