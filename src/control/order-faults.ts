import { didYouMean } from "../did-you-mean.js";
import { createProfile } from "../plan/profile.js";
import { rateText } from "../plan/stage-name.js";
import type { Refusal } from "./answer.js";
import type { OrderedBurst } from "./control-state.js";
import type { Ceilings, EntryMix, Facts, ScenarioFacts } from "./facts.js";
import type { Order, OverrideTo } from "./order.js";

type Fault = Refusal["faults"][number];

/** What is wrong with an order whatever the state is: a name that does not exist, a value that cannot be. */
export function refusalOf(order: Order, facts: Facts): Refusal | null {
  const faults = timeFaults(order);
  if ("scenario" in order) {
    const scenario = facts.scenarios.get(order.scenario);
    if (scenario === undefined) return unknownScenario(order.scenario, facts);
    if (order.kind === "override") faults.push(...overrideFaults(order.to, scenario, facts.limits));
    if (order.kind === "burst") faults.push(...countFaults(order.count));
  }
  return faults.length === 0 ? null : { refused: "bad", faults };
}

function unknownScenario(name: string, { scenarios }: Facts): Refusal {
  const names = [...scenarios.keys()];
  const message = `there is no scenario ${quoted(name)}.${meant(name, names)} There are: ${names.join(", ")}`;
  return { refused: "unknown", faults: [{ path: "scenario", message }] };
}

/** A century: longer times are typing errors, and sums of them would lose their milliseconds. */
const LONGEST_MS = 36_525 * 86_400_000;

function timeFaults(order: Order): Fault[] {
  const faults: Fault[] = [];
  const isTime = (ms: number) => ms >= 0 && ms <= LONGEST_MS;
  if ("overMs" in order && !isTime(order.overMs)) {
    faults.push({ path: "over", message: "must be a time from 0s to 36525d" });
  }
  if ("ttlMs" in order && order.ttlMs !== null && !(order.ttlMs > 0 && isTime(order.ttlMs))) {
    faults.push({ path: "ttl", message: "must be a time above 0s and up to 36525d" });
  }
  if (order.kind === "override" && order.to.what === "mix" && order.overMs > 0) {
    faults.push({ path: "over", message: "is for a rate: a mix changes at once. Leave it out" });
  }
  return faults;
}

/** Why a scenario of its kind has no such override, as what follows its name; null: it may have one. */
export function kindFault(
  { what }: OverrideTo,
  { planned, usersAtMost, mix }: Pick<ScenarioFacts, "planned" | "usersAtMost" | "mix">,
): string | null {
  if (what === "mix") {
    return mix.isRecorded ? "has a replay, whose file names the task of each start" : null;
  }
  if (what === "users") return usersAtMost === null ? "has no users" : null;
  if (planned === null) return "is a closed loop, which has no rate to override";
  if (usersAtMost === null || what === "scale") return null;
  return "has users, who have no rate: order users or scale";
}

/** Why the scenario cannot have such an override; none: it can. */
export function overrideFaults(
  to: OverrideTo,
  { planned, mix, usersAtMost }: ScenarioFacts,
  { maxRatePerSecond }: Ceilings,
): Fault[] {
  switch (to.what) {
    case "rate":
      if (!isAmount(to.perSecond))
        return [{ path: "rate", message: "must be a rate such as 50/s" }];
      return ceilingFaults("rate", to.perSecond, maxRatePerSecond);
    case "scale": {
      if (!isAmount(to.factor)) return [{ path: "scale", message: "must be a number from 0 on" }];
      const peak = planned?.plan.profile.peakBy(planned.plan.endMs) ?? 0;
      return usersAtMost === null
        ? ceilingFaults("scale", to.factor * peak, maxRatePerSecond)
        : userFaults("scale", Math.ceil(to.factor * peak), usersAtMost);
    }
    case "profile":
      return ceilingFaults("profile", createProfile(to.profile).peakBy(Infinity), maxRatePerSecond);
    case "users":
      return userFaults("users", to.count, usersAtMost);
    case "mix":
      return mixFaults(to.weights, mix);
  }
}

function ceilingFaults(path: string, peakPerSecond: number, ceiling: number | null): Fault[] {
  if (ceiling === null || peakPerSecond <= ceiling) return [];
  const message = `would reach ${rateText(peakPerSecond)}, more than limits.maxRate (${rateText(ceiling)}, all threads and segments together) of the configuration allows`;
  return [{ path, message }];
}

function userFaults(path: string, count: number, atMost: number | null): Fault[] {
  const isNumber = Number.isSafeInteger(count) && count >= 0;
  if (!isNumber) return [{ path, message: "must be a whole number of users from 0 on" }];
  if (atMost === null || count <= atMost) return [];
  const message = `would be ${count} users, and maxInFlight and limits.maxRate of the configuration allow ${atMost} (all threads and segments together)`;
  return [{ path, message }];
}

/** The same bound as in the configuration. */
const MAX_WEIGHT = 1_000_000;

function mixFaults(weights: Readonly<Record<string, number>>, { keys }: EntryMix): Fault[] {
  const faults: Fault[] = [];
  for (const [key, weight] of Object.entries(weights)) {
    const path = `mix.${key}`;
    if (!keys.includes(key)) {
      const message = `there is no task ${quoted(key)} in the scenario's mix.${meant(key, keys)} There are: ${keys.join(", ")}`;
      faults.push({ path, message });
    } else if (!(weight >= 0 && weight <= MAX_WEIGHT)) {
      faults.push({ path, message: `must be a weight from 0 to ${MAX_WEIGHT}` });
    }
  }
  if (faults.length > 0 || Object.values(weights).some((weight) => weight > 0)) return faults;
  return [{ path: "mix", message: "must have a task with a weight above 0" }];
}

function countFaults(count: number): Fault[] {
  if (Number.isSafeInteger(count) && count > 0) return [];
  return [{ path: "count", message: "must be a whole number of starts from 1 on" }];
}

/** Bursts add up: several small ones pass the ceiling no more than a large one does. */
export function burstCeilingFault(
  count: number,
  running: readonly OrderedBurst[],
  ceiling: number | null,
): Fault | null {
  const others = running.reduce((sum, burst) => sum + burst.count, 0);
  if (ceiling === null || count + others <= ceiling) return null;
  const already = others === 0 ? "" : ` beside ${others} of bursts that still run`;
  const message = `is ${count} starts${already}, more than limits.burst (${ceiling}, all threads and segments together) of the configuration allows`;
  return { path: "count", message };
}

function isAmount(value: number): boolean {
  return value >= 0 && value < Infinity;
}

function meant(word: string, names: readonly string[]): string {
  const name = didYouMean(word, names);
  return name === undefined ? "" : ` Did you mean ${name}?`;
}

/** What was written, as much of it as is worth reading. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
