import type { Override, Pause, ScenarioControl, Throttle } from "./control-state.js";
import type { Facts, Planned, ScenarioFacts } from "./facts.js";
import type { Order, OrderedBy, OrderKind } from "./order.js";
import { burstCeilingFault, kindFault } from "./order-faults.js";
import { orderText } from "./order-text.js";
import { isOfRate, planMsAt, rateBefore } from "./regime-of.js";
import { conflict, type Step } from "./step.js";

/** What an order to one scenario stands before. */
export interface Situation {
  readonly control: ScenarioControl;
  readonly scenario: ScenarioFacts;
  /** The kill switch is on. */
  readonly isKilled: boolean;
  readonly facts: Facts;
}

type ScenarioKind = Exclude<OrderKind, "undo" | "stop-all" | "release">;
type ScenarioOrder<Kind extends ScenarioKind = ScenarioKind> = Order & { readonly kind: Kind };
type Take<Kind extends ScenarioKind> = (
  order: ScenarioOrder<Kind>,
  by: OrderedBy,
  situation: Situation,
) => Step;

/** What each order to a scenario does: a kind without a row here does not compile. */
const TAKES: { readonly [Kind in ScenarioKind]: Take<Kind> } = {
  override,
  pause,
  resume,
  throttle,
  start,
  stop,
  "skip-stage": skipStage,
  restart,
  burst,
};

/** What an order to a scenario makes of it; its values are known to be possible. */
export function scenarioStep<Kind extends ScenarioKind>(
  order: ScenarioOrder<Kind>,
  by: OrderedBy,
  situation: Situation,
): Step {
  const take: Take<Kind> = TAKES[order.kind as Kind];
  return take(order, by, situation);
}

/** Of each scenario, for the rate and for the mix; when there are more the oldest is forgotten. */
const MOST_OVERRIDES = 20;

function override(order: ScenarioOrder<"override">, by: OrderedBy, situation: Situation): Step {
  const { control, scenario, facts } = situation;
  const { to, overMs, ttlMs } = order;
  const { atMs, unixMs } = facts;
  const ended = whyNotRunning(order, situation);
  if (ended !== null) return ended;
  const fault = kindFault(to, scenario);
  if (fault !== null) return conflict("scenario", `Scenario ${order.scenario} ${fault}.`);
  const id = facts.newId();
  const made: Override = {
    ...{ id, to, fromMs: atMs, untilMs: ttlMs === null ? null : atMs + ttlMs },
    ...{ sinceUnixMs: unixMs, actor: by.actor, reason: by.reason },
  };
  const move = {
    ...{ id, text: orderText(order) },
    control: { ...control, overrides: withoutOldest([...control.overrides, made], to) },
  };
  if (!isOfRate(to) || scenario.planned === null) return move;
  return { ...move, ramp: overMs === 0 ? null : rampFrom(scenario.planned, situation, overMs) };
}

function rampFrom({ timeline }: Planned, { control, facts }: Situation, overMs: number) {
  const { atMs } = facts;
  const fromPerSecond = rateBefore(timeline, control.regime, atMs);
  return { fromMs: atMs, fromPerSecond, untilMs: atMs + overMs };
}

function withoutOldest(overrides: readonly Override[], newest: Override["to"]) {
  const alike = overrides.filter(({ to }) => isOfRate(to) === isOfRate(newest));
  return alike.length <= MOST_OVERRIDES ? overrides : overrides.filter((each) => each !== alike[0]);
}

function pause(order: ScenarioOrder<"pause">, by: OrderedBy, situation: Situation): Step {
  const { control, facts } = situation;
  const { guard, ttlMs, scenario } = order;
  // A guard goes on watching what is stopped, so that it holds when somebody starts it.
  const ended = guard === null ? whyNotRunning(order, situation) : null;
  if (ended !== null) return ended;
  const holding = control.pauses.find((each) => each.guard === guard);
  if (holding !== undefined) {
    const who = guard === null ? "is paused already" : `is held by guard ${guard} already`;
    return conflict("scenario", `Scenario ${scenario} ${who} (${holding.id}).`);
  }
  const id = facts.newId();
  const made: Pause = {
    ...{ id, guard, untilMs: ttlMs === null ? null : facts.atMs + ttlMs },
    ...{ sinceUnixMs: facts.unixMs, actor: by.actor, reason: by.reason },
  };
  const pauses = [...control.pauses, made];
  return { id, text: orderText(order), control: { ...control, pauses } };
}

function resume(order: ScenarioOrder<"resume">, _by: OrderedBy, situation: Situation): Step {
  const { control, facts, isKilled } = situation;
  const pauses = control.pauses.filter(({ guard }) => guard !== order.guard);
  if (pauses.length < control.pauses.length) {
    const still = pauses.map(({ guard }) => `; guard ${guard} still holds it`).join("");
    const text = `${orderText(order)}${order.guard === null ? still : ""}`;
    return { id: facts.newId(), text, control: { ...control, pauses } };
  }
  if (order.guard !== null) {
    return conflict("scenario", `Guard ${order.guard} does not hold scenario ${order.scenario}.`);
  }
  if (pauses.length > 0) return conflict("scenario", heldByGuards(order.scenario, pauses));
  const ended = whyNotRunning(order, situation);
  if (ended !== null) return ended;
  return conflict(
    "scenario",
    isKilled
      ? `Scenario ${order.scenario} is held by the kill switch: it goes on after release.`
      : `Scenario ${order.scenario} is not paused.`,
  );
}

