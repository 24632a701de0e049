import type {
  ControlState,
  KillSwitch,
  Override,
  Pause,
  Throttle,
} from "../control/control-state.js";
import type { EntryMix } from "../control/facts.js";
import type { OverrideTo } from "../control/order.js";

/** What `GET /api/v1/scenarios` answers: what runs, and who steers it. Times are seconds or RFC 3339. */
export interface ScenariosAnswer {
  readonly revision: number;
  /** null: not latched. */
  readonly killSwitch: HeldBy | null;
  readonly scenarios: readonly ScenarioAnswer[];
}

export interface ScenarioAnswer extends ScenarioReading {
  readonly name: string;
  /** Weights in force, by the key of each task of its mix; they act on starts. */
  readonly mix: Readonly<Record<string, number>>;
  /** Ended by an order, until it is started. */
  readonly isStopped: boolean;
  /** Who holds it: it goes on when all have let go. */
  readonly pauses: readonly PauseAnswer[];
  /** Guards that let only a part of the rate start. */
  readonly throttles: readonly ThrottleAnswer[];
  /** The oldest first; the last one that concerns the rate is in force, and the last that concerns the mix. */
  readonly overrides: readonly OverrideAnswer[];
}

/** What a scenario does now. */
export interface ScenarioReading {
  readonly state: string;
  readonly stage: {
    readonly number: number;
    readonly name: string;
    readonly kind: string;
    /** null: it has no end. */
    readonly remainingSeconds: number | null;
  } | null;
  /** Starts a second that are wanted now; null for a closed loop. */
  readonly targetRate: number | null;
  /** Of a closed loop of users, how many there are now; else null. */
  readonly users: number | null;
  /** Tasks published a second of late; null: not known yet. */
  readonly achievedRate: number | null;
}

interface HeldBy {
  /** What `DELETE /api/v1/overrides/{id}` takes. */
  readonly id: string;
  readonly actor: string;
  readonly reason: string;
  readonly since: string;
}

export interface PauseAnswer extends HeldBy {
  /** The guard that holds it; null: a person. */
  readonly guard: string | null;
  /** When it ends by itself; null: never. */
  readonly until: string | null;
}

export interface ThrottleAnswer extends HeldBy {
  readonly guard: string;
  /** Which part of the rate starts; of several the least. */
  readonly factor: number;
  /** When it ends by itself, unless it is renewed. */
  readonly until: string | null;
}

export interface OverrideAnswer extends HeldBy {
  readonly to: OverrideTo;
  /** When it is undone by itself; null: never. */
  readonly until: string | null;
}

/** A moment in the elapsed time of the state, and on the clock. */
export interface Moment {
  readonly elapsedMs: number;
  readonly unixMs: number;
}

/** Brings together what the scenarios do and what was ordered of them; `mixes` are the configuration's. Pure. */
export function scenariosAnswer(
  readings: Readonly<Record<string, ScenarioReading>>,
  state: ControlState,
  mixes: ReadonlyMap<string, EntryMix>,
  now: Moment,
): ScenariosAnswer {
  return {
    revision: state.revision,
    killSwitch: state.killSwitch === null ? null : heldBy(state.killSwitch),
    scenarios: Object.entries(readings).map(([name, reading]) => {
      const control = Object.hasOwn(state.scenarios, name) ? state.scenarios[name] : undefined;
      return {
        name,
        state: reading.state,
        stage: reading.stage,
        targetRate: reading.targetRate,
        users: reading.users,
        achievedRate: reading.achievedRate,
        mix: mixOf(mixes.get(name), control?.regime.weights ?? null),
        isStopped: control?.isStopped ?? false,
        pauses: (control?.pauses ?? []).map((pause) => ({
          ...heldBy(pause),
          guard: pause.guard,
          until: untilOf(pause, now),
        })),
        throttles: (control?.throttles ?? []).map((throttle) => ({
          ...heldBy(throttle),
          guard: throttle.guard,
          factor: throttle.factor,
          until: untilOf(throttle, now),
        })),
        overrides: (control?.overrides ?? []).map((override) => ({
          ...heldBy(override),
          to: override.to,
          until: untilOf(override, now),
        })),
      };
    }),
  };
}

function mixOf(mix: EntryMix | undefined, ordered: readonly number[] | null) {
  if (mix === undefined) return {};
  const weights = ordered ?? mix.weights;
  return Object.fromEntries(mix.keys.map((key, index) => [key, weights[index]!]));
}

function heldBy({
  id,
  actor,
  reason,
  sinceUnixMs,
}: KillSwitch | Pause | Throttle | Override): HeldBy {
  return { id, actor, reason, since: new Date(sinceUnixMs).toISOString() };
}

function untilOf(
  { untilMs }: Pause | Throttle | Override,
  { elapsedMs, unixMs }: Moment,
): string | null {
  return untilMs === null ? null : new Date(unixMs + untilMs - elapsedMs).toISOString();
}
