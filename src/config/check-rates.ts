import { endOf, peakOf } from "../plan/profile.js";
import type { ScenarioPart } from "./cross-check.js";
import { type ConfigIssue, issue } from "./faults/config-issue.js";
import { formatRate } from "./quantities.js";

const REMEDY = "Lower the rate or raise limits.maxRate.";

/** Holds the highest rates against `limits.maxRate`: of each scenario, and of those that run at the same time. */
export function checkRates(
  scenarios: ReadonlyMap<string, ScenarioPart>,
  maxRate: number | null,
): ConfigIssue[] {
  if (maxRate === null) return [];
  const own = [...scenarios].flatMap(([name, scenario]) => checkPeak(name, scenario, maxRate));
  return own.length > 0 ? own : checkTogether([...scenarios], maxRate);
}

function checkPeak(name: string, { profile }: ScenarioPart, maxRate: number): ConfigIssue[] {
  const peak = peakOf(profile);
  if (peak <= maxRate) return [];
  const limit = `limits.maxRate (${formatRate(maxRate)})`;
  const message =
    peak === Number.POSITIVE_INFINITY
      ? `must be a rate, because ${profile.kind === "users" ? "users without a wait have" : "max has"} no upper bound and ${limit} is set`
      : `must stay at or below ${limit}; its highest rate is ${formatRate(peak)}`;
  const remedy =
    profile.kind === "users"
      ? "Give the users a maxRate within it, or raise limits.maxRate."
      : REMEDY;
  return [issue(["scenarios", name, "profile"], message, { remedy, hidesValue: true })];
}

/** The most scenarios run together from the start of one of them on. */
function checkTogether(
  scenarios: readonly (readonly [name: string, scenario: ScenarioPart])[],
  maxRate: number,
): ConfigIssue[] {
  const sumOf = (together: typeof scenarios) =>
    together.reduce((sum, [, { profile }]) => sum + peakOf(profile), 0);
  const worst = scenarios
    .map(([, { startAfterMs }]) => scenarios.filter(([, other]) => runsAt(other, startAfterMs)))
    .reduce((most, together) => (sumOf(together) > sumOf(most) ? together : most), []);
  const sum = sumOf(worst);
  // Rates such as 0.1/s are not exact.
  if (sum <= maxRate * (1 + 1e-9)) return [];
  const each = worst.slice(0, 10).map(([name, { profile }]) => {
    return `${name} ${formatRate(peakOf(profile))}`;
  });
  const names = `${each.join(", ")}${worst.length > 10 ? ", …" : ""}`;
  const message = `must be at least what scenarios reach together (${names})`;
  return [issue(["limits", "maxRate"], message, { remedy: REMEDY })];
}

function runsAt({ startAfterMs, durationMs, profile }: ScenarioPart, atMs: number): boolean {
  const lastsMs = Math.min(durationMs ?? Number.POSITIVE_INFINITY, endOf(profile));
  return startAfterMs <= atMs && atMs < startAfterMs + lastsMs;
}
