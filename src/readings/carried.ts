import {
  CONNECTION_CELLS,
  DATA_CELLS,
  type Dimensions,
  ENGINE_CELLS,
  ENTRY_COUNTERS,
  ENTRY_HISTOGRAMS,
  FINE,
  type HistogramPlace,
  type Layout,
  SLO_COUNTERS,
} from "../ledger/layout.js";
import type { Half } from "../ledger/snapshot.js";
import type { Subject } from "./subject.js";

/** A ledger and what its rows are. */
export interface Books {
  readonly layout: Layout;
  readonly subject: Subject;
}

/** A slot of a table that is read with others: of no entry that is shown. */
const NO_ENTRY = 0xffff;

/**
 * The ledger of an engine whose plan was replaced, in the places of the one that took over: what it counts of tasks,
 * SLOs and exceptions that the new plan has, too, goes on. What is true of an engine only while it leads (states,
 * rates, connections) is left to the new one.
 *
 * @param half a reading of the old engine: a scrape's is without fine tables, a snapshot without those of phases
 */
export function carryOver(half: Half, from: Books, to: Books): Half {
  const { fineAt, cellCount } = from.layout;
  const [hasFine, hasPhases] = [half.cells.length > fineAt, half.cells.length > cellCount];
  const cells = new Float64Array(
    hasPhases ? to.layout.liveCellCount : hasFine ? to.layout.cellCount : to.layout.fineAt,
  );
  const add = (toCell: number, fromCell: number) => {
    cells[toCell]! += half.cells[fromCell]!;
  };
  for (const cell of ENGINE_COUNTERS) add(to.layout.engine(cell), from.layout.engine(cell));
  const { connections } = to.layout.dimensions;
  for (let connection = 0; connection < connections; connection++) {
    for (const cell of CONNECTION_COUNTERS) {
      add(to.layout.connection(connection, cell), from.layout.connection(connection, cell));
    }
  }
  for (const [index, { name }] of from.subject.data.entries()) {
    const same = to.subject.data.findIndex((other) => other.name === name);
    for (const cell of same < 0 ? [] : DATA_CELLS) {
      add(to.layout.data(same, cell), from.layout.data(index, cell));
    }
  }
  const rows = matchRows(from.subject, to.subject);
  for (const [fromRow, toRow] of rows) {
    for (const counter of ENTRY_COUNTERS) {
      add(to.layout.entryCounter(toRow, counter), from.layout.entryCounter(fromRow, counter));
    }
    for (const name of ENTRY_HISTOGRAMS) {
      const place = from.layout.entryHistogram(fromRow, name);
      addHistogram(add, cells.length, place, to.layout.entryHistogram(toRow, name));
    }
    // Members have rows behind the entries', and no users.
    const [fromUser, toUser] = [
      from.subject.entries[fromRow]?.userRow,
      to.subject.entries[toRow]?.userRow,
    ];
    if (typeof fromUser === "number" && typeof toUser === "number") {
      const [place, same] = [from.layout.compensated(fromUser), to.layout.compensated(toUser)];
      addHistogram(add, cells.length, place, same);
    }
    add(to.layout.exception(toRow), from.layout.exception(fromRow));
  }
  for (const [fromRow, toRow] of matchExceptions(from.subject, to.subject, rows)) {
    add(to.layout.exception(toRow), from.layout.exception(fromRow));
  }
  for (const [fromRow, toRow] of matchSlos(from.subject, to.subject, rows)) {
    for (const counter of SLO_COUNTERS) {
      add(to.layout.slo(toRow, counter), from.layout.slo(fromRow, counter));
    }
  }
  const entries = half.entries.map((entry) => rows.get(entry) ?? NO_ENTRY);
  return { cells, states: half.states, entries };
}

