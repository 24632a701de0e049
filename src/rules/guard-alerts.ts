import { METRICS, metric } from "../exposition/metrics.js";
import { by, last, lines } from "./promql.js";
import type { Alert } from "./rule.js";

/** Alerts about what holds the load back without having been ordered by a person, and about the kill switch. */
export function guardAlerts(): Alert[] {
  return [guardFired, guardBlind, killSwitch];
}

const guardFired: Alert = {
  name: "GuardFired",
  severity: "critical",
  for: "5m",
  expr: `${last(`${metric(METRICS.guardState)}{state="fired"}`)} == 1`,
  summary: "Guard {{ $labels.guard }} has fired, and it is not over.",
  description:
    "Something that {{ $labels.instance }} watches is beyond its limit for 5 minutes or more although the load is held back (unless it only warns): it is not the load alone that makes it. /api/v1/status has the value, the limit and what is held back.",
  dashboard: "overview",
};

/** A guard whose value was known in the last hours. */
const guardBlind: Alert = {
  name: "GuardBlind",
  severity: "warning",
  for: "10m",
  expr: lines(
    `count by (${by("instance, guard")}) (${metric(METRICS.guardState)})`,
    `and count by (${by("instance, guard")}) (last_over_time(${metric(METRICS.guardHeadroom)}[6h]))`,
    `unless count by (${by("instance, guard")}) (${last(metric(METRICS.guardHeadroom))})`,
  ),
  summary: "Guard {{ $labels.guard }} cannot see what it watches any more.",
  description:
    "Its value was known before and has not been for a quarter of an hour. It stays as it is: one that is ok does not fire, one that has fired does not let go.",
  dashboard: "overview",
};

const killSwitch: Alert = {
  name: "KillSwitch",
  severity: "critical",
  for: "1m",
  expr: `${last(metric(METRICS.killSwitch))} == 1`,
  summary: "The kill switch of {{ $labels.instance }} is latched: nothing is sent.",
  description:
    "Somebody has ordered stop-all. Nothing starts until release, not even after a restart. /api/v1/status and the log say who did it and why.",
  dashboard: "overview",
};
