import type { LedgerView } from "../../readings/ledger-view.js";
import type { GuardSubject } from "../guard-plan.js";
import { MIN_VALUES, type Slope, slopeOf } from "../slope.js";
import { type Found, known, unknown, type Watcher } from "./watch.js";

/** A value of the series is the mean of the looks of so long. */
const BIN_MS = 5_000;
/** The window: two minutes at most, and half a minute at least. */
const MAX_BINS = 24;
/** A queue wanders for minutes without going anywhere: it must be so many times what it has been, and some tasks more. */
const TIMES_BEFORE = 2;
const MIN_GROWTH = 10;
/** What it has been is forgotten slowly, from bin to bin: by half in half an hour. */
const FADING = 0.998;
/** Nothing has come back for so many times as long as tasks took before: nothing comes any more. */
const SILENT_LATENCIES = 2;

/** The looks of one bin together. */
interface Bin {
  readonly startedMs: number;
  looks: number;
  backlogSum: number;
  /** Running totals at its begin. */
  readonly totals: Totals;
}

interface Totals {
  /** Starts that were sent, or dropped as too many were in flight. */
  readonly started: number;
  readonly droppedInFlight: number;
  /** Those, and what timed out: they would wait yet if they might. */
  readonly givenUp: number;
  readonly results: number;
  readonly latencies: number;
  readonly latencyMs: number;
}

/**
 * By which share of the tasks that are sent their backlog grows, with 95 % certainty at least; 0 when chance may have
 * made it. The idea is guidellm's: the tasks in flight *and* their latency must both grow significantly. With a rate
 * that climbs the first alone grows, too, and with tasks that last long so does the begin of every load.
 *
 * Starts that were dropped as `in_flight` and tasks that timed out belong to the backlog: they would wait if they might.
 * Where starts are dropped so, the latency stands at its highest. Where no result comes any more, it is not known, and
 * nothing needs to be reckoned: none has come for twice as long as they took, and all that was sent since then waits.
 *
 * A queue near its capacity wanders for minutes, and both with it: so it must also be twice of what it has been before.
 *
 * A growth that was found stands while the load is held back, until the backlog is what it was before.
 */
export function watchBacklogSlope({ entries, scenario }: GuardSubject): Watcher {
  let bins: Bin[] = [];
  let lastLatencyMs: number | null = null;
  let lastResult: { results: number; atMs: number; started: number } | null = null;
  let growth = 0;
  /** The most that it has been while it did not grow. */
  let peak = 0;
  let levelBefore = 0;
  let judged: Found = unknown("not yet looked at for half a minute");

  function heldBack(backlog: number): Found {
    bins = [];
    lastResult = null;
    judged = unknown("not yet looked at for half a minute");
    if (backlog <= levelBefore) growth = 0;
    return known(growth);
  }

  return {
    look({ ledger, nowMs }) {
      const backlog = entries.reduce(
        (sum, entry) => sum + ledger.inFlight(entry) + ledger.publishing(entry),
        0,
      );
      const state = ledger.scenarioState(scenario!);
      if (state === "waiting" || state === "warming")
        return unknown("the scenario does not run yet");
      if (state !== "running") return heldBack(backlog);

      const totals = totalsOf(ledger, entries);
      if (lastResult?.results !== totals.results) {
        lastResult = { results: totals.results, atMs: nowMs, started: totals.started };
      }
      const level = backlog + totals.givenUp;
      let bin = bins.at(-1);
      const isNew = bin === undefined || nowMs - bin.startedMs >= BIN_MS;
      if (bin === undefined || isNew) {
        bin = { startedMs: nowMs, looks: 0, backlogSum: 0, totals };
        bins = [...bins, bin].slice(-MAX_BINS - 1);
      }
      bin.looks++;
      bin.backlogSum += level;
      if (!isNew) return judged;

      // The last one is under way.
      const full = bins.slice(0, -1);
      const first = full[0];
      if (first === undefined) return judged;
      const latencies = full.map(({ totals: before }, index) => {
        const { totals: after } = bins[index + 1]!;
        return (after.latencyMs - before.latencyMs) / (after.latencies - before.latencies);
      });
      const lastKnown = latencies.findLast((latencyMs) => !Number.isNaN(latencyMs));
      lastLatencyMs = lastKnown ?? lastLatencyMs;

      const silentMs = nowMs - lastResult.atMs;
      const isSilent =
        lastLatencyMs !== null && silentMs > Math.max(BIN_MS, SILENT_LATENCIES * lastLatencyMs);
      if (isSilent && totals.started - lastResult.started >= MIN_GROWTH) {
        growth = 1;
        judged = known(growth);
        return judged;
      }
      if (full.length < MIN_VALUES) return judged;

      const backlogs = full.map(({ backlogSum, looks }) => backlogSum / looks);
      const before = Math.max(peak, backlogs[0]! - first.totals.givenUp);
      const isHigh = backlogs.at(-1)! - first.totals.givenUp >= TIMES_BEFORE * before + MIN_GROWTH;
      const isCapped = totals.droppedInFlight > first.totals.droppedInFlight;
      const isSlower = () => isCapped || leastOf(slopeOf(latencies)) > 0;
      // Once it was found, it need not double again and again.
      const isGrowing = (isHigh || growth > 0) && isSlower();
      const seconds = (bin.startedMs - first.startedMs) / 1_000;
      const rate = (bin.totals.started - first.totals.started) / seconds;
      const each = isGrowing ? leastOf(slopeOf(backlogs)) : 0;
      growth = each > 0 && rate > 0 ? each / (BIN_MS / 1_000) / rate : 0;
      if (growth === 0) {
        peak = Math.max(peak * FADING, backlogs[0]! - first.totals.givenUp);
        levelBefore = peak;
      }
      judged = known(growth);
      return judged;
    },
  };
}

/** What a slope is at least, with 95 % certainty; 0 for one that may be none. */
function leastOf(slope: Slope | null): number {
  return slope === null ? 0 : Math.max(0, slope.each - slope.margin);
}

function totalsOf(ledger: LedgerView, entries: readonly number[]): Totals {
  const sum = (read: (entry: number) => number) =>
    entries.reduce((total, entry) => total + read(entry), 0);
  const droppedInFlight = sum((entry) => ledger.counter(entry, "droppedInFlight"));
  let [latencies, latencyMs] = [0, 0];
  for (const name of ["latencySucceeded", "latencyFailed"] as const) {
    const counts = new Float64Array(ledger.boundsMs(name).length + 1);
    for (const entry of entries) latencyMs += ledger.addHistogram(entry, name, counts);
    latencies += counts.reduce((total, count) => total + count, 0);
  }
  return {
    started: sum((entry) => ledger.counter(entry, "published")) + droppedInFlight,
    droppedInFlight,
    givenUp: droppedInFlight + sum((entry) => ledger.counter(entry, "timedOut")),
    results: sum((entry) => ledger.counter(entry, "succeeded") + ledger.counter(entry, "failed")),
    latencies,
    latencyMs,
  };
}
