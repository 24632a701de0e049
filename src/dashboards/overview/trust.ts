import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS, partOf, type Series } from "../../exposition/metrics.js";
import { lines, number, onTheRight, rowsBy, stackedBars } from "../panels.js";
import { aggregate, ofDaemon, ofProcess, ofScenario, ofTask, perSecond } from "../promql.js";

/** Whether the daemon's own numbers add up, and whether it was fast enough to be believed. */
export function trustPanels(): Builder<Panel>[] {
  return [
    startLedger(),
    outcomeLedger(),
    littlesLaw(),
    oddities(),
    dispatchLag(),
    eventLoop(),
    reconnects(),
    processorAndMemory(),
    builds(),
  ];
}

const BALANCED = [
  [null, "red"],
  [0, "green"],
  [0.5, "red"],
] as const;

/** The contract's sums hold exactly in every scrape, so the counters are compared as they are, not as rates. */
export function startLedger(): Builder<Panel> {
  const left = total(METRICS.planned);
  const right = [
    METRICS.publishing,
    METRICS.published,
    METRICS.dropped,
    METRICS.publishFailures,
  ].map(total);
  return number({
    title: "Ledger: planned starts",
    description:
      "planned - publishing - published - dropped - publish failures, of the task where it is furthest off. Healthy: exactly 0 at all times, since every planned start must be in one of these. Anything else is a defect of the daemon: do not trust its other numbers, and report it.",
    unit: "none",
    width: 6,
    height: 5,
    queries: [{ expr: imbalance(left, right), legend: "{{scenario}}" }],
    steps: BALANCED,
    noValue: "no task",
  });
}

export function outcomeLedger(): Builder<Panel> {
  const left = total(METRICS.published);
  const right = [METRICS.inFlight, METRICS.outcomes].map(total);
  return number({
    title: "Ledger: published tasks",
    description:
      "published - in flight - outcomes, of the task where it is furthest off. Healthy: exactly 0 at all times, since every published task is in flight or has one outcome. Anything else is a defect of the daemon: do not trust its other numbers, and report it.",
    unit: "none",
    width: 6,
    height: 5,
    queries: [{ expr: imbalance(left, right), legend: "{{scenario}}" }],
    steps: BALANCED,
    noValue: "no task",
  });
}

function total(starts: Series<"scenario" | "task">): string {
  return aggregate("sum", "job, instance, scenario, task", ofTask(starts));
}

function imbalance(left: string, right: readonly string[]): string {
  return aggregate("max", "scenario", `abs(${[left, ...right].join(" - ")})`);
}

function littlesLaw(): Builder<Panel> {
  const waiting = aggregate("sum", "", ofTask(METRICS.inFlight));
  const secondsEachSecond = perSecond("", ofTask(partOf(METRICS.latency, "sum")));
  return number({
    title: "Little's law",
    description:
      "Tasks in flight divided by (rate times mean latency), two independent ways to measure the same thing. Healthy: near 1 at a level rate. Above 1: tasks are in flight that no latency tells of, such as a growing backlog or tasks that will time out. Below 1: a backlog has just been worked off, or much of the latency is spent before publishing.",
    unit: "none",
    width: 6,
    height: 5,
    queries: [{ expr: `${waiting} / (${secondsEachSecond} > 0)`, legend: "ratio" }],
    steps: [
      [null, "orange"],
      [0.5, "green"],
      [2, "orange"],
    ],
    noValue: "nothing finished",
  }).decimals(2);
}

function oddities(): Builder<Panel> {
  return number({
    title: "Lost data, malformed messages, folded series",
    description:
      "In this time range: times that the broker came back without its data while tasks were in flight, results that could not be read, and failures whose exception was counted as other because of limits.series. Healthy: 0 everywhere. The daemon's log tells of lost data.",
    unit: "short",
    width: 6,
    height: 5,
    queries: [
      {
        expr: `sum(increase(${ofDaemon(METRICS.dataLoss)}[$__range]))`,
        legend: "data loss",
      },
      {
        expr: `sum(increase(${ofDaemon(METRICS.malformed)}[$__range]))`,
        legend: "malformed",
      },
      { expr: `sum(increase(${ofDaemon(METRICS.seriesFolded)}[$__range]))`, legend: "folded" },
    ],
    steps: [
      [null, "green"],
      [0.5, "orange"],
    ],
    noValue: "no such event known",
  });
}