/** What only grows; all else of them is true of an engine while it leads. */
const ENGINE_COUNTERS = ENGINE_CELLS.filter((cell) =>
  ["malformedResults", "unmatchedResults", "foldedExceptions"].includes(cell),
);
const CONNECTION_COUNTERS = CONNECTION_CELLS.filter(
  (cell) => !["brokerUp", "backendUp", "brokerBlocked"].includes(cell),
);

function addHistogram(
  add: (toCell: number, fromCell: number) => void,
  cellCount: number,
  a: HistogramPlace,
  b: HistogramPlace,
): void {
  // Its buckets, +Inf, and the sum.
  for (let cell = 0; cell < b.boundsMs.length + 2; cell++) add(b.offset + cell, a.offset + cell);
  if (b.fineOffset >= cellCount) return;
  for (let cell = 0; cell < FINE.size; cell++) add(b.fineOffset + cell, a.fineOffset + cell);
}

/** Rows of the new ledger by those of the old one: what is shown under the same labels. */
function matchRows(from: Subject, to: Subject): Map<number, number> {
  const free = new Map<string, number[]>();
  for (const [row, name] of namesOfRows(to)) {
    free.set(name, [...(free.get(name) ?? []), row]);
  }
  const rows = new Map<number, number>();
  for (const [row, name] of namesOfRows(from)) {
    const match = free.get(name)?.shift();
    if (match !== undefined) rows.set(row, match);
  }
  return rows;
}

function namesOfRows({ scenarios, entries, members }: Subject): [row: number, name: string][] {
  const nameOf = (entry: number) => {
    const { scenario, task, queue } = entries[entry]!;
    return JSON.stringify([scenarios[scenario]!.name, task, queue]);
  };
  return [
    ...entries.map((_, row): [number, string] => [row, nameOf(row)]),
    ...members.map(({ row, workflow, task }): [number, string] => [
      row,
      JSON.stringify([nameOf(workflow), task]),
    ]),
  ];
}

function matchExceptions(
  from: Subject,
  to: Subject,
  rows: ReadonlyMap<number, number>,
): [fromRow: number, toRow: number][] {
  const byName = new Map(
    to.exceptions.map(({ row, entry, name }) => [JSON.stringify([entry, name]), row]),
  );
  return from.exceptions.flatMap(({ row, entry, name }) => {
    const toEntry = rows.get(entry);
    if (toEntry === undefined) return [];
    // One that the new engine has not met counts as other until a place is made for it.
    return [[row, byName.get(JSON.stringify([toEntry, name])) ?? toEntry]];
  });
}

function matchSlos(
  from: Subject,
  to: Subject,
  rows: ReadonlyMap<number, number>,
): [fromRow: number, toRow: number][] {
  return from.slos.flatMap((slo) => {
    const same = to.slos.find(({ name }) => name === slo.name);
    return slo.rows.flatMap(({ row, entry }): [number, number][] => {
      const match = same?.rows.find((other) => other.entry === rows.get(entry));
      return match === undefined ? [] : [[row, match.row]];
    });
  });
}

/**
 * Places in the new ledger for the exception classes that are known, so that their counts go on; those beyond the
 * rows that there are count as `other` from now on.
 */
export function carriedExceptions(
  from: Subject,
  to: Subject,
  { entries, exceptionRows }: Pick<Dimensions, "entries" | "exceptionRows">,
  threads: number,
): Subject["exceptions"] {
  const rows = matchRows(from, to);
  const known = new Map<string, { entry: number; name: string }>();
  for (const { entry, name } of from.exceptions) {
    const toEntry = rows.get(entry);
    if (toEntry === undefined) continue;
    known.set(JSON.stringify([toEntry, name]), { entry: toEntry, name });
  }
  // They take the first rows of the first thread's part (`engine/exception-rows.ts`), not all of it.
  const most = Math.floor((exceptionRows - entries) / threads / 2);
  return [...known.values()]
    .slice(0, most)
    .map(({ entry, name }, index) => ({ row: entries + index, entry, name }));
}
