import { stringify } from "yaml";
import { type Combination, nameOf } from "./combinations.js";
import { kindsOf, RATE_PER_SECOND } from "./kinds.js";

export interface Urls {
  readonly broker: string;
  readonly backend: string;
}

/** The queue that a trial's worker reads from the start. */
export function queueOf(combination: Combination): string {
  return nameOf(combination);
}

/** The queue whose tasks expire before anybody reads it. */
export function laterQueueOf(combination: Combination): string {
  return `${nameOf(combination)}-later`;
}

/** The daemon's configuration for a trial, as a user would write it. */
export function trialConfig(combination: Combination, urls: Urls): string {
  const kinds = kindsOf(combination);
  return stringify({
    connections: { main: urls },
    tasks: Object.fromEntries(
      kinds.map(({ key, task, isForLater }) => [
        key,
        { ...task, queue: isForLater ? laterQueueOf(combination) : queueOf(combination) },
      ]),
    ),
    scenarios: {
      trial: {
        profile: `${RATE_PER_SECOND}/s`,
        mix: Object.fromEntries(kinds.map(({ key, count }) => [key, count])),
        gracefulStop: "60s",
      },
    },
    // Long enough that a reader who comes every 50 ms finds the last page.
    server: { linger: "2s" },
  });
}
