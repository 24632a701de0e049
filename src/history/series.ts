import { DROP_COUNTERS, OUTCOME_COUNTERS, PUBLISH_FAILURE_COUNTERS } from "../ledger/balance.js";
import type { EntryCounter } from "../ledger/layout.js";
import type { ObservedConnection } from "../observer/connection-observer.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";
import { entriesByTask } from "../readings/summary.js";
import type { Series } from "./answer.js";

/** What is looked at once a second. */
export interface HistoryReading {
  /** With fine tables. */
  readonly ledger: LedgerView;
  readonly subject: Subject;
  readonly observed: readonly ObservedConnection[];
}

/** A series, and where its numbers come from. */
export type Followed = Series &
  (
    | /** Its growth a second. */ { readonly kind: "rate"; readonly read: Read }
    | /** Its mean over the looks. */ { readonly kind: "mean"; readonly read: Read }
    | /** Of the latencies of what ended meanwhile, seconds. */ {
        readonly kind: "quantile";
        readonly q: number;
        /** null: of all tasks. */
        readonly task: string | null;
      }
  );

type Read = (reading: HistoryReading) => number;

/** Of more tasks, and more exception classes, there is no history of their own. */
const MOST_TASKS = 100;
const MOST_EXCEPTIONS = 12;

const DROPPED = [...DROP_COUNTERS, ...PUBLISH_FAILURE_COUNTERS];

/** Everything of which there is a history, in the order of a row. Tasks by their registered names. */
export function followed({ subject, observed }: Omit<HistoryReading, "ledger">): Followed[] {
  const tasks = [...entriesByTask(subject)].slice(0, MOST_TASKS);
  return [
    {
      ...{ of: "all", name: "", what: "saturated", kind: "rate" },
      read: ({ ledger }) => ledger.engine("saturatedSeconds"),
    },
    ...countsOf("all", "", [...subject.entries.keys()]),
    ...subject.scenarios.flatMap(({ name }, index) => scenarioSeries(name, index, subject)),
    ...tasks.flatMap(([task, entries]) => countsOf("task", task, entries)),
    ...observed.flatMap((connection) =>
      connection.queues.map(({ name }) => queueSeries(connection.name, name)),
    ),
    ...exceptionSeries(subject),
  ];
}

function countsOf(of: "all" | "task", name: string, entries: readonly number[]): Followed[] {
  const sum = (counters: readonly EntryCounter[]): Read => {
    return ({ ledger }) =>
      total(entries, (entry) => total(counters, (each) => ledger.counter(entry, each)));
  };
  const failed = OUTCOME_COUNTERS.filter((counter) => counter !== "succeeded");
  const series = { of, name };
  const task = of === "task" ? name : null;
  return [
    { ...series, what: "published", kind: "rate", read: sum(["published"]) },
    { ...series, what: "ended", kind: "rate", read: sum(OUTCOME_COUNTERS) },
    { ...series, what: "errors", kind: "rate", read: sum(failed) },
    { ...series, what: "dropped", kind: "rate", read: sum(DROPPED) },
    {
      ...{ ...series, what: "inFlight", kind: "mean" },
      read: ({ ledger }) =>
        total(entries, (entry) => ledger.inFlight(entry) + ledger.publishing(entry)),
    },
    { ...series, what: "p50", kind: "quantile", q: 0.5, task },
    { ...series, what: "p95", kind: "quantile", q: 0.95, task },
    { ...series, what: "p99", kind: "quantile", q: 0.99, task },
  ];
}

function scenarioSeries(name: string, index: number, { entries }: Subject): Followed[] {
  const own = [...entries.keys()].filter((entry) => entries[entry]!.scenario === index);
  return [
    {
      ...{ of: "scenario", name, what: "target", kind: "mean" },
      read: ({ ledger }) => ledger.scenario(index, "targetRate"),
    },
    {
      ...{ of: "scenario", name, what: "published", kind: "rate" },
      read: ({ ledger }) => total(own, (entry) => ledger.counter(entry, "published")),
    },
  ];
}

/** Queues of one name are told apart by their connections. */
function queueSeries(connection: string, queue: string): Followed {
  return {
    ...{ of: "queue", name: `${connection}/${queue}`, what: "ready", kind: "mean" },
    read: ({ observed }) =>
      observed.find(({ name }) => name === connection)?.queues.find(({ name }) => name === queue)
        ?.ready ?? Number.NaN,
  };
}

/** By class, those that came first. */
function exceptionSeries({ exceptions }: Subject): Followed[] {
  const names = [...new Set(exceptions.map(({ name }) => name))].slice(0, MOST_EXCEPTIONS);
  return names.map((name) => ({
    ...{ of: "exception", name, what: "errors", kind: "rate" },
    read: ({ ledger, subject }) =>
      total(
        subject.exceptions.filter((each) => each.name === name),
        ({ row }) => ledger.exceptionCount(row),
      ),
  }));
}

function total<Each>(all: readonly Each[], read: (each: Each) => number): number {
  let sum = 0;
  for (const each of all) sum += read(each);
  return sum;
}
