import type { Accepted } from "./answer.js";
import type { ControlState } from "./control-state.js";
import type { Facts } from "./facts.js";
import { reduce } from "./reduce.js";

/** When the next override, throttle or pause undoes itself, in elapsed time; Infinity: none does. */
export function nextExpiryMs(state: ControlState): number {
  return Math.min(Infinity, ...expiries(state).map(({ untilMs }) => untilMs));
}

/** Undoes one thing whose ttl is over by the time at which a change holds, the earliest first; null: there is none. */
export function expire(state: ControlState, facts: Facts): Accepted | null {
  const due = expiries(state)
    .filter(({ untilMs }) => untilMs <= facts.atMs)
    .sort((a, b) => a.untilMs - b.untilMs)[0];
  if (due === undefined) return null;
  const by = { actor: "ttl", reason: "" } as const;
  const answer = reduce(state, { kind: "undo", id: due.id }, by, facts);
  return "refused" in answer ? null : answer;
}

function expiries({ scenarios }: ControlState): { id: string; untilMs: number }[] {
  return Object.values(scenarios).flatMap(({ pauses, throttles, overrides }) =>
    [...pauses, ...throttles, ...overrides].flatMap(({ id, untilMs }) =>
      untilMs === null ? [] : [{ id, untilMs }],
    ),
  );
}
