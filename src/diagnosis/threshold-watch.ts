import { OUTCOME_COUNTERS } from "../ledger/balance.js";
import { DROPS, OUTCOMES, PUBLISH_FAILURES } from "../ledger/ends.js";
import { quantileMs } from "../ledger/histogram.js";
import { type EntryCounter, FINE } from "../ledger/layout.js";
import type { LedgerView } from "../readings/ledger-view.js";
import {
  judgeThreshold,
  type ThresholdCounts,
  type ThresholdRule,
  type ThresholdVerdict,
} from "../slo/threshold.js";

/** A threshold as it is judged. */
export interface ThresholdPlan extends ThresholdRule {
  /** As it was written: what it is called. */
  readonly text: string;
  /** A run that misses it ends at once, but not before so much of it. */
  readonly abort: boolean;
  readonly afterMs: number;
  /** Rows of the ledger, and the scenarios that those belong to. */
  readonly entries: readonly number[];
  readonly scenarios: readonly number[];
}

/** What is looked at, about once a second. */
export interface ThresholdFacts {
  /** With fine tables. */
  readonly ledger: LedgerView;
  /** Since the plan began. */
  readonly seconds: number;
  /** How long each scenario has planned starts. */
  readonly plannedSeconds: () => readonly number[];
}

export interface JudgedThreshold extends ThresholdVerdict {
  readonly plan: ThresholdPlan;
  /** Of what was judged. */
  readonly seconds: number;
}

/** Ends without an answer for which the system under test is at fault, as for SLOs: they are longer than any latency. */
const NEVER: readonly EntryCounter[] = [DROPS, PUBLISH_FAILURES, OUTCOMES]
  .flatMap((ends) => Object.values(ends))
  .filter(({ event, counter }) => event === "bad" && counter !== "failed")
  .map(({ counter }) => counter);
const DROPPED: readonly EntryCounter[] = Object.values(DROPS)
  .filter(({ event }) => event === "bad")
  .map(({ counter }) => counter);

const COUNTERS: readonly EntryCounter[] = [
  ...new Set<EntryCounter>(["planned", ...NEVER, ...DROPPED, ...OUTCOME_COUNTERS]),
];

/** What the tasks of a threshold have come to. */
interface Totals {
  readonly counters: Map<EntryCounter, number>;
  readonly latencies: Float64Array;
  sumMs: number;
}

/**
 * Follows thresholds over a run. What ends in a second in which this daemon was the bottleneck is left out: nothing is
 * judged on that. Has no timer and no clock of its own.
 */
export class ThresholdWatch {
  readonly #watched: readonly { readonly plan: ThresholdPlan; before: Totals; own: Totals }[];
  #saturatedSeconds: number;
  readonly #carriedSaturated: number;

  /** `former`: of a plan that was replaced, whose counts go on in the new ledger. */
  constructor(plans: readonly ThresholdPlan[], former: ThresholdWatch | null = null) {
    this.#carriedSaturated = former === null ? 0 : former.saturatedSeconds;
    this.#saturatedSeconds = 0;
    const formers = former === null ? [] : former.#watched;
    this.#watched = plans.map((plan) => {
      const same = formers.find((each) => each.plan.text === plan.text);
      return { plan, before: same?.before ?? nothing(), own: same?.own ?? nothing() };
    });
  }

  get isEmpty(): boolean {
    return this.#watched.length === 0;
  }

  /** For how long this daemon was the bottleneck, as far as it was looked. */
  get saturatedSeconds(): number {
    return this.#carriedSaturated + this.#saturatedSeconds;
  }

  /** `isCutOff`: what has ended since the last look did so as the run was stopped by hand, which is no fault of a task. */
  look(ledger: LedgerView, isCutOff = false): void {
    const saturated = ledger.engine("saturatedSeconds");
    const isOurs = isCutOff || saturated > this.#saturatedSeconds;
    this.#saturatedSeconds = saturated;
    for (const watched of this.#watched) {
      const now = totalsOf(ledger, watched.plan.entries);
      if (!isOurs) addGrowth(watched.own, watched.before, now);
      watched.before = now;
    }
  }

  judge({ seconds, plannedSeconds }: Omit<ThresholdFacts, "ledger">): JudgedThreshold[] {
    const planned = this.#watched.length === 0 ? [] : plannedSeconds();
    return this.#watched.map(({ plan, own }) => {
      const counts = countsOf(own, {
        plannedSeconds: Math.max(0, ...plan.scenarios.map((scenario) => planned[scenario] ?? 0)),
        saturatedSeconds: this.saturatedSeconds,
        seconds,
      });
      return { plan, seconds, ...judgeThreshold(plan, counts) };
    });
  }
}

function countsOf(
  { counters, latencies, sumMs }: Totals,
  times: Pick<ThresholdCounts, "plannedSeconds" | "saturatedSeconds" | "seconds">,
): ThresholdCounts {
  const sum = (names: readonly EntryCounter[]) =>
    names.reduce((total, name) => total + counters.get(name)!, 0);
  const answered = latencies.reduce((total, count) => total + count, 0);
  return {
    ...times,
    answered,
    meanSeconds: answered === 0 ? Number.NaN : sumMs / answered / 1000,
    quantileSeconds: (q) => quantileMs(latencies, q) / 1000,
    never: sum(NEVER),
    planned: sum(["planned"]),
    dropped: sum(DROPPED),
    ended: sum(OUTCOME_COUNTERS),
    succeeded: sum(["succeeded"]),
    timedOut: sum(["timedOut"]),
  };
}

function nothing(): Totals {
  return {
    counters: new Map(COUNTERS.map((name) => [name, 0])),
    latencies: new Float64Array(FINE.size),
    sumMs: 0,
  };
}

function totalsOf(ledger: LedgerView, entries: readonly number[]): Totals {
  const totals = nothing();
  for (const entry of entries) {
    for (const name of COUNTERS) {
      totals.counters.set(name, totals.counters.get(name)! + ledger.counter(entry, name));
    }
    for (const name of ["latencySucceeded", "latencyFailed"] as const) {
      const counts = ledger.fineCounts(entry, name);
      for (let cell = 0; cell < FINE.size; cell++) totals.latencies[cell]! += counts[cell]!;
      totals.sumMs += ledger.sumMs(entry, name);
    }
  }
  return totals;
}

/** Never negative: an engine that has gone may take a count with it. */
function addGrowth(to: Totals, before: Totals, now: Totals): void {
  for (const [name, count] of now.counters) {
    const grown = Math.max(0, count - before.counters.get(name)!);
    to.counters.set(name, to.counters.get(name)! + grown);
  }
  for (let cell = 0; cell < FINE.size; cell++) {
    to.latencies[cell]! += Math.max(0, now.latencies[cell]! - before.latencies[cell]!);
  }
  to.sumMs += Math.max(0, now.sumMs - before.sumMs);
}
