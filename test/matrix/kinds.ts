import { createHash } from "node:crypto";
import {
  CELERY_SERIES,
  type CelerySeries,
  type Combination,
  FAMILIES,
  type Family,
  SERVERS,
} from "./combinations.js";

/** How a task ends, and what is seen of it on the way. */
export interface Ending {
  readonly outcome: "succeeded" | "failed" | "revoked" | "timed_out";
  /** Class of the exception that it fails with. */
  readonly error?: string;
  readonly retries?: number;
  /** How often a worker runs it; once when left out. */
  readonly runs?: number;
}

/** Tasks of a trial that are alike, and what must become of each of them. */
export interface Kind {
  /** Its key in the configuration. */
  readonly key: string;
  readonly count: number;
  /** For whoever reads the page. */
  readonly what: string;
  /** As in the configuration, but for the queue. */
  readonly task: { readonly name: string; readonly [key: string]: unknown };
  /** In the queue that the worker reads only after these tasks have expired. */
  readonly isForLater?: boolean;
  readonly ending: Ending;
}

/** Tasks of one trial, and how many a second. */
export const TASK_COUNT = 200;
export const RATE_PER_SECOND = 100;
/** After this the tasks in the queue for later have expired. */
export const EXPIRES_SECONDS = 1;
/** The timeout of those tasks alone that must reach it: others may take as long as a busy machine does. */
const TIMEOUT = "4s";

/**
 * What a trial publishes. Where the right outcome depends on the version of Celery or on the broker,
 * it says so here, and the page shows it from here.
 */
export function kindsOf({ celery, broker }: Pick<Combination, "celery" | "broker">): Kind[] {
  return [
    {
      key: "good",
      count: 20,
      what: "returns a number; an argument is a template",
      task: { name: "tests.add", args: [1, "{{ int(1, 9) }}"] },
      ending: { outcome: "succeeded" },
    },
    {
      key: "wrong",
      count: 10,
      what: "lacks an argument",
      task: { name: "tests.add", args: [1] },
      // The pool calls the function, which refuses: that is a run.
      ending: { outcome: "failed", error: "TypeError" },
    },
    {
      key: "builtin",
      count: 10,
      what: "raises an exception of Python's",
      task: { name: "tests.fail", args: ["KeyError"] },
      ending: { outcome: "failed", error: "KeyError" },
    },
    {
      key: "own",
      count: 10,
      what: "raises an exception of the application's own",
      task: { name: "tests.decline" },
      ending: { outcome: "failed", error: "PaymentDeclined" },
    },
    {
      key: "retrying",
      count: 10,
      what: "succeeds after two retries",
      task: { name: "tests.retry", args: [2], kwargs: { countdown: 1 }, expires: "none" },
      ending: { outcome: "succeeded", retries: 2, runs: 3 },
    },
    {
      key: "expiring",
      count: 10,
      what: "succeeds after two retries, and would expire some day",
      task: {
        name: "tests.retry",
        args: [2],
        kwargs: { countdown: 1 },
        // Celery before 5.2.7 compares the header's text with a number when such a task retries.
        expires: celery === "5.2" ? "none" : "10m",
      },
      ending: { outcome: "succeeded", retries: 2, runs: 3 },
    },
    {
      key: "exhausted",
      count: 10,
      what: "gives up after one retry",
      task: { name: "tests.exhausted", expires: "none" },
      ending: { outcome: "failed", error: "Flaky", retries: 1, runs: 2 },
    },
    {
      key: "unregistered",
      count: 10,
      what: "has a name that no worker knows",
      task: { name: "tests.no_such_task" },
      ending: { outcome: "failed", error: "NotRegistered", runs: 0 },
    },
    {
      key: "letters",
      count: 10,
      what: "compares its arguments in several scripts with what was sent",
      task: {
        name: "tests.letters",
        args: ['Grüße aus 東京, "Zürich" \\ 🚀 № {{ int(1, 9) }}', "{{ int(1, 9) }}"],
        kwargs: { größe: '{{ choice("ä", "日本", "🚀") }}', order: "{{ uuid }}" },
      },
      ending: { outcome: "succeeded" },
    },
    {
      key: "urgent",
      count: 10,
      what: "has priority 9",
      task: { name: "tests.sleep", args: [0], priority: 9 },
      ending: { outcome: "succeeded" },
    },
    {
      key: "big",
      count: 10,
      what: "returns 20 kB",
      task: { name: "tests.big", args: [20_000] },
      ending: { outcome: "succeeded" },
    },
    {
      key: "huge",
      count: 10,
      what: "returns 1.2 MB",
      task: { name: "tests.big", args: [1_200_000] },
      ending: { outcome: "succeeded" },
    },
    {
      key: "odd",
      count: 10,
      what: "returns NaN, infinity, a date and an integer of 22 digits",
      task: { name: "tests.odd" },
      ending: { outcome: "succeeded" },
    },
    {
      key: "unserialisable",
      count: 10,
      what: "returns what cannot be serialised",
      task: { name: "tests.unserialisable" },
      ending: { outcome: "failed", error: "EncodeError" },
    },
    {
      key: "progress",
      count: 10,
      what: "stores `STARTED` and twice a state of its own, then returns",
      task: { name: "tests.progress" },
      ending: { outcome: "succeeded" },
    },
    {
      key: "quiet",
      count: 10,
      what: "is declared with `ignore_result`",
      task: { name: "tests.quiet", timeout: TIMEOUT, expires: "none" },
      ending: { outcome: "timed_out" },
    },
    {
      key: "ignoring",
      count: 10,
      what: "raises `Ignore`",
      task: { name: "tests.never", timeout: TIMEOUT, expires: "none" },
      ending: { outcome: "timed_out" },
    },
    rejectingKind(celery),
    expiredKind(SERVERS[broker].family),
  ];
}

/** Stands for all that trials publish and expect: results of other trials say nothing about these. */
export function kindsDigest(): string {
  const all = CELERY_SERIES.flatMap((celery) =>
    FAMILIES.map((broker) => kindsOf({ celery, broker }).map(({ what: _, ...kind }) => kind)),
  );
  return createHash("sha256")
    .update(JSON.stringify([RATE_PER_SECOND, all]))
    .digest("hex")
    .slice(0, 12);
}

/** Celery stores a FAILURE for `Reject` since 5.7, before that nothing. */
function rejectingKind(celery: CelerySeries): Kind {
  const isStored = celery === "5.7";
  return {
    key: "rejecting",
    count: 10,
    what: "raises `Reject`",
    task: {
      name: "tests.reject",
      ...(isStored ? {} : { timeout: TIMEOUT, expires: "none" }),
    },
    ending: isStored ? { outcome: "failed", error: "Reject" } : { outcome: "timed_out" },
  };
}

/** RabbitMQ drops a message that has expired; Redis keeps it, and the worker that takes it says so. */
function expiredKind(broker: Family): Kind {
  const isDropped = broker === "rabbitmq";
  return {
    key: "expired",
    count: 10,
    what: "expires in the queue",
    task: {
      name: "tests.sleep",
      args: [0],
      expires: `${EXPIRES_SECONDS}s`,
      ...(isDropped ? { timeout: TIMEOUT } : {}),
    },
    isForLater: true,
    ending: isDropped
      ? { outcome: "timed_out", runs: 0 }
      : { outcome: "revoked", error: "TaskRevokedError", runs: 0 },
  };
}
