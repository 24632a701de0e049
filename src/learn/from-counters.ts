import type { CounterSource } from "./counter-source.js";
import { increasesOf, knownSteps } from "./counters.js";
import { dispersionsOfSteps } from "./dispersion.js";
import { type Bucket, quantilesOfBuckets } from "./run-times.js";
import { countsOf, sum, type TaskTraffic, type Traffic } from "./traffic.js";

/** A counter at each point of a grid. */
export interface CounterSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** NaN where there is no sample. */
  readonly values: Float64Array;
}

/** What Prometheus answered. */
export interface CounterAnswer {
  readonly source: CounterSource;
  /** Unix time of the first point. */
  readonly fromUnixMs: number;
  readonly stepMs: number;
  readonly points: number;
  readonly sent: readonly CounterSeries[];
  readonly received: readonly CounterSeries[];
  readonly retried: readonly CounterSeries[];
  /** Whether a page was read at each point, by `pageOf` its labels. */
  readonly pages: ReadonlyMap<string, readonly boolean[]>;
  /** Growth of the buckets of run times, by name. */
  readonly runTimes: ReadonlyMap<string, readonly Bucket[]>;
}

/** What identifies the page that a series was read from. */
export function pageOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([labels.job ?? "", labels.instance ?? ""]);
}

/** A gap of so many steps, or of so long, is bridged. */
const BRIDGED_STEPS = 3;
const BRIDGED_MS = 5 * 60_000;

/** Sent is what producers tell; it is believed when it is nearly all of what workers received for the first time. */
const LEAST_SENT = 0.9;

/** A traffic from counters. Null when nothing was counted. */
export function trafficOfCounters(answer: CounterAnswer): Traffic | null {
  const { source, points, stepMs, fromUnixMs } = answer;
  const mostGap = Math.max(BRIDGED_STEPS, Math.floor(BRIDGED_MS / stepMs));
  const all = [...answer.sent, ...answer.received];
  const pages = pagesOf(answer, all);
  const read = (series: CounterSeries) =>
    increasesOf(series.values, pages.get(pageOf(series.labels))!, mostGap);
  const byTask = (series: readonly CounterSeries[]) => addUp(source, series, read);

  const sent = byTask(answer.sent);
  const received = withoutRetries(byTask(answer.received), byTask(answer.retried));
  const [ofSent, ofReceived] = [totalOf(sent), totalOf(received)];
  const isBySent = ofSent > 0 && ofSent >= LEAST_SENT * ofReceived;
  const counted = [...(isBySent ? sent : received).values()];
  const tasks = counted
    .filter(({ name, counts }) => name !== UNKNOWN && sum(counts) > 0)
    .map(({ name, queue, counts }): TaskTraffic => {
      const buckets = answer.runTimes.get(name);
      return {
        ...{ name, queue, counts },
        runTimes: buckets === undefined ? null : quantilesOfBuckets(buckets),
      };
    });
  if (tasks.length === 0) return null;
  const isKnown = knownSteps([...pages.values()], points, mostGap);
  const counts = countsOf({ tasks, isKnown });
  return {
    source: `${source.title} in Prometheus`,
    ...{ fromUnixMs, stepMs, isKnown, tasks },
    dispersions: dispersionsOfSteps(counts, isKnown, stepMs),
    timesUnixMs: null,
    remarks: [
      ...(isBySent || source.nameLabel === null ? [] : [BY_RECEIVED]),
      ...(source.nameLabel === null ? [NO_NAMES] : []),
      ...(source.queueLabel === null ? [NO_QUEUES] : []),
      ...unknownRemarks(counted),
      ...(source.nameLabel === null ? [] : [CHILDREN]),
    ],
  };
}

const BY_RECEIVED =
  "By what workers received, without retries: producers tell too little of what they send (task_send_sent_event). A worker fetches when it has room, so that bursts may have been higher.";
const NO_NAMES =
  "RabbitMQ knows queues and no names of tasks: write the task that each queue is for.";
const NO_QUEUES =
  "Flower does not tell queues: write them, or learn from celery-exporter or events.";
const CHILDREN =
  "Counters do not tell which tasks were sent by other tasks: those of workflows are counted as any other. learn --from events knows.";

/** What exporters write for a task that they do not know. */
const UNKNOWN = "None";

/** Those that Prometheus knows of, and for others: read wherever any of its series has a sample. */
function pagesOf(
  { pages, points }: CounterAnswer,
  series: readonly CounterSeries[],
): ReadonlyMap<string, readonly boolean[]> {
  const all = new Map<string, boolean[]>();
  for (const { labels, values } of series) {
    const page = pageOf(labels);
    const told = pages.get(page);
    if (told !== undefined) {
      all.set(page, [...told]);
      continue;
    }
    const seen = all.get(page) ?? new Array<boolean>(points).fill(false);
    all.set(
      page,
      seen.map((wasRead, point) => wasRead || !Number.isNaN(values[point]!)),
    );
  }
  return all;
}

interface Counted {
  readonly name: string;
  readonly queue: string | null;
  counts: Float64Array;
}

/** Of all workers and processes. */
function addUp(
  { nameLabel, queueLabel }: CounterSource,
  series: readonly CounterSeries[],
  read: (series: CounterSeries) => Float64Array,
): Map<string, Counted> {
  const tasks = new Map<string, Counted>();
  for (const each of series) {
    const told = queueLabel === null ? undefined : each.labels[queueLabel];
    const queue = told === undefined || told === "" || told === UNKNOWN ? null : told;
    // The sum of all queues has those of replies and events in it.
    if (nameLabel === null && (queue === null || REPLY_QUEUE.test(queue))) continue;
    const name = nameLabel === null ? nameless(queue!) : (each.labels[nameLabel] ?? UNKNOWN);
    const key = JSON.stringify([name, queue]);
    const increases = read(each);
    const task = tasks.get(key);
    if (task === undefined) tasks.set(key, { name, queue, counts: increases });
    else task.counts = task.counts.map((count, step) => count + increases[step]!);
  }
  return tasks;
}

/** Where producers wait for replies, and where events and orders to workers go. */
const REPLY_QUEUE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|^celeryev\b|\bpidbox$/;

/** Runs nowhere: who forgets to write a name is told by the worker. */
function nameless(queue: string): string {
  return `write.the.task.of.${queue}`;
}

/** A retry is received again: each task is made smaller by its share of them. */
function withoutRetries(
  received: Map<string, Counted>,
  retried: ReadonlyMap<string, Counted>,
): Map<string, Counted> {
  const byName = (tasks: ReadonlyMap<string, Counted>, name: string) =>
    sum([...tasks.values()].map((task) => (task.name === name ? sum(task.counts) : 0)));
  for (const task of received.values()) {
    const retries = byName(retried, task.name);
    if (retries === 0) continue;
    const share = Math.max(0, 1 - retries / byName(received, task.name));
    task.counts = task.counts.map((count) => count * share);
  }
  return received;
}

function totalOf(tasks: ReadonlyMap<string, Counted>): number {
  return sum([...tasks.values()].map(({ counts }) => sum(counts)));
}

function unknownRemarks(counted: readonly Counted[]): string[] {
  const share =
    sum(counted.map(({ name, counts }) => (name === UNKNOWN ? sum(counts) : 0))) /
    sum(counted.map(({ counts }) => sum(counts)));
  if (!(share > 0)) return [];
  return [`Left out: ${(100 * share).toPrecision(2)} % that the exporter has no name for.`];
}
