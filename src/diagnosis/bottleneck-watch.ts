import type { EntryPlan, MemberPlan } from "../engine/messages.js";
import type { EntryCounter, EntryHistogram } from "../ledger/layout.js";
import type { ObservedConnection } from "../observer/connection-observer.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";
import { type Evidence, type Side, sideOf } from "./bottleneck.js";

/** Looks that a verdict is about: 30 s at one in 5 s. */
const LOOKS = 6;

/** A verdict that has changed. */
export interface SideChange {
  readonly task: string;
  readonly side: Side;
  readonly evidence: Evidence;
}

/** A verdict that holds, and the latest look that found so; null before there was any. */
export type SideStanding = Pick<SideChange, "side"> & { readonly evidence: Evidence | null };

/** The running totals of a task, as one look found them. */
interface Look {
  readonly inFlight: number;
  readonly totals: Readonly<Record<string, number>>;
  readonly places: number | null;
  readonly active: number | null;
  readonly isSaturated: boolean;
}

/** Counters and histograms whose growth is evidence. */
const COUNTERS = [
  "planned",
  "droppedSaturated",
  "droppedBackpressure",
  "droppedNotConnected",
  "failedRejected",
  "recovered",
  "retries",
] as const satisfies readonly EntryCounter[];
const HISTOGRAMS = [
  "latencySucceeded",
  "latencyFailed",
  "publish",
  "work",
  "queue",
  "run",
  "delivery",
] as const satisfies readonly EntryHistogram[];

/** What is to be known of an entry. */
export type BottleneckPlan = Pick<EntryPlan, "connection" | "countdownMs" | "eta" | "workflow">;

/** Says for each task which side is slow, from what the ledger and the observers tell every 5 s. */
export class BottleneckWatch {
  readonly #subject: Subject;
  readonly #plans: readonly BottleneckPlan[];
  /** Entries by task. */
  readonly #tasks: ReadonlyMap<string, readonly number[]>;
  readonly #looks = new Map<string, Look[]>();
  readonly #standing = new Map<string, SideStanding>();
  readonly #candidates = new Map<string, Side>();

