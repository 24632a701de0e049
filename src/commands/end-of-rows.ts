import { dataOfStart } from "../config/data/check-data.js";
import type { Config, ScenarioConfig } from "../config/schema.js";
import { startAfter } from "../plan/mix.js";

/** The last row of data that gives each row once, which ends a scenario. */
export interface EndOfRows {
  readonly data: string;
  readonly rows: number;
  /** Starts of the scenario until then. */
  readonly starts: number;
}

/**
 * Which rows end a scenario first; null: none.
 *
 * @param rowsOf how many rows there are of each data that gives each row once
 */
export function endOfRows(
  { mix }: ScenarioConfig,
  config: Config,
  rowsOf: ReadonlyMap<string, number>,
): EndOfRows | null {
  const tasks = new Map(Object.entries(config.tasks));
  const dataOf = Object.keys(mix).map((key) => dataOfStart(key, tasks)[0]);
  let first: EndOfRows | null = null;
  for (const [data, rows] of rowsOf) {
    const starts = startAfter(Object.values(mix), (entry) => dataOf[entry] === data, rows);
    if (starts < (first?.starts ?? Number.POSITIVE_INFINITY)) first = { data, rows, starts };
  }
  return first;
}
