import type { CeleryEvent } from "../celery/events/event-message.js";
import { poolName } from "../celery/events/pool-name.js";
import { type KnownWorker, newWorker, type ObservedWorker, OTHER } from "./worker.js";

/** How long the series of a worker that is gone stay at 0: long enough for alerts that wait a while. */
export const RETAIN_MS = 30 * 60_000;
/** Beyond a worker's own two heartbeats. */
const GRACE_MS = 2_000;
/** Workers that are remembered; further ones are counted and forgotten. */
const MAX_KNOWN = 5_000;
const MAX_NAME_LENGTH = 255;
const MAX_VERSION_LENGTH = 64;

export interface WorkerBookOptions {
  /** Workers with series of their own; further ones add up to one that is called `other`. */
  readonly maxSeries: number;
  /** Silence after which a worker that sends no heartbeats, or whose heartbeats cannot be heard, is down. */
  readonly silenceMs: number;
}

/**
 * What is known of the workers of a connection. A worker is up from its first sign of life (heartbeat or
 * answer) until it says goodbye, or is silent for two heartbeats and two seconds. Time in which nobody
 * listened is no silence. Times are monotonic milliseconds.
 */
export class WorkerBook {
  readonly #options: WorkerBookOptions;
  readonly #workers = new Map<string, KnownWorker>();
  /** Since when heartbeats, and answers, have been heard without a gap; null while they are not. */
  #hearsBeatsSinceMs: number | null = null;
  #hearsAnswersSinceMs: number | null = null;
  #withSeries = 0;
  #otherProcessed = 0;
  /** Workers without series of their own that have been met. */
  folded = 0;
  /** Events about workers that make no sense. */
  malformed = 0;

  constructor(options: WorkerBookOptions) {
    this.#options = options;
  }

  /** Heartbeats can be heard from now on, or cannot. */
  hearBeats(isHearing: boolean, nowMs: number): void {
    this.#hearsBeatsSinceMs = isHearing ? nowMs : null;
  }

  /** Answers to questions can be heard from now on, or cannot. */
  hearAnswers(isHearing: boolean, nowMs: number): void {
    this.#hearsAnswersSinceMs = isHearing ? nowMs : null;
  }

