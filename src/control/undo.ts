import { durationText } from "../plan/stage-name.js";
import type { ControlState, Override, Pause, ScenarioControl, Throttle } from "./control-state.js";
import type { Facts } from "./facts.js";
import type { Actor } from "./order.js";
import { quoted } from "./order-faults.js";
import { burstText, byGuard, overrideText, throttleText } from "./order-text.js";
import { rateInForce } from "./regime-of.js";
import { conflict, type Step } from "./step.js";

/**
 * What the end of an override, pause or burst makes of its scenario. When an override in force ends, the one before it
 * is in force again, else the plan, at once. What a guard holds back ends by that
 * guard, or by its ttl.
 */
export function undoStep(
  state: ControlState,
  id: string,
  actor: Actor,
  facts: Facts,
): { readonly scenario: string; readonly step: Step } {
  for (const [scenario, control] of Object.entries(state.scenarios)) {
    const step = stepOf(control, id, actor, facts);
    if (step !== null) return { scenario, step };
  }
  return { scenario: "", step: whyNot(state, id, facts) };
}

function stepOf(control: ScenarioControl, id: string, actor: Actor, facts: Facts): Step | null {
  const override = control.overrides.find((each) => each.id === id);
  if (override !== undefined) return withoutOverride(control, override);
  const pause = control.pauses.find((each) => each.id === id);
  if (pause !== undefined) return withoutPause(control, pause, actor);
  const throttle = control.throttles.find((each) => each.id === id);
  if (throttle !== undefined) return withoutThrottle(control, throttle, actor);
  const burst = running(control, facts).find((each) => each.id === id);
  if (burst === undefined) return null;
  const left = durationText(Math.round(burst.untilMs - facts.atMs));
  return {
    ...{ id, text: `undo ${burstText(burst.count)}, ${left} before its end` },
    control: { ...control, bursts: control.bursts.filter((each) => each !== burst) },
  };
}

function withoutOverride(control: ScenarioControl, ended: Override): Step {
  const isInForce = rateInForce(control) === ended;
  return {
    ...{ id: ended.id, text: `undo ${overrideText(ended.to)}` },
    control: { ...control, overrides: control.overrides.filter((each) => each !== ended) },
    ...(isInForce ? { ramp: null } : {}),
  };
}

function withoutPause(control: ScenarioControl, ended: Pause, actor: Actor): Step {
  const { id, guard } = ended;
  if (guard !== null && actor !== "ttl") return onlyByGuard("pause", { ...ended, guard });
  const pauses = control.pauses.filter((each) => each !== ended);
  return { id, text: `undo pause${byGuard(guard)}`, control: { ...control, pauses } };
}

function withoutThrottle(control: ScenarioControl, ended: Throttle, actor: Actor): Step {
  const text = throttleText(ended.factor);
  if (actor !== "ttl") return onlyByGuard(text, ended);
  const throttles = control.throttles.filter((each) => each !== ended);
  const done = { id: ended.id, text: `undo ${text}${byGuard(ended.guard)}` };
  return { ...done, control: { ...control, throttles } };
}

function onlyByGuard(
  what: string,
  { id, guard, reason }: Pick<Throttle, "id" | "guard" | "reason">,
) {
  const why = reason === "" ? "" : ` (${reason})`;
  return conflict("id", `${id} is a ${what} by guard ${guard}${why}: it ends when that lets go.`);
}

/** Why there is nothing of that id to undo. */
function whyNot({ killSwitch, scenarios }: ControlState, id: string, facts: Facts): Step {
  if (killSwitch?.id === id) {
    return conflict("id", `${id} is the kill switch: \`release\` ends it.`);
  }
  const past = facts.changes.findLast((change) => change.id === id);
  if (past !== undefined) {
    const isOver = UNDOABLE.has(past.kind) ? "is over already" : "cannot be undone";
    return conflict("id", `${id} (${past.text}) ${isOver}.`);
  }
  const ids = Object.values(scenarios).flatMap((control) => undoable(control, facts));
  const there = ids.length === 0 ? "Nothing can be undone now." : `There are: ${ids.join(", ")}`;
  const message = `there is nothing with the id ${quoted(id)} to undo. ${there}`;
  return { refused: "unknown", faults: [{ path: "id", message }] };
}

/** What has an end of its own. */
const UNDOABLE: ReadonlySet<string> = new Set([
  "override",
  "pause",
  "burst",
  "throttle",
  "undo",
  "stop-all",
]);

function undoable(control: ScenarioControl, facts: Facts): string[] {
  return [
    ...control.overrides.map(({ id, to }) => `${id} (${overrideText(to)})`),
    ...control.pauses.map(({ id, guard }) => `${id} (pause${byGuard(guard)})`),
    ...running(control, facts).map(({ id, count }) => `${id} (${burstText(count)})`),
  ];
}

function running({ bursts }: ScenarioControl, { atMs }: Facts) {
  return bursts.filter(({ untilMs }) => untilMs > atMs);
}
