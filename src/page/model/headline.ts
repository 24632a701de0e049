import type { ScenarioAnswer } from "../../http/scenarios.js";
import type { LiveStatus } from "../../reports/live-status.js";
import { percentText, plural, rateText } from "./format.js";

/** How urgent something is: `bad` wants somebody, `doubtful` makes the numbers mean less, `calm` is as wanted. */
export type Tone = "good" | "calm" | "doubtful" | "bad";

/** Something that whoever looks must know before the numbers. */
export interface Notice {
  readonly tone: Tone;
  readonly title: string;
  readonly text: string;
}

/** What is to be said first, the worst before. */
export function noticesOf({ status, control }: LiveStatus): Notice[] {
  const notices: Notice[] = [];
  const add = (tone: Tone, title: string, text: string) => notices.push({ tone, title, text });
  if (control.killSwitch !== null) {
    add("bad", "Kill switch", `nothing starts until it is released${because(control.killSwitch)}`);
  }
  if (!status.balanced) {
    add("bad", "The ledger does not add up", "a defect of ours, please report it");
  }
  if (!status.ready) {
    for (const { connection, role, message } of status.problems) {
      const place = [connection, role].filter((part) => part !== undefined).join(" ");
      add("bad", place === "" ? "Not ready" : place, message);
    }
  } else {
    for (const { message } of status.problems) add("doubtful", "Degraded", message);
  }
  for (const [name, { state, scenarios, action }] of Object.entries(status.guards)) {
    if (state !== "fired") continue;
    const held = scenarios.length === 0 ? "" : `: ${action} of ${scenarios.join(", ")}`;
    add("bad", `Guard ${name}`, `has fired${held}`);
  }
  if (status.generator.isSaturated) {
    const text = "this daemon is the bottleneck now: what it measures is not the workers' doing";
    add("doubtful", "Saturated", text);
  }
  for (const [name, { verdict, reason }] of Object.entries(status.slos)) {
    if (verdict === "missed") add("bad", `SLO ${name} is missed`, reason);
  }
  const order: readonly Tone[] = ["bad", "doubtful", "calm", "good"];
  return notices.sort((a, b) => order.indexOf(a.tone) - order.indexOf(b.tone));
}

/** What a tab says: `59.8/s · celery-load`, with a mark before it when somebody should look. */
export function titleOf(live: LiveStatus | null): string {
  if (live === null) return "celery-load";
  const isBad = noticesOf(live).some(({ tone }) => tone === "bad");
  return `${isBad ? "▲ " : ""}${rateText(live.recent.published)} · celery-load`;
}

/** What is wanted of all scenarios together; null: of one at least it is not known, as of `max`. */
export function targetOf({ status }: LiveStatus): number | null {
  let sum = 0;
  for (const { targetRate, state } of Object.values(status.scenarios)) {
    if (targetRate === null && state !== "stopped") return null;
    sum += targetRate ?? 0;
  }
  return sum;
}

/** What all that runs does: `running`, or how many do what. */
export function runText({ status }: LiveStatus): string {
  const states = Object.values(status.scenarios).map(({ state }) => state);
  const [first = "waiting"] = states;
  if (states.every((state) => state === first)) {
    return first === "stopped" ? "the run has ended" : first;
  }
  const counts = [...new Set(states)].map(
    (state) => `${states.filter((each) => each === state).length} ${state}`,
  );
  return counts.join(", ");
}

export function toneOfState(state: string): Tone {
  if (state === "running" || state === "warming") return "good";
  return state === "paused" || state === "draining" ? "doubtful" : "calm";
}

/** Who holds, throttles or overrides a scenario, in words, with what undoes it. */
export interface Held {
  readonly id: string;
  readonly text: string;
  /** Unix seconds; null: never by itself. */
  readonly until: number | null;
  /** A guard lets go by itself. */
  readonly isGuard: boolean;
}

export function heldBy({
  pauses,
  throttles,
  overrides,
}: Pick<ScenarioAnswer, "pauses" | "throttles" | "overrides">): Held[] {
  const untilOf = (until: string | null) => (until === null ? null : Date.parse(until) / 1000);
  return [
    ...pauses.map((pause) => ({
      id: pause.id,
      text:
        pause.guard === null
          ? `paused${because(pause)}`
          : `paused by guard ${pause.guard}${pause.reason === "" ? "" : `: ${pause.reason}`}`,
      until: untilOf(pause.until),
      isGuard: pause.guard !== null,
    })),
    ...throttles.map((throttle) => ({
      id: throttle.id,
      text: `at ${percentText(throttle.factor)} of its rate by guard ${throttle.guard}${throttle.reason === "" ? "" : `: ${throttle.reason}`}`,
      until: untilOf(throttle.until),
      isGuard: true,
    })),
    ...overrides.map((override) => ({
      id: override.id,
      text: `${toText(override.to)}${because(override)}`,
      until: untilOf(override.until),
      isGuard: override.actor === "guard",
    })),
  ];
}

function toText(to: ScenarioAnswer["overrides"][number]["to"]): string {
  switch (to.what) {
    case "rate":
      return `rate ${Number(to.perSecond.toPrecision(4))}/s`;
    case "scale":
      return `${to.factor} times the plan`;
    case "users":
      return plural(to.count, "user");
    case "profile":
      return `another profile (${to.profile.kind})`;
    case "mix":
      return `mix ${Object.entries(to.weights)
        .map(([key, weight]) => `${key} ${weight}`)
        .join(", ")}`;
  }
}

export function because({ actor, reason }: { readonly actor: string; readonly reason: string }) {
  return ` by ${actor}${reason === "" ? "" : `: ${reason}`}`;
}
