import type { Change } from "./answer.js";
import type { ControlState } from "./control-state.js";
import { expire, nextExpiryMs } from "./expire.js";
import type { Facts, ScenarioFacts } from "./facts.js";

/** The scenarios with timelines that follow what the state says from now on. */
export function follow(
  scenarios: ReadonlyMap<string, ScenarioFacts>,
  state: ControlState,
): ReadonlyMap<string, ScenarioFacts> {
  return new Map(
    [...scenarios].map(([name, facts]) => {
      const { regime } = state.scenarios[name]!;
      const { planned } = facts;
      if (planned === null || planned.timeline.regime === regime) return [name, facts];
      return [
        name,
        { ...facts, planned: { ...planned, timeline: planned.timeline.change(regime) } },
      ];
    }),
  );
}

/** A state with timelines that follow it. */
export interface Followed {
  readonly state: ControlState;
  readonly scenarios: ReadonlyMap<string, ScenarioFacts>;
  /** What ended on the way. */
  readonly changes: readonly Change[];
}

/** What becomes of a state if nobody orders anything up to a time: what has a ttl by then ends when it says. */
export function letPass(state: ControlState, facts: Facts, untilMs: number): Followed {
  const changes: Change[] = [];
  let now = { state, facts: { ...facts, scenarios: follow(facts.scenarios, state) } };
  for (let next = nextExpiryMs(state); next <= untilMs; next = nextExpiryMs(now.state)) {
    const atMs = Math.max(next, now.facts.atMs);
    const ended = expire(now.state, { ...now.facts, atMs });
    if (ended === null) break;
    changes.push(ended.change);
    const scenarios = follow(now.facts.scenarios, ended.state);
    now = { state: ended.state, facts: { ...now.facts, atMs, scenarios } };
  }
  return { state: now.state, scenarios: now.facts.scenarios, changes };
}
