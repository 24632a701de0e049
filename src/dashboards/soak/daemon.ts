import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../../exposition/metrics.js";
import { dispatchLag, eventLoop, outcomeLedger, startLedger } from "../overview/trust.js";
import { lines, number, onTheRight } from "../panels.js";
import { aggregate, ofDaemon, ofProcess } from "../promql.js";

/** Is the daemon itself what drifts? */
export function daemonPanels(): Builder<Panel>[] {
  return [
    startLedger(),
    outcomeLedger(),
    memorySlope(),
    openFiles(),
    memory(),
    dispatchLag(),
    eventLoop(),
    processor(),
  ];
}

const RESIDENT = ofProcess("process_resident_memory_bytes");

function memorySlope(): Builder<Panel> {
  return number({
    title: "Daemon's memory, growth a day",
    description:
      "Slope of the daemon's resident memory over this time range, of the one that grows most. Healthy: around 0 over days, either sign. In the first hours it grows, until the tables have their size. Above 10 MB a day at a level rate over two days: report it as a leak.",
    unit: "bytes",
    width: 6,
    height: 5,
    queries: [{ expr: `max(deriv(${RESIDENT}[$__range])) * 86400`, legend: "a day" }],
    steps: [
      [null, "green"],
      [10e6, "orange"],
    ],
    noValue: "no daemon",
  });
}

function openFiles(): Builder<Panel> {
  return number({
    title: "Open files of the daemon",
    description:
      "File descriptors that are open, of the daemon with most. Healthy: a few dozen and constant: connections to brokers, its page, its log. A number that climbs with reconnects or scrapes is a leak of sockets: report it.",
    unit: "short",
    width: 6,
    height: 5,
    queries: [{ expr: aggregate("max", "", ofProcess("process_open_fds")), legend: "open" }],
    steps: [
      [null, "green"],
      [500, "orange"],
    ],
    noValue: "not known on this system",
  });
}

function memory(): Builder<Panel> {
  return lines({
    title: "Memory of the daemon",
    description:
      "Resident memory, and the part of it that is JavaScript's heap. Healthy: both level for weeks; the heap is a saw. Resident that climbs over a level heap is memory outside of it (buffers); a heap whose lowest points climb is objects that are kept.",
    unit: "bytes",
    width: 12,
    height: 8,
    queries: [
      { expr: aggregate("sum", "instance", RESIDENT), legend: "{{instance}} resident" },
      {
        expr: aggregate("sum", "instance", ofProcess("nodejs_heap_size_used_bytes")),
        legend: "{{instance}} heap",
      },
    ],
  });
}

function processor(): Builder<Panel> {
  const panel = lines({
    title: "CPU of the daemon",
    description:
      "CPU as a share of one core, and on the right axis the rate of what it is spent on. Healthy: the same share at the same rate, from the first day to the last. A share that climbs at a level rate is something that gets longer with time: report it.",
    unit: "percentunit",
    width: 12,
    height: 8,
    queries: [
      {
        expr: `sum by (instance) (rate(${ofProcess("process_cpu_seconds_total")}[$__rate_interval]))`,
        legend: "{{instance}} CPU",
      },
      {
        expr: `sum by (instance) (rate(${ofDaemon(METRICS.planned)}[$__rate_interval]))`,
        legend: "{{instance}} rate",
      },
    ],
  });
  return onTheRight(panel, "/ rate$/", "cps");
}
