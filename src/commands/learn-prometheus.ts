import { UserError } from "../errors.js";
import {
  COUNTER_SOURCES,
  type CounterSource,
  type Selector,
  selectorText,
} from "../learn/counter-source.js";
import {
  type CounterAnswer,
  type CounterSeries,
  pageOf,
  trafficOfCounters,
} from "../learn/from-counters.js";
import { chooseStep, medianGap } from "../learn/grid.js";
import type { Bucket } from "../learn/run-times.js";
import type { Traffic } from "../learn/traffic.js";
import type { PrometheusClient, PrometheusSeries } from "./prometheus-client.js";

/** Prometheus refuses more points of a series than 11,000, and more samples of a query than 50 million. */
const MOST_POINTS = 10_000;
const MOST_SAMPLES_OF_QUERY = 1_000_000;
const MOST_SAMPLES_OF_INCREASE = 20_000_000;
/** So far back the last samples are looked at, to know how often pages are read. */
const LOOK_BACK_SECONDS = 900;
const USUAL_INTERVAL_MS = 60_000;

export interface CounterQuery {
  readonly rangeMs: number;
  /** Null: what suits the range, the interval of the scrapes and the number of series. */
  readonly stepMs: number | null;
  /** Matchers of PromQL for each query. */
  readonly match: readonly string[];
  readonly nowUnixMs: number;
}

/**
 * Reads the counters of the first exporter that Prometheus knows of.
 * @throws {UserError} when Prometheus cannot be asked, or knows of none
 */
export async function learnFromPrometheus(
  client: PrometheusClient,
  query: CounterQuery,
): Promise<Traffic> {
  const tried: string[] = [];
  for (const source of COUNTER_SOURCES) {
    const numberOfSeries = await countSeries(client, source, query);
    if (numberOfSeries === 0) {
      tried.push(selectorText(source.sent, query.match));
      continue;
    }
    const traffic = trafficOfCounters(await readCounters(client, source, query, numberOfSeries));
    if (traffic !== null) {
      const remarks = [...client.warnings].map((warning) => `Prometheus warns: ${warning}`);
      return { ...traffic, remarks: [...traffic.remarks, ...remarks] };
    }
    tried.push(`${source.title} (there, but it counted nothing of a task or queue)`);
  }
  throw new UserError(`Prometheus at ${client.shownUrl} has no tasks: ${tried.join(", ")}.`, {
    hint: "Check --range and --match. celery-exporter or Flower must be scraped, with its usual names of metrics; workers must send events (celery worker -E). Of RabbitMQ /metrics/detailed?family=channel_queue_exchange_metrics is needed, or /metrics/per-object: /metrics alone does not tell queues.",
  });
}

/** How many counters there were in the range. */
async function countSeries(
  client: PrometheusClient,
  source: CounterSource,
  { match, rangeMs, nowUnixMs }: CounterQuery,
): Promise<number> {
  let all = 0;
  for (const selector of selectorsOf(source)) {
    const text = selectorText(selector, match);
    all += await client.count(text, nowUnixMs - rangeMs, nowUnixMs);
  }
  return all;
}

function selectorsOf({ sent, received, retried }: CounterSource) {
  return [sent, received, retried].filter((selector) => selector !== null);
}

interface Grid {
  readonly fromUnixMs: number;
  readonly stepMs: number;
  readonly points: number;
}

async function readCounters(
  client: PrometheusClient,
  source: CounterSource,
  query: CounterQuery,
  numberOfSeries: number,
): Promise<CounterAnswer> {
  const intervalMs = await scrapeInterval(client, source, query);
  const stepMs = query.stepMs ?? chooseStep(query.rangeMs, intervalMs, numberOfSeries);
  const points = Math.floor(query.rangeMs / stepMs) + 1;
  // A page that is being read has no sample yet: the last point is one at which all were read.
  const untilUnixMs = query.nowUnixMs - intervalMs;
  const grid = { fromUnixMs: untilUnixMs - (points - 1) * stepMs, stepMs, points };
  const mostPoints = Math.min(MOST_POINTS, Math.ceil(MOST_SAMPLES_OF_QUERY / numberOfSeries));
  const read = async (selector: Selector | null) =>
    selector === null
      ? []
      : await readSeries(client, selectorText(selector, query.match), grid, mostPoints);
  const [sent, received] = [await read(source.sent), await read(source.received)];
  return {
    source,
    ...grid,
    ...{ sent, received, retried: await read(source.retried) },
    pages: await readPages(client, [...sent, ...received], grid),
    runTimes: await readRunTimes(client, source, query, intervalMs),
  };
}

