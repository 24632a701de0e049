import { METRIC_PREFIX, METRICS } from "../../src/exposition/metrics.js";
import type { LedgerReport, TaskReport } from "../../src/reports/task-report.js";
import type { Metrics } from "../support/metrics.js";
import type { Kind } from "./kinds.js";

/** What is known of the tasks of one registered name, by what was counted. What is not named is 0. */
export type Tally = Readonly<Record<string, number>>;
/** By registered name. */
export type Tallies = Readonly<Record<string, Tally>>;

/** What the daemon must have counted when these kinds of tasks have ended. */
export function expectedTallies(kinds: readonly Kind[]): Tallies {
  return sumByTask(
    kinds.map(({ task, count, ending: { outcome, error, retries = 0 } }) => ({
      task: task.name,
      counts: {
        planned: count,
        published: count,
        [outcome]: count,
        ...(error === undefined ? {} : { [`error ${error}`]: count }),
        retries: retries * count,
      },
    })),
  );
}

/** How often workers must have run them. */
export function expectedRuns(kinds: readonly Kind[]): Tallies {
  return sumByTask(
    kinds.map(({ task, count, ending: { runs = 1 } }) => ({
      task: task.name,
      counts: { runs: runs * count },
    })),
  );
}

/** What a page of metrics says, gauges too. */
export function pageTallies(page: Metrics): Tallies {
  const counted = [
    ...[METRICS.planned, METRICS.published, METRICS.publishing, METRICS.inFlight],
    ...[METRICS.dropped, METRICS.publishFailures, METRICS.outcomes, METRICS.errors],
    ...[METRICS.retries, METRICS.late, METRICS.duplicates, METRICS.recovered],
  ];
  return sumByTask(
    counted.flatMap(({ name }) =>
      page.select(METRIC_PREFIX + name).map(({ labels, value }) => ({
        task: labels.task ?? "",
        counts: { [titleOf(name, labels)]: value },
      })),
    ),
  );
}

/** What the end report says. */
export function reportTallies(report: LedgerReport): Tallies {
  return Object.fromEntries(
    Object.entries(report.tasks).map(([name, task]) => [name, reportTally(task)]),
  );
}

/** Each count that is not as it should be, a short sentence each. */
export function differences(found: Tallies, wanted: Tallies): string[] {
  return union(found, wanted).flatMap((task) => {
    const [is, should] = [found[task] ?? {}, wanted[task] ?? {}];
    return union(is, should)
      .filter((what) => (is[what] ?? 0) !== (should[what] ?? 0))
      .map((what) => `${task}: ${what} is ${is[what] ?? 0} instead of ${should[what] ?? 0}`);
  });
}

const TITLES: Readonly<Record<string, string>> = {
  [METRICS.planned.name]: "planned",
  [METRICS.published.name]: "published",
  [METRICS.publishing.name]: "publishing",
  [METRICS.inFlight.name]: "in flight",
  [METRICS.retries.name]: "retries",
  [METRICS.late.name]: "late",
  [METRICS.duplicates.name]: "duplicate",
  [METRICS.recovered.name]: "recovered",
};

function titleOf(metric: string, labels: Readonly<Record<string, string>>): string {
  const { reason, kind, exception, outcome } = labels;
  if (reason !== undefined) return `dropped ${reason}`;
  if (kind !== undefined) return `publish failure ${kind}`;
  if (exception !== undefined) return `error ${exception}`;
  return outcome ?? TITLES[metric]!;
}

function reportTally(task: TaskReport): Tally {
  const { planned, published, retries, late, duplicate, recovered } = task;
  return {
    ...{ planned, published, retries, late, duplicate, recovered },
    ...task.outcomes,
    ...prefixed("dropped", task.dropped),
    ...prefixed("publish failure", task.publishFailures),
    ...prefixed("error", task.errors),
  };
}

function prefixed(prefix: string, counts: Tally): Tally {
  return Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [`${prefix} ${name}`, count]),
  );
}

function sumByTask(parts: readonly { readonly task: string; readonly counts: Tally }[]): Tallies {
  const sums: Record<string, Record<string, number>> = {};
  for (const { task, counts } of parts) {
    sums[task] ??= {};
    const sum = sums[task];
    for (const [what, count] of Object.entries(counts)) sum[what] = (sum[what] ?? 0) + count;
  }
  return sums;
}

function union(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])];
}
