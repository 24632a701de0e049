import type { Capacity } from "../control/impact.js";
import type { ObservedConnection } from "../observer/connection-observer.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";

/**
 * What the workers of a scenario's queues can do, by their places and how long its tasks have run on the mean.
 *
 * @returns null when they have not told their places, or no task of it has told how long it ran
 */
export function capacityOf(
  scenario: string,
  { scenarios, entries }: Subject,
  ledger: LedgerView,
  observed: readonly ObservedConnection[],
): Capacity | null {
  const index = scenarios.findIndex(({ name }) => name === scenario);
  const rows = [...entries.keys()].filter((row) => entries[row]!.scenario === index);
  const queues = new Set(rows.map((row) => entries[row]!.queue));
  let places = 0;
  for (const { workers } of observed) {
    for (const { up, poolSize, queues: consumed } of workers) {
      if (up === 1 && consumed.some((queue) => queues.has(queue))) places += poolSize ?? 0;
    }
  }
  const counts = new Float64Array(ledger.boundsMs("run").length + 1);
  let sumMs = 0;
  let inFlight = 0;
  for (const row of rows) {
    sumMs += ledger.addHistogram(row, "run", counts);
    inFlight += ledger.inFlight(row) + ledger.publishing(row);
  }
  const count = counts.reduce((sum, each) => sum + each, 0);
  if (places === 0 || count === 0) return null;
  return {
    places,
    meanRunSeconds: sumMs / count / 1000,
    waiting: Math.max(0, inFlight - places),
  };
}