/** How often its pages are read: the median distance of samples. */
async function scrapeInterval(
  client: PrometheusClient,
  source: CounterSource,
  { match, nowUnixMs }: CounterQuery,
): Promise<number> {
  for (const selector of selectorsOf(source)) {
    const text = `${selectorText(selector, match)}[${LOOK_BACK_SECONDS}s]`;
    const series = await client.query(text, nowUnixMs);
    const longest = series.reduce<PrometheusSeries["points"]>(
      (most, { points }) => (points.length > most.length ? points : most),
      [],
    );
    const gap = medianGap(longest.map(([seconds]) => seconds * 1000));
    if (gap !== null) return gap;
  }
  return USUAL_INTERVAL_MS;
}

/** In chunks, put together. */
async function readSeries(
  client: PrometheusClient,
  query: string,
  grid: Grid,
  mostPoints: number,
): Promise<CounterSeries[]> {
  const all = new Map<string, CounterSeries>();
  for (let first = 0; first < grid.points; first += mostPoints) {
    const last = Math.min(first + mostPoints, grid.points) - 1;
    const at = (point: number) => grid.fromUnixMs + point * grid.stepMs;
    for (const { labels, points } of await client.range(query, at(first), at(last), grid.stepMs)) {
      const key = JSON.stringify(Object.entries(labels).sort());
      const series = all.get(key) ?? { labels, values: nothing(grid.points) };
      all.set(key, series);
      for (const [seconds, value] of points) {
        series.values[Math.round((seconds * 1000 - grid.fromUnixMs) / grid.stepMs)] = value;
      }
    }
  }
  return [...all.values()];
}

function nothing(points: number): Float64Array {
  return new Float64Array(points).fill(Number.NaN);
}

/**
 * When the pages of these series were read: Prometheus notes each scrape as `up`. A sample is taken for a point up to
 * five minutes later; one that is older than usual is not of that point, as then Prometheus itself did not run.
 */
async function readPages(
  client: PrometheusClient,
  series: readonly CounterSeries[],
  grid: Grid,
): Promise<ReadonlyMap<string, readonly boolean[]>> {
  const pages = new Map(series.map(({ labels }) => [pageOf(labels), labels]));
  const jobs = [...new Set([...pages.values()].map(({ job = "" }) => job))];
  const up = `up{job=~${JSON.stringify(jobs.map(escapeRegExp).join("|"))}}`;
  const states = await readSeries(client, up, grid, MOST_POINTS);
  const times = await readSeries(client, `timestamp(${up})`, grid, MOST_POINTS);
  const timesOf = new Map(times.map(({ labels, values }) => [pageOf(labels), values]));
  const read = new Map<string, boolean[]>();
  for (const { labels, values } of states) {
    const page = pageOf(labels);
    if (!pages.has(page)) continue;
    const sampled = timesOf.get(page) ?? nothing(grid.points);
    const intervalMs = Math.max(grid.stepMs, medianGap([...sampled].map((s) => s * 1000)) ?? 0);
    read.set(
      page,
      [...values].map((value, point) => {
        const ageMs = grid.fromUnixMs + point * grid.stepMs - sampled[point]! * 1000;
        return value === 1 && !(ageMs > 1.5 * intervalMs);
      }),
    );
  }
  return read;
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** Of the whole range, or of so much of it as Prometheus can read at once. */
async function readRunTimes(
  client: PrometheusClient,
  { runTime, nameLabel }: CounterSource,
  { match, rangeMs, nowUnixMs }: CounterQuery,
  intervalMs: number,
): Promise<ReadonlyMap<string, readonly Bucket[]>> {
  const buckets = new Map<string, Bucket[]>();
  if (runTime === null || nameLabel === null) return buckets;
  const selector = selectorText(runTime, match);
  const series = await client.count(selector, nowUnixMs - rangeMs, nowUnixMs);
  if (series === 0) return buckets;
  const readableMs = Math.ceil(MOST_SAMPLES_OF_INCREASE / series) * intervalMs;
  const growth = `increase(${selector}[${Math.min(rangeMs, readableMs)}ms])`;
  const answer = await client.query(`sum by (${nameLabel}, le) (${growth})`, nowUnixMs);
  for (const { labels, points } of answer) {
    const name = labels[nameLabel] ?? "";
    const upTo = labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels.le);
    const ofName = buckets.get(name) ?? [];
    buckets.set(name, ofName);
    ofName.push({ upTo, count: points[0]?.[1] ?? 0 });
  }
  return buckets;
}
