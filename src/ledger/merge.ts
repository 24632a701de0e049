import {
  CONNECTION_CELLS,
  type ConnectionCell,
  ENGINE_CELLS,
  type EngineCell,
  type Layout,
  SCENARIO_CELLS,
  type ScenarioCell,
} from "./layout.js";
import type { Half } from "./snapshot.js";

/** What is neither a count nor a share of a rate: of the threads' values the least or the greatest holds. */
type Choice = typeof Math.min | typeof Math.max;

const ENGINE: Partial<Record<EngineCell, Choice>> = {
  lastTurnSeconds: Math.min,
  dispatchLagMaxSeconds: Math.max,
  dispatchLagLastSecond: Math.max,
  eventLoopUtilization: Math.max,
  saturatedDispatchLag: Math.max,
  saturatedEventLoop: Math.max,
};

/** A scenario has come as far as the last of its threads. */
const SCENARIO: Partial<Record<ScenarioCell, Choice>> = {
  state: Math.min,
  stage: Math.max,
  stageRemainingSeconds: Math.max,
  startedAt: Math.max,
  stageChangedAt: Math.max,
};

const CONNECTION: Partial<Record<ConnectionCell, Choice>> = {
  brokerUp: Math.min,
  backendUp: Math.min,
  // Every thread sees the same loss.
  restartedEmpty: Math.max,
  failover: Math.max,
  brokerBlocked: Math.max,
};

/**
 * Adds up the ledgers of an engine's threads. Both equations of the ledger are sums, so where they hold in each they
 * hold in the whole; the tables of tasks are put one behind the other.
 */
export function mergeHalves(layout: Layout, halves: readonly Half[]): Half {
  const [first] = halves;
  if (halves.length === 1) return first!;
  const cells = new Float64Array(layout.cellCount);
  for (const half of halves) {
    for (let cell = 0; cell < cells.length; cell++) cells[cell]! += half.cells[cell]!;
  }
  const choose = (cell: number, choice: Choice | undefined) => {
    if (choice !== undefined) cells[cell] = choice(...halves.map((half) => half.cells[cell]!));
  };
  const { scenarios, connections, slots } = layout.dimensions;
  for (const name of ENGINE_CELLS) choose(layout.engine(name), ENGINE[name]);
  for (let scenario = 0; scenario < scenarios; scenario++) {
    for (const name of SCENARIO_CELLS) choose(layout.scenario(scenario, name), SCENARIO[name]);
  }
  for (let connection = 0; connection < connections; connection++) {
    for (const name of CONNECTION_CELLS) {
      choose(layout.connection(connection, name), CONNECTION[name]);
    }
  }
  const states = new Uint8Array(slots * halves.length);
  const entries = new Uint16Array(slots * halves.length);
  for (const [thread, half] of halves.entries()) {
    states.set(half.states, thread * slots);
    entries.set(half.entries, thread * slots);
  }
  return { cells, states, entries };
}
