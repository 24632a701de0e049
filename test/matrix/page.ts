import { code, table } from "../../src/docs/markdown.js";
import {
  BACKENDS,
  BROKERS,
  type Broker,
  CELERY_SERIES,
  type CelerySeries,
  type Combination,
  nameOf,
  POOLS,
  SERVERS,
} from "./combinations.js";
import { RATE_PER_SECOND, TASK_COUNT } from "./kinds.js";
import { kindsTable } from "./kinds-table.js";
import type { MatrixRun, Trial } from "./results.js";

/** docs/compatibility.md, from all results that count. */
export function compatibilityPage(runs: readonly MatrixRun[]): string {
  const trials = runs.flatMap((run) => run.trials);
  return `${[
    "<!-- Generated from test/matrix/results.json, which `npm run matrix` writes: run that to change it. -->",
    "# Compatibility",
    "The daemon against real workers: six versions of Celery, five brokers, two result backends, four " +
      "worker pools.",
    summaryOf(trials),
    ...BROKERS.flatMap((broker) => [
      `## ${brokerTitle(runs, broker)} as broker`,
      matrixTable(runs, broker),
    ]),
    LEGEND,
    ...remarksOf(trials),
    "## What a cell stands for",
    `A worker of that Celery with its own queue, and the built daemon, which publishes ${TASK_COUNT} tasks ` +
      `at ${RATE_PER_SECOND}/s. What must become of each is known beforehand:`,
    kindsTable(),
    "✓ means that all of this was so:",
    [
      "- the last page of `/metrics` and the end report have exactly these counts for every task: planned, " +
        "published, outcomes, errors by exception class, retries;",
      "- nothing was dropped, refused, late, duplicate, unmatched, malformed or recovered, and no connection " +
        "was lost;",
      "- both equations of the ledger held in the end report and in every page of metrics, read over and over " +
        `while it ran (${pagesOf(trials)} pages in all trials that are right);`,
      "- by the worker's own record tasks ran exactly as often as they had to;",
      "- the daemon ended by itself with exit code 0.",
    ].join("\n"),
    "## What differs",
    DIFFERENCES,
    "## What the results rest on",
    runsTable(runs),
    ...repeatsOf(trials),
    "Each Celery has the kombu and the Redis client of its time, pinned in `test/matrix/requirements-*.txt`:",
    packagesTable(runs),
    "Brokers and workers ran on one machine. Clusters, quorum queues, TLS and Sentinel are not part of this " +
      "matrix, nor are failures: the system tests have TLS, Sentinel and failures, with few versions.",
    "## Run it again",
    [
      "```console",
      "$ npm run matrix                                       # all of it",
      "$ npm run matrix -- --celery 5.4,5.7 --pool threads    # these; the others stay as they are",
      "$ npm run matrix -- --broker redis8,valkey8,rabbitmq4  # today's brokers",
      "```",
    ].join("\n"),
    "The flags are `--celery`, `--broker`, `--backend` and `--pool`. The script installs each Celery into " +
      "`.cache/matrix`, starts servers of its own and runs two combinations at a time. `redis` and `rabbitmq` " +
      "are whatever the machine has installed; `redis8`, `valkey8` and `rabbitmq4` are Debian 13's, which are " +
      "unpacked into `.cache/todays-brokers` where we are root on Debian. It " +
      "replaces the results of what it ran in `test/matrix/results.json`, good or bad, and writes this page. " +
      "Logs of the last run are in `.cache/matrix/logs`; its exit code is 1 when something went wrong.",
  ].join("\n\n")}\n`;
}

const LEGEND =
  "✓ all as it must be · ✗ something was not · – could not run · an empty cell was never tried. " +
  "`redis` and `rpc` are the result backends: with a RabbitMQ, the Redis of its time.";

const DIFFERENCES = [
  "- **A message that expires in a queue** is dropped by RabbitMQ without a word, so its task ends as " +
    "`timed_out`. Redis keeps it until a worker takes it, who says that it has expired: `revoked`.",
  "- **`Reject`** stores no result before Celery 5.7: `timed_out`. Since 5.7 it is a failure.",
  "- **Celery before 5.2.7 cannot retry a task that has `expires`**: write `expires: none` for such tasks. The " +
    "matrix does so for 5.2, and has retries of tasks with an expiry for all later versions.",
  "- **`rpc://` before Celery 5.7 sends no `date_done`**, so that the phase `work` has no samples there.",
  "- **A gevent worker of Celery 5.7.0 on RabbitMQ** takes about ten messages a second: after each it waits up " +
    "to 0.1 s for its events connection (`celery/worker/loops.py synloop`). All outcomes are right, and late.",
  "- **A priority on RabbitMQ** has an effect in queues that were declared with `x-max-priority`, which a " +
    "worker's plain queue is not. It is sent and does no harm.",
].join("\n");

/** With the versions that were tried: "Valkey 8.1.1". */
function brokerTitle(runs: readonly MatrixRun[], broker: Broker): string {
  const versions = runs
    .filter(({ trials }) => trials.some((trial) => trial.broker === broker))
    .map(({ servers }) => servers[broker])
    .filter((version) => typeof version === "string");
  const { product } = SERVERS[broker];
  return versions.length === 0 ? broker : `${product} ${[...new Set(versions)].join(", ")}`;
}

