import type { SlotStates } from "./in-flight-table.js";
import { SLOT } from "./in-flight-table.js";
import type { Layout } from "./layout.js";

/** One half of the shared memory: counters and the states of the slots. */
export interface Half extends SlotStates {
  readonly cells: Float64Array;
}

/** The shared memory of one engine. */
export interface SharedLedger {
  readonly live: Half;
  readonly snapshot: Half;
}

/** Bytes that `layout` needs. */
export function ledgerBytes(layout: Layout): number {
  return halfBytes(layout, layout.liveCellCount) + halfBytes(layout, layout.cellCount);
}

/** Views on a ledger's memory; the same on both sides of the thread. */
export function openLedger(layout: Layout, memory: SharedArrayBuffer): SharedLedger {
  return {
    live: openHalf(layout, memory, 0, layout.liveCellCount),
    snapshot: openHalf(layout, memory, halfBytes(layout, layout.liveCellCount), layout.cellCount),
  };
}

/** Copies the live half, of its cells the first ones: tens of microseconds, called by the engine between two events. */
export function takeSnapshot(ledger: SharedLedger, cellCount: number): void {
  ledger.snapshot.cells.set(ledger.live.cells.subarray(0, cellCount));
  ledger.snapshot.states.set(ledger.live.states);
  ledger.snapshot.entries.set(ledger.live.entries);
}

/** Tasks by entry, counted from the table of tasks and from nothing else. */
export interface InFlightCounts {
  readonly publishing: Float64Array;
  readonly inFlight: Float64Array;
}

export function countInFlight(half: SlotStates, entryCount: number): InFlightCounts {
  const publishing = new Float64Array(entryCount);
  const inFlight = new Float64Array(entryCount);
  for (let slot = 0; slot < half.states.length; slot++) {
    const state = half.states[slot];
    if (state === SLOT.publishing) publishing[half.entries[slot]!]! += 1;
    else if (state === SLOT.published || state === SLOT.started) {
      inFlight[half.entries[slot]!]! += 1;
    }
  }
  return { publishing, inFlight };
}

function halfBytes(layout: Layout, cellCount: number): number {
  const slots = layout.dimensions.slots;
  return align8(cellCount * 8 + slots * 2 + slots);
}

function openHalf(layout: Layout, memory: SharedArrayBuffer, at: number, cellCount: number): Half {
  const slots = layout.dimensions.slots;
  const entriesAt = at + cellCount * 8;
  return {
    cells: new Float64Array(memory, at, cellCount),
    entries: new Uint16Array(memory, entriesAt, slots),
    states: new Uint8Array(memory, entriesAt + slots * 2, slots),
  };
}

function align8(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
