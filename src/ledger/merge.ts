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

/** Of counts and of shares of a rate the threads' sum; else the least or the greatest of their values. */
type Joined = "sum" | "least" | "greatest";

const ENGINE: Record<EngineCell, Joined> = {
  lastTurnSeconds: "least",
  dispatchLagMaxSeconds: "greatest",
  dispatchLagLastSecond: "greatest",
  eventLoopUtilization: "greatest",
  saturatedDispatchLag: "greatest",
  saturatedEventLoop: "greatest",
  malformedResults: "sum",
  unmatchedResults: "sum",
  foldedExceptions: "sum",
  saturatedSeconds: "greatest",
  startsToday: "sum",
};

const SCENARIO: Record<ScenarioCell, Joined> = {
  state: "least", // it has come as far as the last of its threads
  targetRate: "sum",
  stage: "greatest",
  stageRemainingSeconds: "greatest",
  remainingSeconds: "greatest",
  startedAt: "greatest",
  stageChangedAt: "greatest",
  users: "sum",
};

const CONNECTION: Record<ConnectionCell, Joined> = {
  brokerUp: "least",
  backendUp: "least",
  brokerReconnects: "sum",
  backendReconnects: "sum",
  // Every thread sees the same loss, but has a reply queue of its own.
  restartedEmpty: "greatest",
  failover: "greatest",
  purged: "greatest",
  replyQueueDeleted: "sum",
  brokerBlocked: "greatest",
};

/**
 * Adds up the ledgers of an engine's threads. Both equations of the ledger are sums, so where they hold in each they
 * hold in the whole; the tables of tasks are put one behind the other.
 */
export function mergeHalves(layout: Layout, halves: readonly Half[]): Half {
  const [first] = halves;
  if (halves.length === 1) return first!;
  const cells = new Float64Array(first!.cells.length);
  for (const half of halves) {
    for (let cell = 0; cell < cells.length; cell++) cells[cell]! += half.cells[cell]!;
  }
  const join = (cell: number, joined: Joined) => {
    if (joined === "sum") return;
    const values = halves.map((half) => half.cells[cell]!);
    cells[cell] = joined === "least" ? Math.min(...values) : Math.max(...values);
  };
  const { scenarios, connections } = layout.dimensions;
  for (const name of ENGINE_CELLS) join(layout.engine(name), ENGINE[name]);
  for (let scenario = 0; scenario < scenarios; scenario++) {
    for (const name of SCENARIO_CELLS) join(layout.scenario(scenario, name), SCENARIO[name]);
  }
  for (let connection = 0; connection < connections; connection++) {
    for (const name of CONNECTION_CELLS) {
      join(layout.connection(connection, name), CONNECTION[name]);
    }
  }
  return { cells, ...joinTables(halves) };
}

/**
 * Adds what engines have counted that are not at work any more, in the same layout: counters only, so that every cell
 * is a sum.
 */
export function addCarried(half: Half, carried: readonly Half[]): Half {
  if (carried.length === 0) return half;
  const cells = half.cells.slice();
  for (const other of carried) {
    for (let cell = 0; cell < cells.length; cell++) cells[cell]! += other.cells[cell]!;
  }
  return { cells, ...joinTables([half, ...carried]) };
}

function joinTables(halves: readonly Half[]): Pick<Half, "states" | "entries"> {
  const slots = halves.reduce((sum, half) => sum + half.states.length, 0);
  const states = new Uint8Array(slots);
  const entries = new Uint16Array(slots);
  let at = 0;
  for (const half of halves) {
    states.set(half.states, at);
    entries.set(half.entries, at);
    at += half.states.length;
  }
  return { states, entries };
}