export function dispatchLag(): Builder<Panel> {
  return lines({
    title: "Dispatch lag",
    description:
      "How late the generator was at worst since the scrape before: planned start until it got to publishing. Healthy: a few milliseconds. More: the daemon is short of CPU, and the latency above includes this time (phase dispatch).",
    unit: "s",
    width: 12,
    height: 8,
    queries: [
      {
        expr: aggregate("max", "instance, thread", ofDaemon(METRICS.dispatchLag)),
        legend: "{{instance}} {{thread}}",
      },
    ],
  });
}

export function eventLoop(): Builder<Panel> {
  return lines({
    title: "Event loop utilisation",
    description:
      "Share of the time in which each thread of the daemon was busy. Healthy: below 70 % for the engine. Near 100 % it cannot keep its plan: lower the rate, or share the load between several daemons.",
    unit: "percentunit",
    width: 12,
    height: 8,
    queries: [
      {
        expr: aggregate("max", "instance, thread", ofDaemon(METRICS.eventLoop)),
        legend: "{{instance}} {{thread}}",
      },
    ],
  }).axisSoftMax(1);
}

export function reconnects(): Builder<Panel> {
  return stackedBars({
    title: "Reconnects",
    description:
      "How often a connection had to be made again, by its role. Healthy: none. A regular pattern is a proxy or firewall that cuts idle connections; a burst is a restart of the broker. Outcomes of that moment may be unknown.",
    unit: "short",
    width: 12,
    height: 8,
    queries: [
      {
        expr: `sum by (connection, role) (increase(${ofDaemon(METRICS.reconnects)}[$__rate_interval]))`,
        legend: "{{connection}} {{role}}",
      },
    ],
  });
}

function processorAndMemory(): Builder<Panel> {
  const panel = lines({
    title: "CPU and memory of the daemon",
    description:
      "CPU as a share of one core (left) and resident memory (right). Healthy: CPU goes with the rate, memory is flat for weeks. Memory that climbs without end at a level rate is a leak: report it.",
    unit: "percentunit",
    width: 12,
    height: 8,
    queries: [
      {
        expr: `sum by (instance) (rate(${ofProcess("process_cpu_seconds_total")}[$__rate_interval]))`,
        legend: "{{instance}} CPU",
      },
      {
        expr: aggregate("sum", "instance", ofProcess("process_resident_memory_bytes")),
        legend: "{{instance}} memory",
      },
    ],
  });
  return onTheRight(panel, "/ memory$/", "bytes");
}

function builds(): Builder<Panel> {
  const started = aggregate("min", "instance", ofScenario(METRICS.lastChange, 'kind="start"'));
  return rowsBy("instance", {
    title: "Which build, which configuration",
    description:
      "Version, commit and Node of each daemon, hash of its configuration, how long the process lives and when its first scenario started. Healthy: the same version and hash on every daemon of one test; an age as old as the test.",
    unit: "short",
    width: 24,
    height: 6,
    queries: [
      {
        expr: aggregate("max", "instance, version, commit, node", ofDaemon(METRICS.buildInfo)),
        legend: "build",
      },
      {
        expr: aggregate("max", "instance, revision, hash", ofDaemon(METRICS.configInfo)),
        legend: "configuration",
      },
      {
        expr: `time() - ${aggregate("min", "instance", ofProcess("process_start_time_seconds"))}`,
        legend: "age",
      },
      { expr: `(${started} > 0) * 1000`, legend: "started" },
    ],
    columns: {
      instance: { heading: "Instance" },
      version: { heading: "Version" },
      commit: { heading: "Commit" },
      node: { heading: "Node" },
      revision: { heading: "Configuration revision" },
      hash: { heading: "Configuration hash" },
      "Value #C": { heading: "Process age", unit: "dtdurations" },
      "Value #D": { heading: "First start", unit: "dateTimeAsIso", noValue: "not started" },
    },
    noValue: "no daemon",
  });
}
