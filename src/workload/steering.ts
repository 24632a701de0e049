import type { Config } from "../config/schema.js";
import type { PlannedScenario } from "../control/carry-on.js";
import type { Ceilings } from "../control/facts.js";
import type { EnginePlan, ScenarioPlan } from "../engine/messages.js";
import {
  createProfile,
  hasRate,
  type Profile,
  type ProfileSpec,
  recordedKinds,
} from "../plan/profile.js";
import { mostUsersWithin, userNumbers } from "../plan/profiles/users.js";

/** What orders can be about, and what none of them may pass. */
export interface Steerable {
  readonly scenarios: ReadonlyMap<string, PlannedScenario>;
  readonly limits: Ceilings;
}

/** What of a plan can be steered. Pure. */
export function planSteering(
  config: Config,
  { scenarios }: Pick<EnginePlan, "scenarios">,
): Steerable {
  const { maxRatePerSecond, burst } = config.limits;
  return {
    limits: { maxRatePerSecond, burst },
    scenarios: new Map(
      scenarios.map((scenario) => [
        scenario.name,
        {
          plan: planOf(scenario),
          usersAtMost: usersAtMost(scenario, maxRatePerSecond),
          mix: {
            keys: Object.keys(config.scenarios[scenario.name]!.mix),
            weights: Object.values(config.scenarios[scenario.name]!.mix),
            isRecorded: recordedKinds(scenario.profile) !== null,
          },
          startAfterMs: scenario.startAfterMs,
          warmupMs: scenario.warmupMs,
        },
      ]),
    ),
  };
}

function planOf({ profile: spec, endMs, untilMs, windows }: ScenarioPlan): PlannedScenario["plan"] {
  const profile = steeredProfile(spec);
  return profile === null ? null : { profile, endMs, untilMs, windows };
}

/** What overrides, ramps and throttles act on; null: nothing. */
function steeredProfile(spec: ProfileSpec): Profile | null {
  if (hasRate(spec)) return createProfile(spec);
  return spec.kind === "users" ? userNumbers(spec) : null;
}

function usersAtMost(
  { profile, maxInFlight }: ScenarioPlan,
  maxRatePerSecond: number | null,
): number | null {
  if (profile.kind !== "users") return null;
  const within = maxRatePerSecond === null ? Infinity : mostUsersWithin(profile, maxRatePerSecond);
  return Math.min(maxInFlight, within);
}
