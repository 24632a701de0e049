import { firstRegime } from "../plan/regime.js";
import { createTimeline, type TimelinePlan } from "../plan/timeline.js";
import type { Change } from "./answer.js";
import type { ControlState, Override, ScenarioControl } from "./control-state.js";
import type { Ceilings, EntryMix, ScenarioFacts } from "./facts.js";
import { firstControl } from "./first-state.js";
import { letPass } from "./follow.js";
import { kindFault, overrideFaults } from "./order-faults.js";
import { overrideText } from "./order-text.js";
import { planMsAt, regimeOf } from "./regime-of.js";

/** A scenario as the configuration has it. */
export interface PlannedScenario {
  /** null: `max`. Of users the profile is their number. */
  readonly plan: TimelinePlan | null;
  /** As in the facts. */
  readonly usersAtMost: number | null;
  readonly mix: EntryMix;
  readonly startAfterMs: number;
  readonly warmupMs: number;
}

/** How this life begins. */
export interface CarriedOn {
  /** Each regime holds from the elapsed time 0. */
  readonly state: ControlState;
  readonly scenarios: ReadonlyMap<string, Omit<ScenarioFacts, "isOver">>;
  /** What ended by its ttl while nothing ran. */
  readonly changes: readonly Change[];
  /** What of the former life does not fit this configuration, in sentences. */
  readonly dropped: readonly string[];
}

/**
 * The state at the beginning of a life: each plan is where the wall clock says. What would have started in the gap
 * counts as planned nowhere, but its numbers are passed over, so that all threads and segments agree on the next one.
 *
 * @param former what the former life left, its times relative to its last sign of life; null: it is the first one
 * @param gapMs from that sign of life to the elapsed time 0 of this one
 * @param world `unixMs`: what the clock on the wall shows at that time 0
 */
export function carryOn(
  former: ControlState | null,
  gapMs: number,
  plans: ReadonlyMap<string, PlannedScenario>,
  world: { readonly limits: Ceilings; readonly unixMs: number },
): CarriedOn {
  const { limits, unixMs } = world;
  const dropped: string[] = [];
  const controls = new Map<string, ScenarioControl>();
  for (const [name, scenario] of plans) {
    const known = former !== null && Object.hasOwn(former.scenarios, name);
    const control = known ? later(former.scenarios[name]!, -gapMs) : null;
    controls.set(
      name,
      control === null
        ? heldBy(former, firstControl(firstRegime(scenario.startAfterMs, unixMs)), scenario)
        : fitting(name, control, scenario, limits, dropped),
    );
  }
  const gone = Object.keys(former?.scenarios ?? {}).filter((name) => !plans.has(name));
  dropped.push(...gone.map((name) => `scenario ${name}, which the configuration has no more`));
  const state: ControlState = {
    revision: former?.revision ?? 0,
    killSwitch: former?.killSwitch ?? null,
    scenarios: Object.fromEntries(controls),
  };
  return { ...passGap(state, plans, { limits, unixMs, gapMs }), dropped };
}

/** A scenario that is new to the state is held by a latched kill switch as all are. */
function heldBy(former: ControlState | null, control: ScenarioControl, { mix }: PlannedScenario) {
  const isKilled = former !== null && former.killSwitch !== null;
  return { ...control, regime: regimeOf(control, isKilled, mix, 0) };
}

/** The same with all its times so much later. */
export function later(control: ScenarioControl, byMs: number): ScenarioControl {
  const shifted = <T extends { readonly untilMs: number | null }>(each: T): T => ({
    ...each,
    untilMs: each.untilMs === null ? null : each.untilMs + byMs,
  });
  const since = <T extends { readonly fromMs: number; readonly untilMs: number | null }>(each: T) =>
    ({ ...shifted(each), fromMs: each.fromMs + byMs }) as T;
  const { regime } = control;
  const { override } = regime;
  return {
    ...control,
    pauses: control.pauses.map(shifted),
    throttles: control.throttles.map((each) => ({ ...each, untilMs: each.untilMs + byMs })),
    overrides: control.overrides.map(since),
    bursts: control.bursts.map(since),
    regime: {
      ...regime,
      fromMs: regime.fromMs + byMs,
      zeroUnixMs: regime.zeroUnixMs - byMs,
      ramp: regime.ramp === null ? null : since(regime.ramp),
      bursts: regime.bursts.map(since),
      override:
        override?.kind === "profile" ? { ...override, fromMs: override.fromMs + byMs } : override,
    },
  };
}

/** Without overrides that this configuration does not allow. */
function fitting(
  name: string,
  control: ScenarioControl,
  { plan, mix, usersAtMost }: PlannedScenario,
  limits: Ceilings,
  dropped: string[],
): ScenarioControl {
  const planned = plan === null ? null : { plan, timeline: createTimeline(plan, control.regime) };
  const scenario = { planned, mix, usersAtMost, isOver: false, warmupMs: 0 };
  const whyNot = ({ to }: Override) => {
    const kind = kindFault(to, scenario);
    if (kind !== null) return kind;
    return overrideFaults(to, scenario, limits)[0]?.message;
  };
  const overrides = control.overrides.filter((override) => {
    const why = whyNot(override);
    const { id, to } = override;
    if (why === undefined) return true;
    dropped.push(`override ${id} of scenario ${name} (${overrideText(to)}): ${why}`);
    return false;
  });
  return { ...control, overrides };
}

/** From the last sign of life to the elapsed time 0. */
function passGap(
  state: ControlState,
  plans: ReadonlyMap<string, PlannedScenario>,
  { limits, unixMs, gapMs }: { limits: Ceilings; unixMs: number; gapMs: number },
): Omit<CarriedOn, "dropped"> {
  const isKilled = state.killSwitch !== null;
  const scenarios = new Map<string, ScenarioFacts>();
  for (const [name, { plan, mix, usersAtMost, warmupMs }] of plans) {
    const { regime, startsBefore } = state.scenarios[name]!;
    const timeline = plan === null ? null : createTimeline(plan, regime, startsBefore);
    const planned = plan === null || timeline === null ? null : { plan, timeline };
    scenarios.set(name, { planned, mix, usersAtMost, warmupMs, isOver: false });
  }
  const world = { nowMs: -gapMs, atMs: -gapMs, unixMs, newId: () => "", changes: [] };
  const passed = letPass(state, { ...world, limits, scenarios }, 0);
  const now = new Map<string, ScenarioFacts>();
  const controls: Record<string, ScenarioControl> = {};
  for (const [name, facts] of passed.scenarios) {
    const before = passed.state.scenarios[name]!;
    const { planned, mix } = facts;
    const startsBefore = planned?.timeline.startsBy(0) ?? before.startsBefore;
    const planMs = planMsAt(before.regime, 0);
    const regime = regimeOf(before, isKilled, mix, 0, { planMs, zeroUnixMs: unixMs });
    controls[name] = { ...before, regime, startsBefore };
    const timeline = planned && createTimeline(planned.plan, regime, startsBefore);
    now.set(name, { ...facts, planned: planned && timeline && { ...planned, timeline } });
  }
  return {
    state: { ...passed.state, scenarios: controls },
    scenarios: now,
    changes: passed.changes,
  };
}
