import type { CeleryEvent } from "../celery/events/event-message.js";
import { dispersionsOfTimes } from "./dispersion.js";
import { RunTimeTally } from "./run-times.js";
import { sum, type TaskTraffic, type Traffic } from "./traffic.js";

/** Steps are so long, and longer where there would be more of them than this. */
const STEP_MS = 10_000;
const MOST_STEPS = 10_000;
/** Single times are kept of so many tasks, 8 bytes each. */
const MOST_TIMES = 2_000_000;
/** Tasks whose name is remembered until they end. */
const MOST_IN_FLIGHT = 500_000;
/**
 * Names, and pairs of a name and a queue, that are told apart. Where there are more they have ids of something in them,
 * and no mix has a use for them.
 */
const MOST_NAMES = 2_000;
/** A producer's clock that is further away from ours than this tells nothing. */
const MOST_SKEW_MS = 10_000;
/** As with counters: what producers tell is believed when it is nearly all of what workers received. */
const LEAST_SENT = 0.9;

/**
 * Adds up what events tell of everybody's tasks. Of an event it takes its type, time, name, queue, ids and run time;
 * arguments and results, which are in there as well, are not looked at, and no event is kept.
 *
 * A task with a parent was sent by another task (a workflow's step, or `delay` in a task's body), and comes again by
 * itself when its parent is run: it is counted apart and no part of the traffic.
 */
export class EventTally {
  readonly #fromUnixMs: number;
  readonly #stepMs: number;
  readonly #sent: Witness;
  readonly #received: Witness;
  /** Each name once, so that what remembers it shares it. */
  readonly #known = new Map<string, string>();
  /** Names of tasks by their ids, for events that have only the id. */
  readonly #names = new Map<string, string>();
  readonly #runTimes = new Map<string, RunTimeTally>();
  readonly #parents = new Map<string, number>();
  #children = 0;
  #skewed = 0;
  #tooMany = 0;

  /** @param forMs how long it is listened at most */
  constructor(fromUnixMs: number, forMs: number) {
    this.#fromUnixMs = fromUnixMs;
    this.#stepMs = STEP_MS * Math.ceil(forMs / STEP_MS / MOST_STEPS);
    this.#sent = new Witness(fromUnixMs, this.#stepMs);
    this.#received = new Witness(fromUnixMs, this.#stepMs);
  }

