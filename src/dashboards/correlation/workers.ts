import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS, partOf, type Series } from "../../exposition/metrics.js";
import { SIDES_RECORDS } from "../../rules/recordings/records.js";
import { limits, lines, rowsBy, stateBands } from "../panels.js";
import { aggregate, ofDaemon, ofDeployment, ofTask, perSecond } from "../promql.js";

/** Are there enough workers, do they take what waits, and can their clocks be trusted? */
export function workerPanels(): Builder<Panel>[] {
  return [busy(), busyOrIdle(), workersUp(), clocks(), uncertain(), workerTable()];
}

const BUSY = ofDeployment(SIDES_RECORDS.workerBusy);
const READY = ofDeployment(SIDES_RECORDS.queueReady);
const WORKER = "connection, worker";

function busy(): Builder<Panel> {
  const running = perSecond("", ofTask(partOf(METRICS.phase, "sum"), 'phase="run"'));
  const places = `sum (${aggregate("max", WORKER, ofDaemon(METRICS.workerPool))})`;
  const panel = lines({
    title: "Pools: busy share, and what our tasks need of them",
    description:
      "Running tasks for each place in the workers' pools, and the share that our own tasks need by their run time (demand, needs the observer). Healthy: below 80 %. At 100 % every further task waits: add workers. Busy far above demand: others' tasks fill the pools. Demand above 100 % cannot be met by this fleet.",
    unit: "percentunit",
    width: 12,
    height: 8,
    queries: [
      { expr: aggregate("max", "source", BUSY), legend: "busy, {{source}}" },
      { expr: `${running} / (${places} > 0)`, legend: "demand" },
    ],
  }).axisSoftMax(1);
  return limits(panel, [
    [null, "transparent"],
    [0.8, "orange"],
  ]);
}

function busyOrIdle(): Builder<Panel> {
  const waiting = aggregate("sum", "", READY);
  const mostBusy = aggregate("max", "", BUSY);
  return stateBands({
    title: "Busy or idle?",
    description:
      "Whether workers take what waits: messages that wait, against the busy share. Healthy: nothing waits, or short times of a backlog with busy workers. Waiting while workers idle (below 70 % busy) is no lack of workers: wrong queue, rate limit, tasks prefetched by a busy worker, or a worker that has lost its subscription.",
    unit: "none",
    width: 12,
    height: 8,
    queries: [
      {
        expr: `(${waiting} > 0) * 0 + 1 + (${mostBusy} < bool 0.7) or ${waiting} * 0`,
        legend: "queues",
      },
    ],
    states: {
      "0": ["nothing waits", "green"],
      "1": ["backlog, workers busy", "orange"],
      "2": ["backlog, workers idle", "red"],
    },
  });
}

function workersUp(): Builder<Panel> {
  return lines({
    title: "Workers that are up",
    description:
      "Workers that give signs of life, by each source. Healthy: as many as you run, on every line. celery-exporter counts workers of one host as one, and drops those that are silent for ten minutes; Flower before 2.1 keeps dead ones. The observer keeps a dead worker at 0 for half an hour.",
    unit: "short",
    width: 8,
    height: 8,
    queries: [
      {
        expr: aggregate("sum", "source", ofDeployment(SIDES_RECORDS.workersUpBySource)),
        legend: "{{source}}",
      },
    ],
  });
}

function clocks(): Builder<Panel> {
  const ofWorker = (metric: Series<"worker">) => aggregate("max", WORKER, ofDaemon(metric));
  const offset = ofWorker(METRICS.workerClockOffset);
  const uncertainty = ofWorker(METRICS.workerClockUncertainty);
  return lines({
    title: "Clocks of the workers",
    description:
      "How far each worker's clock is ahead of the daemon's, and between which bounds (low, high) ordinary traffic proves it to be. The phases queue and delivery are corrected by it. Healthy: bounds a few milliseconds apart. Wide bounds: the split between queue, run and delivery is only as exact as they are; the latency is not touched.",
    unit: "s",
    width: 8,
    height: 8,
    queries: [
      { expr: offset, legend: "{{worker}}" },
      { expr: `${offset} - ${uncertainty}`, legend: "{{worker}} low" },
      { expr: `${offset} + ${uncertainty}`, legend: "{{worker}} high" },
    ],
  });
}

function uncertain(): Builder<Panel> {
  const samples = perSecond("phase", ofTask(METRICS.uncertainPhase));
  const all = perSecond("phase", ofTask(partOf(METRICS.phase, "count"), 'phase=~"queue|delivery"'));
  return lines({
    title: "Phases that the clocks leave open",
    description:
      "Share of the samples of queue and delivery of which more than half is the uncertainty of a worker's clock. Healthy: low for queue while tasks wait; high where phases are shorter than the clocks are known, which does no harm there. High while a phase is long: do not believe the split, only the latency.",
    unit: "percentunit",
    width: 8,
    height: 8,
    queries: [{ expr: `${samples} / (${all} > 0)`, legend: "{{phase}}" }],
  }).axisSoftMax(1);
}

function workerTable(): Builder<Panel> {
  const ofWorker = (metric: Series<"worker">) => aggregate("max", "worker", ofDaemon(metric));
  const processed = perSecond("worker", ofDaemon(METRICS.workerProcessed));
  const heartbeat = ofWorker(METRICS.workerHeartbeat);
  return rowsBy("worker", {
    title: "Workers",
    description:
      "Every worker that the observer has heard of: up, places in its pool, running and prefetched tasks, rate, and when it last gave a sign. Healthy: up, a heartbeat younger than a few seconds, similar rates of equal workers. Up with a rate of 0 while tasks wait: it does not consume any more.",
    unit: "short",
    width: 24,
    height: 7,
    queries: [
      { expr: ofWorker(METRICS.workerUp), legend: "up" },
      { expr: ofWorker(METRICS.workerPool), legend: "pool" },
      { expr: ofWorker(METRICS.workerActive), legend: "active" },
      { expr: ofWorker(METRICS.workerPrefetch), legend: "prefetch" },
      { expr: processed, legend: "rate" },
      { expr: `time() - ${heartbeat}`, legend: "age" },
    ],
    columns: {
      worker: { heading: "Worker" },
      "Value #A": { heading: "State", states: { "0": ["down", "red"], "1": ["up", "green"] } },
      "Value #B": { heading: "Pool", noValue: "–" },
      "Value #C": { heading: "Running", noValue: "–" },
      "Value #D": { heading: "May hold", noValue: "–" },
      "Value #E": { heading: "Rate", unit: "cps", noValue: "–" },
      "Value #F": { heading: "Heartbeat", unit: "s", noValue: "–" },
    },
    noValue: "no worker has sent an event: see celery-load doctor",
  });
}