  /** This thread was held up: what came meanwhile has not been read yet. */
  heldUp(nowMs: number): void {
    if (this.#hearsBeatsSinceMs !== null) this.#hearsBeatsSinceMs = nowMs;
    if (this.#hearsAnswersSinceMs !== null) this.#hearsAnswersSinceMs = nowMs;
  }

  /** A `worker-…` event. */
  event({ type, hostname, fields }: CeleryEvent, nowMs: number, nowUnixMs: number): void {
    if (hostname === "" || hostname.length > MAX_NAME_LENGTH) {
      this.malformed++;
      return;
    }
    if (type === "worker-offline") {
      const worker = this.#workers.get(hostname);
      if (worker !== undefined) this.#down(worker, nowMs);
      return;
    }
    if (type !== "worker-heartbeat" && type !== "worker-online") return;
    const worker = this.#alive(hostname, nowMs);
    if (worker === null) return;
    worker.lastHeartbeatUnixMs = nowUnixMs;
    const { freq, active, processed, sw_ver } = fields;
    if (typeof sw_ver === "string") worker.version = sw_ver.slice(0, MAX_VERSION_LENGTH);
    // The heartbeat that remote control asks for, as Flower does when it starts, has neither, and an
    // interval that is not the worker's (`celery/worker/control.py heartbeat`).
    if (!isCount(active) || !isCount(processed)) return;
    worker.activeTasks = active;
    this.#setProcessed(worker, processed);
    if (isCount(freq) && freq > 0) worker.beatMs = freq * 1000;
  }

  /** An answer to `stats` (`celery/worker/control.py stats`); what is not in it stays as it is. */
  stats(node: string, answer: Readonly<Record<string, unknown>>, nowMs: number): void {
    const worker = this.#alive(node, nowMs);
    if (worker === null) return;
    const { pool, prefetch_count, total } = answer;
    const size = objectOf(pool)["max-concurrency"];
    if (isCount(size)) worker.poolSize = size;
    worker.pool = poolName(objectOf(pool)) ?? worker.pool;
    if (isCount(prefetch_count)) worker.prefetchCount = prefetch_count;
    const counts = Object.values(objectOf(total));
    if (counts.every(isCount)) {
      this.#setProcessed(
        worker,
        counts.reduce((sum, count) => sum + count, 0),
      );
    }
  }

  /** The queues that a worker consumes, by its answer to `active_queues`. */
  queues(node: string, queues: readonly string[], nowMs: number): void {
    const worker = this.#alive(node, nowMs);
    if (worker !== null) worker.queues = queues;
  }

  /** The queues that a worker has said it consumes. */
  queuesOf(name: string): readonly string[] {
    return this.#workers.get(name)?.queues ?? [];
  }

  /** Whether a worker has said that it consumes one of the queues. */
  consumesAny(name: string, queues: readonly string[]): boolean {
    return this.queuesOf(name).some((queue) => queues.includes(queue));
  }

  /** Workers that have said that they consume one of the queues, be they up or down. */
  consumersOf(queues: readonly string[]): string[] {
    return [...this.#workers.keys()].filter((name) => this.consumesAny(name, queues));
  }

  /**
   * The workers of some queues that have lately sent a heartbeat. Only they can be asked for one: a worker
   * of Celery before 5.7 that was started with `--without-heartbeat --without-gossip`, and sends no events of
   * tasks, logs an error instead (`celery/worker/control.py heartbeat`).
   */
  beating(queues: readonly string[], nowUnixMs: number): string[] {
    return [...this.#workers.values()]
      .filter(
        ({ name, downSinceMs, lastHeartbeatUnixMs }) =>
          downSinceMs === null &&
          lastHeartbeatUnixMs !== null &&
          nowUnixMs - lastHeartbeatUnixMs < this.#options.silenceMs &&
          this.consumesAny(name, queues),
      )
      .map(({ name }) => name);
  }

  /** What is known of a worker's clock; no sign of life, and no news of strangers. */
  clock(name: string, offsetMs: number, uncertaintyMs: number): void {
    const worker = this.#workers.get(name);
    if (worker === undefined) return;
    worker.clockOffsetMs = offsetMs;
    worker.clockUncertaintyMs = uncertaintyMs;
  }

  /** Looks who has been silent for too long, and forgets who has been for very long. About once a second. */
  tick(nowMs: number): void {
    for (const worker of this.#workers.values()) {
      if (worker.downSinceMs === null) {
        if (this.#isSilent(worker, nowMs)) this.#down(worker, nowMs);
      } else if (nowMs - worker.downSinceMs > RETAIN_MS) this.#forget(worker);
    }
  }

  /** Those with series of their own, and last `other` when there are more. */
  observed(): ObservedWorker[] {
    const isHeard = this.#hearsBeatsSinceMs !== null || this.#hearsAnswersSinceMs !== null;
    const own: ObservedWorker[] = [];
    const others: KnownWorker[] = [];
    for (const worker of this.#workers.values()) {
      if (worker.hasSeries) own.push(observedOf(worker, isHeard));
      else others.push(worker);
    }
    if (this.folded === 0) return own;
    return [...own, this.#sumOf(others, isHeard)];
  }

  #isSilent(worker: KnownWorker, nowMs: number): boolean {
    if (worker.beatMs !== null && this.#hearsBeatsSinceMs !== null) {
      const sinceMs = Math.max(worker.lastSignMs, this.#hearsBeatsSinceMs);
      return nowMs - sinceMs > 2 * worker.beatMs + GRACE_MS;
    }
    if (this.#hearsAnswersSinceMs === null) return false;
    const sinceMs = Math.max(worker.lastSignMs, this.#hearsAnswersSinceMs);
    return nowMs - sinceMs > this.#options.silenceMs;
  }

  /** Null for one too many. */
  #alive(name: string, nowMs: number): KnownWorker | null {
    const worker = this.#workers.get(name) ?? this.#meet(name);
    if (worker === null) return null;
    worker.lastSignMs = nowMs;
    worker.downSinceMs = null;
    return worker;
  }

  /** A new name takes the place of the worker that has been gone for longest. */
  #meet(name: string): KnownWorker | null {
    if (this.#withSeries >= this.#options.maxSeries) this.#forgetOne((worker) => worker.hasSeries);
    if (this.#workers.size >= MAX_KNOWN) this.#forgetOne(() => true);
    const hasSeries = this.#withSeries < this.#options.maxSeries;
    if (!hasSeries) this.folded++;
    if (this.#workers.size >= MAX_KNOWN) return null;
    if (hasSeries) this.#withSeries++;
    const worker = newWorker(name, hasSeries);
    this.#workers.set(name, worker);
    return worker;
  }

  #forgetOne(isMeant: (worker: KnownWorker) => boolean): void {
    let oldest: KnownWorker | undefined;
    for (const worker of this.#workers.values()) {
      if (worker.downSinceMs === null || !isMeant(worker)) continue;
      if (oldest === undefined || worker.downSinceMs < oldest.downSinceMs!) oldest = worker;
    }
    if (oldest !== undefined) this.#forget(oldest);
  }

  #forget(worker: KnownWorker): void {
    this.#workers.delete(worker.name);
    if (worker.hasSeries) this.#withSeries--;
  }

  #down(worker: KnownWorker, nowMs: number): void {
    worker.downSinceMs ??= nowMs;
  }

  /** `other` must not fall when one of its workers goes: it adds up what is seen to come. */
  #setProcessed(worker: KnownWorker, processed: number): void {
    if (!worker.hasSeries && worker.processed !== null) {
      this.#otherProcessed += Math.max(0, processed - worker.processed);
    }
    worker.processed = processed;
  }

  #sumOf(workers: readonly KnownWorker[], isHeard: boolean): ObservedWorker {
    const alive = workers.filter(({ downSinceMs }) => downSinceMs === null);
    const sum = (of: (worker: KnownWorker) => number | null) =>
      isHeard ? alive.reduce((total, worker) => total + (of(worker) ?? 0), 0) : null;
    const beats = workers.map(({ lastHeartbeatUnixMs }) => lastHeartbeatUnixMs ?? 0);
    const lastBeat = beats.reduce((latest, beat) => Math.max(latest, beat), 0);
    return {
      name: OTHER,
      up: sum(() => 1),
      version: null,
      pool: null,
      activeTasks: sum(({ activeTasks }) => activeTasks),
      poolSize: sum(({ poolSize }) => poolSize),
      prefetchCount: sum(({ prefetchCount }) => prefetchCount),
      processed: this.#otherProcessed,
      lastHeartbeatUnixMs: lastBeat === 0 ? null : lastBeat,
      clockOffsetMs: null,
      clockUncertaintyMs: null,
      queues: [],
    };
  }
}

/** Of a worker that is down, or that nobody hears of, there is nothing to say beyond that. */
function observedOf(worker: KnownWorker, isHeard: boolean): ObservedWorker {
  const { name, lastHeartbeatUnixMs, queues } = worker;
  const isUp = worker.downSinceMs === null;
  const ifUp = (value: number | null) => (isHeard && isUp ? value : null);
  return {
    name,
    up: isHeard ? Number(isUp) : null,
    version: worker.version,
    pool: worker.pool,
    activeTasks: ifUp(worker.activeTasks),
    poolSize: ifUp(worker.poolSize),
    prefetchCount: ifUp(worker.prefetchCount),
    processed: ifUp(worker.processed),
    lastHeartbeatUnixMs,
    clockOffsetMs: ifUp(worker.clockOffsetMs),
    clockUncertaintyMs: ifUp(worker.clockUncertaintyMs),
    queues: isUp ? queues : [],
  };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
