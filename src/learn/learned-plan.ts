import { sideEffectOf } from "../init/side-effects.js";
import { keysOf } from "../init/task-keys.js";
import { isUsableTask } from "../init/usable-task.js";
import type { Arrival } from "../plan/arrival.js";
import { fitArrival } from "./dispersion.js";
import { type LearnedProfile, learnDay, learnProfile, roundRate } from "./shape.js";
import { type RunTimes, sum, type TaskTraffic, type Traffic, totalsOf } from "./traffic.js";

/** What a configuration is written from. */
export interface LearnedPlan {
  readonly profile: LearnedProfile;
  /** Null: how bursty it is is not known. */
  readonly arrival: Arrival | null;
  /** The most frequent ones first. */
  readonly tasks: readonly LearnedTask[];
  /** What could not be taken over, in sentences. */
  readonly remarks: readonly string[];
}

export interface LearnedTask {
  /** Of the configuration. */
  readonly key: string;
  readonly name: string;
  readonly queue: string | null;
  /** Per cent of all. */
  readonly weight: number;
  readonly runTimes: RunTimes | null;
  /** The word in its name that says that it acts on the world; null when there is none. */
  readonly sideEffect: string | null;
}

export interface LearnOptions {
  readonly zone: string;
  /** The traffic is that of one day, which is to be every day's. */
  readonly isOneDay: boolean;
}

/** A mix of more has no reader. */
const MOST_TASKS = 200;

/** The plan that is nearest to a traffic. */
export function learnPlan(given: Traffic, { zone, isOneDay }: LearnOptions): LearnedPlan {
  const { tasks, remarks } = usableTasks(given.tasks);
  const traffic = { ...given, tasks };
  const totals = totalsOf(traffic);
  const all = sum(totals);
  const keys = taskKeys(tasks);
  const learned = tasks.map(({ name, queue, runTimes }, index): LearnedTask => {
    const weight = Number(((100 * totals[index]!) / all).toPrecision(4));
    return { key: keys[index]!, name, queue, weight, runTimes, sideEffect: sideEffectOf(name) };
  });
  return {
    profile: isOneDay ? learnDay(traffic, zone) : learnProfile(traffic, zone),
    arrival: fitArrival(traffic.dispersions),
    tasks: learned.sort((one, other) => other.weight - one.weight),
    remarks: [...given.remarks, ...gapRemarks(given), ...remarks],
  };
}

/** The same at another rate. */
export function scaled(plan: LearnedPlan, factor: number): LearnedPlan {
  const { profile } = plan;
  const rate = <Part extends { readonly ratePerSecond: number }>(part: Part): Part => ({
    ...part,
    ratePerSecond: roundRate(part.ratePerSecond * factor),
  });
  if (profile.kind === "constant") return { ...plan, profile: rate(profile) };
  if (profile.kind === "steps") {
    return { ...plan, profile: { ...profile, stages: profile.stages.map(rate) } };
  }
  return { ...plan, profile: { ...profile, points: profile.points.map(rate) } };
}

/** What is not known between the first that is and the last. */
function gapRemarks({ isKnown, stepMs }: Traffic): string[] {
  const first = isKnown.indexOf(true);
  const life = isKnown.slice(first, isKnown.lastIndexOf(true) + 1);
  const minutes = (life.filter((known) => !known).length * stepMs) / 60_000;
  if (minutes === 0) return [];
  return [`Not known for ${Math.round(minutes)} minutes in between, and left out there.`];
}

/** Celery's own, those that cannot be written, and those that are too many are left out. */
function usableTasks(tasks: readonly TaskTraffic[]) {
  const count = (some: readonly TaskTraffic[]) => sum(some.map(({ counts }) => sum(counts)));
  const remarks: string[] = [];
  const leaveOut = (out: readonly TaskTraffic[], why: string) => {
    if (out.length === 0) return;
    const share = ((100 * count(out)) / count(tasks)).toPrecision(2);
    remarks.push(`Left out: ${out.length} task names (${share} % of all), ${why}.`);
  };
  const celerys = tasks.filter(({ name }) => name.startsWith("celery."));
  leaveOut(celerys, "Celery's own, which workers and canvas send by themselves");
  const others = tasks.filter((task) => !celerys.includes(task));
  const odd = others.filter(
    ({ name, queue }) => !isUsableTask({ key: "task", name, queue: queue ?? "celery" }),
  );
  leaveOut(odd, "as a configuration cannot hold the name of the task or of its queue");
  const usable = others
    .filter((task) => !odd.includes(task))
    .sort((one, other) => sum(other.counts) - sum(one.counts));
  leaveOut(usable.slice(MOST_TASKS), `the least frequent beyond ${MOST_TASKS}`);
  return { tasks: usable.slice(0, MOST_TASKS), remarks };
}

/** A name that goes to several queues has a key for each. */
function taskKeys(tasks: readonly TaskTraffic[]): string[] {
  const queuesOf = (name: string) => tasks.filter((task) => task.name === name).length;
  const names = tasks.map(({ name, queue }) => {
    const isAlone = queuesOf(name) === 1;
    return isAlone ? name : `${name}_on_${(queue ?? "celery").replace(/[.:/]/g, "_")}`;
  });
  const unique = names.map((name, index) =>
    names.indexOf(name) === index ? name : `${name}_${index}`,
  );
  const keys = keysOf(unique);
  return unique.map((name) => keys.get(name)!);
}