/** It lies over nothing and nothing over it: the rate is its chooser's, the part of it the guard's. */
function throttle(order: ScenarioOrder<"throttle">, by: OrderedBy, situation: Situation): Step {
  const { control, scenario, facts } = situation;
  const { guard, factor, ttlMs } = order;
  if (scenario.planned === null) return noRate(order, "has no rate to lower");
  const before = control.throttles.find((each) => each.guard === guard);
  const id = before?.id ?? facts.newId();
  const made: Throttle = {
    ...{ id, guard, factor, untilMs: facts.atMs + ttlMs },
    ...{ sinceUnixMs: before?.sinceUnixMs ?? facts.unixMs, actor: by.actor, reason: by.reason },
  };
  const others = control.throttles.filter((each) => each !== before);
  const throttles = factor === 1 ? others : [...others, made];
  return { id, text: orderText(order), control: { ...control, throttles } };
}

/** A guard's reason says what it waits for. */
function heldByGuards(scenario: string, pauses: readonly Pause[]): string {
  const guards = pauses.map(({ guard, reason }) =>
    reason === "" ? `guard ${guard}` : `guard ${guard} (${reason})`,
  );
  return `Scenario ${scenario} is held by ${guards.join(" and ")}: it goes on when that lets go.`;
}

/** From the beginning of its plan, without what a person had paused: overrides stay. */
function start(order: ScenarioOrder<"start">, _by: OrderedBy, situation: Situation): Step {
  const { control, scenario, facts } = situation;
  if (!(control.isStopped || scenario.isOver)) {
    return conflict(
      "scenario",
      `Scenario ${order.scenario} is not stopped. \`restart\` sets its plan back to the beginning.`,
    );
  }
  if (scenario.planned !== null && facts.atMs >= scenario.planned.plan.untilMs) {
    return conflict("scenario", `The time of the whole run is over (--for): start a new one.`);
  }
  return {
    ...{ id: facts.newId(), text: orderText(order), planMs: 0, ramp: null, isStart: true },
    control: { ...control, isStopped: false, pauses: held(control), bursts: [] },
  };
}

function stop(order: ScenarioOrder<"stop">, _by: OrderedBy, situation: Situation): Step {
  const { control, facts } = situation;
  const ended = whyNotRunning(order, situation);
  if (ended !== null) return ended;
  return {
    ...{ id: facts.newId(), text: orderText(order), ramp: null },
    control: { ...control, isStopped: true, pauses: held(control), bursts: [] },
  };
}

/** What guards hold, a stop or start does not end. */
function held({ pauses }: ScenarioControl): readonly Pause[] {
  return pauses.filter(({ guard }) => guard !== null);
}

function skipStage(order: ScenarioOrder<"skip-stage">, _by: OrderedBy, situation: Situation): Step {
  const { control, scenario, facts } = situation;
  const ended = whyNotRunning(order, situation);
  if (ended !== null) return ended;
  if (scenario.planned === null) return noRate(order, "has no stages");
  const { profile, endMs } = scenario.planned.plan;
  const planMs = planMsAt(control.regime, facts.atMs);
  const toMs = planMs < 0 ? 0 : planMs + profile.stageAt(planMs).remainingMs;
  if (toMs === Infinity) {
    return conflict(
      "scenario",
      `Scenario ${order.scenario} has one stage without an end (${profile.title}): there is none to skip to. \`stop\` ends it.`,
    );
  }
  const stages = { id: facts.newId(), text: orderText(order), control };
  return { ...stages, planMs: Math.min(toMs, endMs) };
}

function restart(order: ScenarioOrder<"restart">, _by: OrderedBy, situation: Situation): Step {
  const { control, facts } = situation;
  const ended = whyNotRunning(order, situation);
  if (ended !== null) return ended;
  return { id: facts.newId(), text: orderText(order), control, planMs: 0 };
}

function burst(order: ScenarioOrder<"burst">, by: OrderedBy, situation: Situation): Step {
  const { control, scenario, facts, isKilled } = situation;
  const { count, overMs } = order;
  const { atMs, unixMs, limits } = facts;
  const ended = whyNotRunning(order, situation);
  if (ended !== null) return ended;
  if (scenario.usersAtMost !== null) return noRate(order, "starts when its users do: order users");
  if (scenario.planned === null) return noRate(order, "starts as many as it may already");
  if (isKilled || control.pauses.length > 0) {
    const who = isKilled ? "held by the kill switch" : "paused";
    const advice = isKilled ? "`release` first" : "`resume` it first";
    return conflict("scenario", `Scenario ${order.scenario} is ${who}: ${advice}.`);
  }
  const running = control.bursts.filter(({ untilMs }) => untilMs > atMs);
  const fault = burstCeilingFault(count, running, limits.burst);
  if (fault !== null) return { refused: "bad", faults: [fault] };
  if (running.length >= MOST_BURSTS) {
    return conflict(
      "scenario",
      `Scenario ${order.scenario} has ${MOST_BURSTS} bursts that still run: wait, or undo one.`,
    );
  }
  const id = facts.newId();
  const made = {
    ...{ id, count, fromMs: atMs, untilMs: atMs + Math.max(1, overMs) },
    ...{ sinceUnixMs: unixMs, actor: by.actor, reason: by.reason },
  };
  return { id, text: orderText(order), control: { ...control, bursts: [...running, made] } };
}

/** Of each scenario at the same time. */
const MOST_BURSTS = 20;

/** The refusal of what makes no sense while nothing runs. */
function whyNotRunning(order: ScenarioOrder, { control, scenario }: Situation) {
  if (!(control.isStopped || scenario.isOver)) return null;
  const how = control.isStopped ? "is stopped" : "has ended";
  return conflict("scenario", `Scenario ${order.scenario} ${how}: \`start\` begins it anew.`);
}

function noRate({ scenario }: ScenarioOrder, what: string) {
  return conflict("scenario", `Scenario ${scenario} is a closed loop, which ${what}.`);
}
