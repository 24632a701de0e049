/** The side that is slow, for a task. */
export const SIDES = [
  /** This daemon: its starts are late, or it had to drop them. */
  "generator",
  /** The broker: away, blocked, refusing, or slow to accept. */
  "broker",
  /** Tasks wait as every place of the workers' pools is taken. */
  "workers_busy",
  /** Tasks wait although workers have room, or as there are none. */
  "workers_idle_but_waiting",
  /** The time goes into the run of the task itself. */
  "code",
  /** The result backend: results are there late. */
  "backend",
  /** Nothing stands out, or too little is known. */
  "none",
] as const;
export type Side = (typeof SIDES)[number];

/**
 * What is known of a task, or a workflow, over the last while; null = not known. Times are means in milliseconds,
 * without the countdown that it is sent with.
 */
export interface Evidence {
  /** Its tasks wait for one another, and more than one of them may run at a time. */
  readonly isWorkflow: boolean;
  /** Share of the looks that found this generator saturated. */
  readonly saturatedRatio: number;
  readonly planned: number;
  /** Starts that were dropped as this daemon was late. */
  readonly droppedSaturated: number;
  readonly isBrokerUsable: boolean;
  /** Starts that the broker did not take: refused, or dropped for want of an answer or a connection. */
  readonly notTaken: number;
  /** Results that came; of a workflow those of its members. */
  readonly results: number;
  /** Results that said that the task is tried again later, which is no fault of the workers. */
  readonly retries: number;
  /** Published tasks that waited for their result at the same time, on average. */
  readonly inFlight: number;
  readonly latencyMs: number | null;
  readonly publishMs: number | null;
  /** Without task events, queue and run are known together only, as work. */
  readonly workMs: number | null;
  readonly queueMs: number | null;
  readonly runMs: number | null;
  readonly deliveryMs: number | null;
  /** Messages in the task's queues that no worker has fetched. */
  readonly waiting: number | null;
  /**
   * Share of the places in the pools of the workers of its queues that were taken while its tasks were in
   * flight; null without workers.
   */
  readonly busyRatio: number | null;
  /** Places in those pools. */
  readonly places: number | null;
}

/** What is shorter is nobody's fault. */
const NOTICEABLE_MS = 100;
/** Share of the latency from which on a part is what makes it slow, and of the looks likewise. */
const MOST = 0.5;
/** Share of starts, of results or of tasks that says something of the whole; a single one is an accident. */
const MANY = 0.05;
/** Share of taken places from which on workers are busy: between two heartbeats some are always free. */
const BUSY = 0.8;

/** Pure rules, the first one that holds; docs/bottleneck.md explains them. */
export function sideOf(evidence: Evidence): Side {
  const { latencyMs, publishMs, runMs, deliveryMs } = evidence;
  const isMany = (starts: number) => starts > 1 && starts >= MANY * evidence.planned;
  if (evidence.saturatedRatio >= MOST || isMany(evidence.droppedSaturated)) return "generator";
  if (!evidence.isBrokerUsable || isMany(evidence.notTaken)) return "broker";
  if (evidence.results === 0 || latencyMs === null) {
    const { inFlight, waiting } = evidence;
    const isStuck = inFlight > 0 && waiting !== null && waiting > 0 && waiting >= MANY * inFlight;
    return isStuck ? seenWaiting(evidence) : "none";
  }
  const isMost = (ms: number | null) => ms !== null && ms >= MOST * latencyMs;
  const isSlow = (ms: number | null) => isMost(ms) && ms! >= NOTICEABLE_MS;
  if (isSlow(publishMs)) return "broker";
  if (isSlow(evidence.queueMs)) return waitingFor(evidence);
  if (isSlow(deliveryMs)) return "backend";
  if (isSlow(runMs)) return "code";
  if (runMs !== null) return "none";
  return sideWithoutEvents(evidence, isSlow);
}

/** Whether tasks wait or run has to be told by the queue, and by how many are with the workers. */
function sideWithoutEvents(evidence: Evidence, isSlow: (ms: number | null) => boolean): Side {
  const { latencyMs, workMs, waiting, busyRatio } = evidence;
  if (workMs === null || waiting === null) return "none";
  if (!isSlow(workMs)) return isSlow(latencyMs! - workMs) ? "backend" : "none";
  if (isQueued(evidence) || isPrefetched(evidence)) return seenWaiting(evidence);
  return busyRatio !== null && busyRatio < BUSY && !isRetried(evidence) ? "code" : "none";
}

/** On their way to a worker all tasks are in the queue for a moment, and at a high rate some always are. */
function isQueued({ waiting, inFlight }: Evidence): boolean {
  return waiting! > 0 && waiting! >= MOST * inFlight;
}

/** No more tasks run at a time than there are places: of twice as many, most must wait within the workers. */
function isPrefetched(evidence: Evidence): boolean {
  const { inFlight, latencyMs, workMs, places, isWorkflow } = evidence;
  // A workflow has several tasks at work, or none; and a task that is tried again later waits in a worker by itself.
  if (places === null || isWorkflow || isRetried(evidence)) return false;
  const atWork = inFlight * (workMs! / latencyMs!);
  return atWork > 0 && atWork - places >= MOST * atWork;
}

function isRetried({ retries, results }: Evidence): boolean {
  return retries > MANY * results;
}

/**
 * As `waitingFor`, where that they wait is known from the queue only. The tasks of a workflow's stage are sent at
 * once, and those that are tried again wait for their time: that some are in a queue says nothing of free places.
 */
function seenWaiting(evidence: Evidence): Side {
  const side = waitingFor(evidence);
  const isWell = (evidence.isWorkflow && evidence.results > 0) || isRetried(evidence);
  const isIdle = side === "workers_idle_but_waiting" && evidence.places !== 0;
  return isIdle && isWell ? "none" : side;
}

/** Tasks wait: for a place, or in spite of free ones. */
function waitingFor({ busyRatio, places }: Evidence): Side {
  if (places === null) return "none";
  if (places === 0) return "workers_idle_but_waiting";
  if (busyRatio === null) return "none";
  return busyRatio >= BUSY ? "workers_busy" : "workers_idle_but_waiting";
}
