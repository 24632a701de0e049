/** Stands for the workers beyond those that have series of their own. */
export const OTHER = "other";

/** What is known of a worker now; null = not known. */
export interface ObservedWorker {
  /** Full name of its node, `celery@host`. */
  readonly name: string;
  /** 1 or 0; of `other`, how many are up. */
  readonly up: number | null;
  /** Version of Celery. */
  readonly version: string | null;
  /** As `--pool` calls it. */
  readonly pool: string | null;
  readonly activeTasks: number | null;
  /** Tasks that it can run at the same time. */
  readonly poolSize: number | null;
  /** Messages that it takes ahead of their run. */
  readonly prefetchCount: number | null;
  /** Tasks that it has run since it started. */
  readonly processed: number | null;
  /** By our clock. */
  readonly lastHeartbeatUnixMs: number | null;
  /** How far its clock is ahead of ours, and how far the truth may be from that. */
  readonly clockOffsetMs: number | null;
  readonly clockUncertaintyMs: number | null;
  readonly queues: readonly string[];
}

/** A worker in the book. */
export interface KnownWorker {
  readonly name: string;
  readonly hasSeries: boolean;
  lastSignMs: number;
  /** Null while it is up. */
  downSinceMs: number | null;
  /** How often it sends heartbeats; null when none has come. */
  beatMs: number | null;
  lastHeartbeatUnixMs: number | null;
  version: string | null;
  pool: string | null;
  activeTasks: number | null;
  poolSize: number | null;
  prefetchCount: number | null;
  processed: number | null;
  clockOffsetMs: number | null;
  clockUncertaintyMs: number | null;
  queues: readonly string[];
}

export function newWorker(name: string, hasSeries: boolean): KnownWorker {
  return {
    name,
    hasSeries,
    lastSignMs: 0,
    downSinceMs: null,
    beatMs: null,
    lastHeartbeatUnixMs: null,
    version: null,
    pool: null,
    activeTasks: null,
    poolSize: null,
    prefetchCount: null,
    processed: null,
    clockOffsetMs: null,
    clockUncertaintyMs: null,
    queues: [],
  };
}