  /** Tasks that were heard of so far. */
  get heard(): number {
    return Math.max(this.#sent.total, this.#received.total);
  }

  add({ type, uuid, unixMs, fields }: CeleryEvent, heardUnixMs: number): void {
    if (type === "task-succeeded") this.#ended(uuid, fields.runtime);
    const witness =
      type === "task-sent" ? this.#sent : type === "task-received" ? this.#received : null;
    const { queue, retries, parent_id: parent } = fields;
    if (witness === null || typeof fields.name !== "string") return;
    const name = this.#known.get(fields.name) ?? this.#learnName(fields.name);
    if (name === null) {
      this.#tooMany++;
      return;
    }
    this.#remember(uuid, name);
    // A retry is sent and received again.
    if (typeof retries === "number" && retries > 0) return;
    if (typeof parent === "string") {
      if (witness === this.#received || !this.#received.isUsed) this.#child(name);
      return;
    }
    const isSkewed = Math.abs(unixMs - heardUnixMs) > MOST_SKEW_MS;
    if (isSkewed) this.#skewed++;
    const isAdded = witness.add(
      name,
      typeof queue === "string" ? queue : null,
      isSkewed ? heardUnixMs : unixMs,
    );
    if (!isAdded) this.#tooMany++;
  }

  /** Null when no task was heard of. */
  traffic(untilUnixMs: number): Traffic | null {
    const isBySent = this.#sent.total > 0 && this.#sent.total >= LEAST_SENT * this.#received.total;
    const witness = isBySent ? this.#sent : this.#received;
    const steps = Math.floor((untilUnixMs - this.#fromUnixMs) / this.#stepMs);
    const tasks = witness.tasks(steps, (name) => this.#runTimes.get(name)?.quantiles() ?? null);
    if (tasks.length === 0) return null;
    const times = witness.times();
    const timesUntil =
      witness.total > times.length ? times.at(-1)! : this.#fromUnixMs + steps * this.#stepMs;
    return {
      source: "events of workers and producers",
      ...{ fromUnixMs: this.#fromUnixMs, stepMs: this.#stepMs, tasks },
      isKnown: new Array<boolean>(steps).fill(true),
      dispersions: dispersionsOfTimes(times, this.#fromUnixMs, timesUntil),
      timesUnixMs: times,
      remarks: [
        ...(isBySent ? [] : [BY_RECEIVED]),
        ...this.#childRemarks(witness.total),
        ...(this.#skewed === 0 ? [] : [SKEWED]),
        ...(this.#tooMany === 0 ? [] : [TOO_MANY]),
      ],
    };
  }

  /** Null when there are too many already. */
  #learnName(name: string): string | null {
    if (this.#known.size >= MOST_NAMES) return null;
    this.#known.set(name, name);
    return name;
  }

  #remember(uuid: string, name: string): void {
    this.#names.set(uuid, name);
    if (this.#names.size <= MOST_IN_FLIGHT) return;
    this.#names.delete(this.#names.keys().next().value!);
  }

  #ended(uuid: string, runtime: unknown): void {
    const name = this.#names.get(uuid);
    this.#names.delete(uuid);
    if (name === undefined || typeof runtime !== "number" || !(runtime >= 0)) return;
    const tally = this.#runTimes.get(name) ?? new RunTimeTally();
    this.#runTimes.set(name, tally);
    tally.add(runtime);
  }

  #child(name: string): void {
    this.#children++;
    this.#parents.set(name, (this.#parents.get(name) ?? 0) + 1);
  }

  #childRemarks(total: number): string[] {
    if (this.#children === 0) return [];
    const names = [...this.#parents]
      .sort(([, one], [, other]) => other - one)
      .slice(0, 5)
      .map(([name]) => name);
    const share = this.#children / total;
    return [
      `Not in the mix, as other tasks send them: ${this.#children} tasks, ${share.toPrecision(2)} for each that is in it (${names.join(", ")}${this.#parents.size > 5 ? ", …" : ""}). They come by themselves when their parents really run; stand-ins send none: give a task its workflow (docs/workflows.md), or add it to the mix.`,
    ];
  }
}

const BY_RECEIVED =
  "By what workers received, as producers do not tell what they send (task_send_sent_event): queues are not told, and as a worker fetches when it has room, bursts may have been higher.";
const SKEWED =
  "Some clocks are more than 10 s away from this machine's: those tasks are counted when they were heard of.";
const TOO_MANY =
  "There are more than 2,000 names of tasks, or of tasks on queues: those that came later are left out.";

/** What one kind of event tells. */
class Witness {
  readonly #fromUnixMs: number;
  readonly #stepMs: number;
  readonly #tasks = new Map<
    string,
    { readonly name: string; readonly queue: string | null; readonly counts: number[] }
  >();
  #times = new Float64Array(1024);
  total = 0;

  constructor(fromUnixMs: number, stepMs: number) {
    this.#fromUnixMs = fromUnixMs;
    this.#stepMs = stepMs;
  }

  get isUsed(): boolean {
    return this.total > 0;
  }

  /** False when there are too many names on queues to count another one. */
  add(name: string, queue: string | null, unixMs: number): boolean {
    // Events that were on their way when it began.
    if (unixMs < this.#fromUnixMs) return true;
    const key = JSON.stringify([name, queue]);
    const task = this.#tasks.get(key) ?? { name, queue, counts: [] };
    if (task.counts.length === 0 && this.#tasks.size >= MOST_NAMES) return false;
    this.#tasks.set(key, task);
    const step = Math.floor((unixMs - this.#fromUnixMs) / this.#stepMs);
    task.counts[step] = (task.counts[step] ?? 0) + 1;
    if (this.total < MOST_TIMES) {
      if (this.total === this.#times.length) {
        const longer = new Float64Array(2 * this.total);
        longer.set(this.#times);
        this.#times = longer;
      }
      this.#times[this.total] = unixMs;
    }
    this.total++;
    return true;
  }

  /** Whole steps only, so that a part of one is no low rate. */
  tasks(steps: number, runTimes: (name: string) => TaskTraffic["runTimes"]): TaskTraffic[] {
    return [...this.#tasks.values()]
      .map(({ name, queue, counts }) => ({
        ...{ name, queue, runTimes: runTimes(name) },
        counts: Array.from({ length: steps }, (_, step) => counts[step] ?? 0),
      }))
      .filter(({ counts }) => sum(counts) > 0);
  }

  /** In order. */
  times(): Float64Array {
    return this.#times.slice(0, Math.min(this.total, MOST_TIMES)).sort();
  }
}