  /** `plans`: of the subject's entries, and behind them of their members. */
  constructor(subject: Subject, plans: readonly BottleneckPlan[]) {
    this.#subject = subject;
    this.#plans = plans;
    const names = new Set(subject.entries.map(({ task }) => task));
    this.#tasks = new Map(
      [...names].map((name) => [
        name,
        [...subject.entries.keys()].filter((entry) => subject.entries[entry]!.task === name),
      ]),
    );
    for (const name of names) this.#standing.set(name, { side: "none", evidence: null });
  }

  /** By task. */
  get standing(): ReadonlyMap<string, SideStanding> {
    return this.#standing;
  }

  /** By task. */
  get sides(): ReadonlyMap<string, Side> {
    return new Map([...this.#standing].map(([task, { side }]) => [task, side]));
  }

  /** One more look. Returns the verdicts that have changed: a new one must be found twice running. */
  look(ledger: LedgerView, observed: readonly ObservedConnection[]): SideChange[] {
    const changed: SideChange[] = [];
    for (const [task, entries] of this.#tasks) {
      const evidence = this.#evidenceOf(task, entries, ledger, observed);
      const side = sideOf(evidence);
      const isConfirmed = this.#candidates.get(task) === side;
      this.#candidates.set(task, side);
      const isNew = this.#standing.get(task)!.side !== side;
      if (isNew && !isConfirmed) continue;
      this.#standing.set(task, { side, evidence });
      if (isNew) changed.push({ task, side, evidence });
    }
    return changed;
  }

  #evidenceOf(
    task: string,
    entries: readonly number[],
    ledger: LedgerView,
    observed: readonly ObservedConnection[],
  ): Evidence {
    const queues = this.#queuesOf(entries);
    const looks = this.#looks.get(task) ?? [];
    const now: Look = {
      inFlight: entries.reduce((sum, entry) => sum + ledger.inFlight(entry), 0),
      totals: totalsOf(entries, this.#membersOf(entries), ledger),
      ...poolsOf(queues, observed),
      isSaturated:
        ledger.engine("saturatedDispatchLag") === 1 || ledger.engine("saturatedEventLoop") === 1,
    };
    const [first = now] = looks;
    this.#looks.set(task, [...looks, now].slice(-LOOKS));

    const grown = (name: string) => now.totals[name]! - first.totals[name]!;
    const mean = (...names: readonly EntryHistogram[]) => {
      const count = names.reduce((sum, name) => sum + grown(`${name}Count`), 0);
      const sumMs = names.reduce((sum, name) => sum + grown(`${name}Sum`), 0);
      return count === 0 ? null : sumMs / count;
    };
    const all = [...looks, now];
    const heldBackMs = Math.max(...entries.map((entry) => this.#heldBackMs(entry)));
    const without = (ms: number | null) => (ms === null ? null : Math.max(0, ms - heldBackMs));
    const latencyMs = mean("latencySucceeded", "latencyFailed");
    // Measured between two clocks, which the tasks of a long countdown say little of: no more than there is in all.
    const within = (ms: number | null) =>
      ms === null ? null : Math.min(ms, without(latencyMs) ?? ms);
    const connections = new Set(entries.map((entry) => this.#plans[entry]!.connection));
    return {
      isWorkflow: entries.some((entry) => this.#plans[entry]!.workflow !== null),
      saturatedRatio: all.filter(({ isSaturated }) => isSaturated).length / all.length,
      planned: grown("planned"),
      droppedSaturated: grown("droppedSaturated"),
      isBrokerUsable: [...connections].every(
        (connection) =>
          ledger.connection(connection, "brokerUp") === 1 &&
          ledger.connection(connection, "brokerBlocked") === 0,
      ),
      notTaken:
        grown("droppedBackpressure") + grown("droppedNotConnected") + grown("failedRejected"),
      results:
        grown("latencySucceededCount") +
        grown("latencyFailedCount") +
        grown("recovered") +
        grown("memberResults"),
      retries: grown("retries"),
      // Those that are held back wait for nobody.
      inFlight:
        meanOf(all.map(({ inFlight }) => inFlight)) *
        (latencyMs === null || latencyMs === 0 ? 1 : without(latencyMs)! / latencyMs),
      latencyMs: without(latencyMs),
      publishMs: mean("publish"),
      workMs: without(mean("work")),
      queueMs: within(without(mean("queue"))),
      runMs: mean("run"),
      deliveryMs: within(mean("delivery")),
      waiting: waitingIn(queues, observed),
      busyRatio: busyRatioOf(all),
      places: now.places,
    };
  }

  #membersOf(entries: readonly number[]): number[] {
    return entries.flatMap((entry) => {
      const { stages = [], callbacks = [] } = this.#plans[entry]!.workflow ?? {};
      return [...stages.flat(), ...callbacks].map((member) => member.entry);
    });
  }

  /** How long workers are told to wait before they run it, all steps of a workflow together; without end for an `eta`. */
  #heldBackMs(entry: number): number {
    const { countdownMs, eta, workflow } = this.#plans[entry]!;
    if (workflow === null) return eta === null ? (countdownMs ?? 0) : Number.POSITIVE_INFINITY;
    const steps = [...workflow.stages, workflow.callbacks];
    const longest = (members: readonly MemberPlan[]) =>
      Math.max(0, ...members.map((member) => this.#heldBackMs(member.entry)));
    return steps.reduce((sum, members) => sum + longest(members), 0);
  }

  #queuesOf(entries: readonly number[]): TaskQueue[] {
    const keys = entries.map((entry) => {
      const connection = this.#subject.connections[this.#plans[entry]!.connection]!;
      return [`${connection} ${this.#subject.entries[entry]!.queue}`, entry] as const;
    });
    return [...new Map(keys).values()].map((entry) => ({
      connection: this.#subject.connections[this.#plans[entry]!.connection]!,
      queue: this.#subject.entries[entry]!.queue,
    }));
  }
}

interface TaskQueue {
  readonly connection: string;
  readonly queue: string;
}

/**
 * How busy the workers were when tasks of ours were there to be run: a look counts as much as tasks were in
 * flight at it. The waits that ended in the window are those of its backlog, however short that was, and the
 * quiet before and after it says nothing of them.
 */
function busyRatioOf(looks: readonly Look[]): number | null {
  const known = looks.filter(({ places }) => places !== null && places > 0);
  if (known.some(({ active }) => active === null)) return null;
  const isAny = known.some(({ inFlight }) => inFlight > 0);
  const sum = (of: (look: Look) => number) =>
    known.reduce((total, look) => total + of(look) * (isAny ? look.inFlight : 1), 0);
  const places = sum((look) => look.places!);
  return places === 0 ? null : sum((look) => look.active!) / places;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function totalsOf(
  entries: readonly number[],
  members: readonly number[],
  ledger: LedgerView,
): Record<string, number> {
  const totals: Record<string, number> = {};
  totals.memberResults = members.reduce(
    (sum, member) => sum + ledger.counter(member, "succeeded") + ledger.counter(member, "failed"),
    0,
  );
  for (const name of COUNTERS) {
    totals[name] = entries.reduce((sum, entry) => sum + ledger.counter(entry, name), 0);
  }
  for (const name of HISTOGRAMS) {
    const counts = new Float64Array(ledger.boundsMs(name).length + 1);
    let sumMs = 0;
    for (const entry of entries) sumMs += ledger.addHistogram(entry, name, counts);
    totals[`${name}Sum`] = sumMs;
    totals[`${name}Count`] = counts.reduce((sum, count) => sum + count, 0);
  }
  return totals;
}

/** Places in the pools of the workers that consume the queues, and how many of them are taken. */
function poolsOf(
  queues: readonly TaskQueue[],
  observed: readonly ObservedConnection[],
): { places: number | null; active: number | null } {
  let places = 0;
  let active: number | null = 0;
  for (const { name, workers, queues: seen } of observed) {
    const wanted = queues.filter(({ connection }) => connection === name);
    if (wanted.length === 0) continue;
    const consuming = workers.filter((worker) =>
      wanted.some(({ queue }) => worker.queues.includes(queue)),
    );
    // That there is none is known where all are down, or the broker or everybody who was asked says so.
    const areDown = workers.length > 0 && workers.every(({ up }) => up === 0);
    const isNobody =
      areDown ||
      wanted.every(({ queue }) => seen.find((each) => each.name === queue)?.consumers === 0);
    if (consuming.length === 0 && !isNobody) return { places: null, active: null };
    for (const { poolSize, activeTasks } of consuming) {
      if (poolSize === null) return { places: null, active: null };
      places += poolSize;
      active = active === null || activeTasks === null ? null : active + activeTasks;
    }
  }
  return { places, active };
}

function waitingIn(
  queues: readonly TaskQueue[],
  observed: readonly ObservedConnection[],
): number | null {
  let waiting = 0;
  for (const { connection, queue } of queues) {
    const seen = observed.find(({ name }) => name === connection);
    const ready = seen?.queues.find(({ name }) => name === queue)?.ready ?? null;
    if (ready === null) return null;
    waiting += ready;
  }
  return waiting;
}
