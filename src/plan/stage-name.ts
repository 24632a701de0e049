/** What the name of a stage is made of. */
export interface NamedStage {
  readonly fromPerSecond: number;
  readonly toPerSecond: number;
  readonly durationMs: number;
}

/** The name of a stage, in the words of the configuration. */
export function stageName({ fromPerSecond, toPerSecond, durationMs }: NamedStage): string {
  if (fromPerSecond !== toPerSecond) {
    return `${rateText(fromPerSecond)} to ${rateText(toPerSecond)} over ${durationText(durationMs)}`;
  }
  if (durationMs === Infinity) return rateText(fromPerSecond);
  return `${rateText(fromPerSecond)} for ${durationText(durationMs)}`;
}

/** The same of a number of users, of which `perSecond` says how many there are. */
export function usersStageName({ fromPerSecond, toPerSecond, durationMs }: NamedStage): string {
  if (fromPerSecond !== toPerSecond) {
    return `${fromPerSecond} to ${usersText(toPerSecond)} over ${durationText(durationMs)}`;
  }
  if (durationMs === Infinity) return usersText(fromPerSecond);
  return `${usersText(fromPerSecond)} for ${durationText(durationMs)}`;
}

/** `50 users` */
export function usersText(users: number): string {
  return `${users} ${users === 1 ? "user" : "users"}`;
}

const RATE_UNITS = [
  ["s", 1],
  ["m", 60],
  ["h", 3600],
] as const;

/** A rate as one would write it: `20/s`, `0.5/s`, `5/m`. At most four digits after the point. */
export function rateText(perSecond: number): string {
  for (const [unit, seconds] of RATE_UNITS) {
    const rounded = Number((perSecond * seconds).toFixed(4));
    // 5/m is 0.08333…/s: take the first unit in which the number is short.
    if (Math.abs(rounded - perSecond * seconds) <= 1e-12 * perSecond * seconds) {
      return `${rounded}/${unit}`;
    }
  }
  return `${Number(perSecond.toPrecision(4))}/s`;
}

const DURATION_UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
] as const;

/** A duration in the largest unit that fits a whole number of times: `2h`, `90m`, `5s`, `250ms`. */
export function durationText(durationMs: number): string {
  if (durationMs === 0) return "0s";
  for (const [unit, unitMs] of DURATION_UNITS) {
    if (durationMs % unitMs === 0) return `${durationMs / unitMs}${unit}`;
  }
  return `${Number(durationMs.toFixed(3))}ms`;
}
