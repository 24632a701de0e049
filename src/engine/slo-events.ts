import type { StartEnd } from "../ledger/balance.js";
import { DROPS, OUTCOMES, PUBLISH_FAILURES } from "../ledger/ends.js";
import type { InFlightTable } from "../ledger/in-flight-table.js";
import { type Layout, SLO_COUNTERS, type SloCounter } from "../ledger/layout.js";
import type { SloPlan } from "./messages.js";

/** What the end of a start is for its SLOs, by its counter. */
export const EVENT_OF = Object.fromEntries(
  [DROPS, PUBLISH_FAILURES, OUTCOMES].flatMap((ends) =>
    Object.values(ends).map(({ counter, event }) => [counter, event]),
  ),
) as Readonly<Record<StartEnd, SloCounter>>;

export interface SloEventsOptions {
  readonly cells: Float64Array;
  readonly layout: Layout;
  readonly table: InFlightTable;
  /** In the order of their rows in the ledger. */
  readonly slos: readonly SloPlan[];
  readonly nowMs: () => number;
  /** True while this generator is the bottleneck, so that what it sees says nothing of others. */
  readonly isSaturated: (nowMs: number) => boolean;
}

/** Of an entry, its SLOs by the first cell of their counters. */
interface EntrySlos {
  /** Those that ask for the outcome only. */
  readonly outcomes: readonly number[];
  /** Those that ask for a latency, the shortest first. */
  readonly bounds: readonly Bound[];
}

interface Bound {
  readonly cell: number;
  readonly thresholdMs: number;
  /** The oldest task in flight that has not passed the threshold; -1 for none. */
  next: number;
}

/**
 * Decides, once for each start and SLO, whether it was a good event, a bad one, or none that counts.
 * The event of a latency is settled by the result or at planned start + threshold, whichever is first;
 * that of an outcome when the start ends. What comes later changes nothing.
 *
 *     dropped()  the start ends where it begins
 *     started()  it has a slot
 *     sweep()    thresholds have passed
 *     ended()    the start ends: what is not settled is now
 */
export class SloEvents {
  readonly #options: SloEventsOptions;
  /** By entry; null for one without SLOs. */
  readonly #entries: (EntrySlos | null)[];
  /** By slot: as what its events count if they do not, decided when it was planned; 0 if they do. */
  readonly #exclusions: Uint8Array;
  /** By slot: how many of its entry's bounds it has passed. */
  readonly #passed: Uint8Array;

  constructor(options: SloEventsOptions) {
    this.#options = options;
    const { table, slos, layout } = options;
    const { entries } = layout.dimensions;
    this.#entries = Array.from({ length: entries }, (_, entry) => compile(entry, slos, layout));
    const slots = slos.length > 0 ? table.capacity : 0;
    this.#exclusions = new Uint8Array(slots);
    this.#passed = new Uint8Array(slots);
  }

  /** A planned start that was never sent. */
  dropped(entry: number, end: StartEnd, isWarmup: boolean, nowMs: number): void {
    const slos = this.#entries[entry]!;
    if (slos === null) return;
    const exclusion = this.#exclusionOf(isWarmup, nowMs);
    const event = exclusion === NONE ? CODE[EVENT_OF[end]] : exclusion;
    for (const cell of slos.outcomes) this.#count(cell, event);
    for (const { cell } of slos.bounds) this.#count(cell, event);
  }

  /** A planned start that got a slot. */
  started(entry: number, slot: number, isWarmup: boolean, nowMs: number): void {
    const slos = this.#entries[entry]!;
    if (slos === null) return;
    this.#exclusions[slot] = this.#exclusionOf(isWarmup, nowMs);
    this.#passed[slot] = 0;
    for (const bound of slos.bounds) {
      if (bound.next < 0) bound.next = slot;
    }
  }

  /** Settles the events of latencies whose threshold has passed at `untilMs`. */
  sweep(untilMs: number): void {
    const { table, nowMs, isSaturated } = this.#options;
    const late = isSaturated(nowMs()) ? CODE.excludedSaturated : CODE.bad;
    for (const slos of this.#entries) {
      if (slos === null) continue;
      for (let index = 0; index < slos.bounds.length; index++) {
        const bound = slos.bounds[index]!;
        // Starts of an entry are in the order of their planned times.
        while (bound.next >= 0 && untilMs - table.plannedMs[bound.next]! > bound.thresholdMs) {
          const slot = bound.next;
          this.#passed[slot] = index + 1;
          this.#count(bound.cell, this.#exclusions[slot] || late);
          bound.next = table.newer(slot);
        }
      }
    }
  }

  /** The start in a slot ends; the slot is still in the table's list. */
  ended(entry: number, slot: number, counter: SloCounter): void {
    const slos = this.#entries[entry]!;
    if (slos === null) return;
    const { table } = this.#options;
    const nowMs = this.#options.nowMs();
    const exclusion = this.#exclusions[slot] || this.#exclusionOf(false, nowMs);
    const event = CODE[counter];
    for (const cell of slos.outcomes) this.#count(cell, exclusion || event);
    for (let index = this.#passed[slot]!; index < slos.bounds.length; index++) {
      const bound = slos.bounds[index]!;
      if (bound.next === slot) bound.next = table.newer(slot);
      const isLate = nowMs - table.plannedMs[slot]! > bound.thresholdMs;
      const couldBeLate = event === CODE.events || event === CODE.excludedStopped;
      this.#count(bound.cell, exclusion || (isLate && couldBeLate ? CODE.bad : event));
    }
  }

  #exclusionOf(isWarmup: boolean, nowMs: number): number {
    if (isWarmup) return CODE.excludedWarmup;
    return this.#options.isSaturated(nowMs) ? CODE.excludedSaturated : NONE;
  }

  #count(cell: number, event: number): void {
    const { cells } = this.#options;
    cells[cell + event]! += 1;
    if (event === CODE.bad) cells[cell + CODE.events]! += 1;
  }
}

/** Place of a counter among those of an SLO. */
const CODE = Object.fromEntries(SLO_COUNTERS.map((name, index) => [name, index])) as Readonly<
  Record<SloCounter, number>
>;
/** No exclusion. It is the place of `events`, which excludes nothing. */
const NONE = CODE.events;

function compile(entry: number, slos: readonly SloPlan[], layout: Layout): EntrySlos | null {
  const own = slos.flatMap((slo, row) =>
    slo.entry === entry ? [{ cell: layout.slo(row, SLO_COUNTERS[0]), ...slo }] : [],
  );
  if (own.length === 0) return null;
  const bounds = own.flatMap(({ cell, latencyMs }) =>
    latencyMs === null ? [] : [{ cell, thresholdMs: latencyMs, next: -1 }],
  );
  return {
    outcomes: own.filter(({ latencyMs }) => latencyMs === null).map(({ cell }) => cell),
    bounds: bounds.sort((a, b) => a.thresholdMs - b.thresholdMs),
  };
}
