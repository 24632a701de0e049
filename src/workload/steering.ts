import type { Config } from "../config/schema.js";
import type { PlannedScenario } from "../control/carry-on.js";
import type { Ceilings } from "../control/facts.js";
import type { EnginePlan, ScenarioPlan } from "../engine/messages.js";
import { createProfile, hasRate, type RatedSpec } from "../plan/profile.js";
import type { TimelinePlan } from "../plan/timeline.js";

/** What orders can be about, and what none of them may pass. */
export interface Steerable {
  readonly scenarios: ReadonlyMap<string, PlannedScenario>;
  readonly limits: Ceilings;
}

function timelinePlan(
  profile: RatedSpec,
  { endMs, untilMs, windows }: Pick<ScenarioPlan, "endMs" | "untilMs" | "windows">,
): TimelinePlan {
  return { profile: createProfile(profile), endMs, untilMs, windows };
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
      scenarios.map(({ name, profile, weights, startAfterMs, warmupMs, ...scenario }) => [
        name,
        {
          plan: hasRate(profile) ? timelinePlan(profile, scenario) : null,
          mix: { keys: Object.keys(config.scenarios[name]!.mix), weights },
          startAfterMs,
          warmupMs,
        },
      ]),
    ),
  };
}