function matrixTable(runs: readonly MatrixRun[], broker: Broker): string {
  const trials = runs.flatMap((run) => run.trials);
  const remarks = numberedRemarks(trials);
  const byName = new Map(trials.map((trial) => [nameOf(trial), trial]));
  const columns = BACKENDS.flatMap((backend) => POOLS.map((pool) => ({ broker, backend, pool })));
  const cell = (combination: Combination) => {
    const trial = byName.get(nameOf(combination));
    return trial === undefined ? "" : cellOf(trial, remarks);
  };
  return table(
    ["Celery", ...columns.map(({ backend, pool }) => `${backend}<br>${pool}`)],
    CELERY_SERIES.map((celery) => [
      rowTitle(runs, celery),
      ...columns.map((column) => cell({ celery, ...column })),
    ]),
  );
}

/** The releases that were tried: "5.4.0". */
function rowTitle(runs: readonly MatrixRun[], series: CelerySeries): string {
  const releases = runs
    .filter(({ trials }) => trials.some(({ celery }) => celery === series))
    .map(({ packages }) => packages[series])
    .filter((found) => found !== undefined)
    .map(({ celery, from }) => (from === "Debian" ? `${celery} (Debian)` : celery));
  return [...new Set(releases)].join(", ") || series;
}

function summaryOf(trials: readonly Trial[]): string {
  const all = CELERY_SERIES.length * BROKERS.length * BACKENDS.length * POOLS.length;
  const ran = trials.filter(({ notRun }) => notRun === null);
  const parts = [`**${ran.filter(isRight).length} of ${all} combinations are right.**`];
  const wrong = ran.filter((trial) => !isRight(trial)).length;
  if (wrong > 0) parts.push(`${wrong} went wrong.`);
  const notRun = trials.length - ran.length;
  if (notRun > 0) parts.push(`${notRun} could not run.`);
  if (trials.length < all) parts.push(`${all - trials.length} were never tried.`);
  return parts.join(" ");
}

/** Pages of metrics that were read in trials that are right. */
function pagesOf(trials: readonly Trial[]): string {
  return trials
    .filter(isRight)
    .reduce((sum, { scrapes }) => sum + scrapes, 0)
    .toLocaleString("en");
}

function isRight({ notRun, problems }: Trial): boolean {
  return notRun === null && problems.length === 0;
}

function cellOf(trial: Trial, remarks: ReadonlyMap<string, number>): string {
  if (isRight(trial)) return "✓";
  return `${trial.notRun === null ? "✗" : "–"} (${remarks.get(remarkOf(trial))})`;
}

/** What is not ✓, by the numbers that it has in the tables. */
function remarksOf(trials: readonly Trial[]): string[] {
  const remarks = [...numberedRemarks(trials)].map(([text, number]) => `${number}. ${text}`);
  return remarks.length === 0 ? [] : [remarks.join("\n")];
}

/** The same remark has the same number in all cells. */
function numberedRemarks(trials: readonly Trial[]): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const trial of trials.filter((each) => !isRight(each))) {
    const remark = remarkOf(trial);
    if (!numbers.has(remark)) numbers.set(remark, numbers.size + 1);
  }
  return numbers;
}

function remarkOf({ notRun, problems }: Trial): string {
  return notRun === null ? `Wrong: ${problems.join("; ")}` : `Could not run: ${notRun}`;
}

function runsTable(runs: readonly MatrixRun[]): string {
  return table(
    ["run of", "combinations that count", "celery-load-exporter", "Node", "servers"],
    runs.map(({ date, daemon, node, servers, trials }) => [
      date.slice(0, 10),
      String(trials.length),
      daemon,
      node,
      BROKERS.filter((broker) => servers[broker] != null)
        .map((broker) => `${SERVERS[broker].product} ${servers[broker]}`)
        .join(", "),
    ]),
  );
}

/** Says how often the machine was too slow for a trial to mean anything. */
function repeatsOf(trials: readonly Trial[]): string[] {
  const repeated = trials.filter(({ repeats }) => repeats > 0).length;
  if (repeated === 0) return [];
  const what = repeated === 1 ? "One trial was" : `${repeated} trials were`;
  return [
    `${what} repeated, as the daemon said that it had itself been late (\`generator_saturated\`, starts ` +
      "dropped as `saturated`): the machine was busy, and such numbers say nothing about Celery.",
  ];
}

function packagesTable(runs: readonly MatrixRun[]): string {
  const names = ["kombu", "redis", "amqp", "billiard", "gevent"];
  const rows = CELERY_SERIES.flatMap((series) =>
    runs
      .filter(({ trials }) => trials.some(({ celery }) => celery === series))
      .map(({ packages }) => packages[series])
      .filter((found) => found !== undefined)
      .map((found) => [
        ...[found.celery, found.from, found.python],
        ...names.map((name) => found[name]),
      ]),
  );
  const distinct = new Map(rows.map((row) => [JSON.stringify(row), row]));
  return table(
    ["Celery", "from", "Python", ...names.map(code)],
    [...distinct.values()].map((row) => row.map((version) => version ?? "–")),
  );
}
