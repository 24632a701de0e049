import type { RefusedOutcome } from "../connections/ports.js";
import { WRONG_ANSWER } from "../ledger/layout.js";
import type { Subject } from "../readings/subject.js";
import type { LedgerReport, TaskReport } from "./task-report.js";

/** In the words of who refused: the last one of each kind, null when there was none. */
export interface NotSentReasons {
  /** What a broker said when it refused a task, by `refusalKey`. */
  readonly refused: ReadonlyMap<string, string>;
  /** Why a message could not be built. */
  readonly invalid: string | null;
  /** Why a broker could not be reached. */
  readonly notConnected: string | null;
}

export function refusalKey(task: string, outcome: RefusedOutcome): string {
  return `${outcome} ${task}`;
}

/** A longer text of a server is cut. */
const LONGEST_WORDS = 300;

/** The words of a server, and what to do about it, which may stand in lines behind them; else "". */
export function told(reason: string): readonly [words: string, remedy: string] {
  const [words = "", ...remedy] = reason.split("\n");
  return [words.slice(0, LONGEST_WORDS), remedy.join(" ")];
}

/** A way for starts to end that is no success: how many did, in words, and what to do about it. */
interface Cause {
  readonly count: number;
  readonly what: string;
  readonly remedy: string;
}

/**
 * A sentence for the whole when nothing has succeeded, else one for each task of which nothing has: how its starts
 * ended, and what to do about what most of them met. A run that says nothing of this looks like a good one.
 */
export function withoutSuccess(
  { total, tasks }: Pick<LedgerReport, "total" | "tasks">,
  subject: Subject,
  reasons: NotSentReasons,
  stoppedBySignal: boolean,
): string[] {
  const sentence = (what: string, report: TaskReport, names: readonly string[]) => {
    const causes = causesOf(report, subject, names, reasons, stoppedBySignal);
    if (causes.length === 0) return `${what} succeeded.`;
    const ends = causes.map(({ count, what: how }) => `${count} ${how}`).join(", ");
    return `${what} succeeded: of ${report.planned} starts ${ends}. ${causes[0]!.remedy}`;
  };
  const isInVain = ({ planned, outcomes }: TaskReport) => planned > 0 && outcomes.succeeded === 0;
  const inVain = Object.entries(tasks).filter(([, report]) => isInVain(report));
  if (isInVain(total)) {
    return [
      sentence(
        "Nothing",
        total,
        inVain.map(([task]) => task),
      ),
    ];
  }
  return inVain.map(([task, report]) => sentence(`Nothing of ${task}`, report, [task]));
}

/** The most frequent one first. */
function causesOf(
  report: TaskReport,
  subject: Subject,
  tasks: readonly string[],
  reasons: NotSentReasons,
  stoppedBySignal: boolean,
): Cause[] {
  const { dropped, publishFailures, outcomes } = report;
  const queues = [
    ...new Set(
      subject.entries.filter(({ task }) => tasks.includes(task)).map(({ queue }) => queue),
    ),
  ];
  const queue = queues.length === 1 ? `queue ${queues[0]}` : `the queues ${queues.join(", ")}`;
  const cause = (
    count: number,
    what: string,
    remedy: string,
    reason: string | undefined | null,
  ) => {
    const [words, better] = told(reason ?? "");
    return { count, what: words === "" ? what : `${what}: ${words}`, remedy: better || remedy };
  };
  const refusal = (outcome: RefusedOutcome) =>
    tasks.map((task) => reasons.refused.get(refusalKey(task, outcome))).find(Boolean);
  const causes: Cause[] = [
    ...errorCauses(report, tasks, queue),
    {
      count: outcomes.timed_out!,
      what: "without a result in time",
      remedy: `See that a worker consumes ${queue}, keeps up, and stores results in this result backend; celery-load doctor tells which.`,
    },
    {
      count: outcomes.unknown!,
      what: "unknown",
      remedy: stoppedBySignal
        ? "The run was stopped before their results came. Let it run longer, or raise gracefulStop."
        : "The connection was lost before the broker's answer came, or nobody waited for the result: raise gracefulStop.",
    },
    cause(
      publishFailures.rejected!,
      "refused by the broker",
      "Mend what the broker names, or ask who runs it.",
      refusal("refused"),
    ),
    cause(
      publishFailures.unroutable!,
      "without a queue to go to",
      `Start a worker for ${queue}, which declares it, or correct the task's queue, exchange and routingKey.`,
      refusal("unroutable"),
    ),
    cause(
      publishFailures.too_large!,
      "larger than the broker takes",
      "Send smaller arguments, or raise max_message_size of RabbitMQ.",
      refusal("tooLarge"),
    ),
    cause(
      publishFailures.invalid!,
      "not to be made into a message",
      "Correct the task's arguments and options.",
      reasons.invalid,
    ),
    cause(
      dropped.not_connected!,
      "dropped without a connection to the broker",
      "Start the broker, or correct its URL; celery-load doctor tries it.",
      reasons.notConnected,
    ),
    {
      count: dropped.in_flight!,
      what: "dropped as maxInFlight tasks were in flight",
      remedy: `No result came in time for more: see that workers consume ${queue}, or raise maxInFlight.`,
    },
    {
      count: dropped.backpressure!,
      what: "dropped as the broker took no more",
      remedy:
        "The broker is blocked (memory or disk alarm) or too slow: free it, or lower the rate.",
    },
    {
      count: dropped.saturated!,
      what: "dropped as this machine was too slow",
      remedy: "Lower the rate, set threads, or give this daemon more CPU.",
    },
  ];
  return causes.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
}

/** Tasks that have failed or were revoked, by their exception. */
function errorCauses(
  { errors, outcomes }: TaskReport,
  tasks: readonly string[],
  queue: string,
): Cause[] {
  const named = Object.entries(errors).map(([exception, count]): Cause => {
    const isRevoked = exception === REVOKED;
    const what = isRevoked ? "revoked" : `failed with ${exception}`;
    return { count, what, remedy: remedyOf(exception, tasks, queue) };
  });
  const told = named.reduce((sum, { count }) => sum + count, 0);
  const untold = outcomes.failed! + outcomes.revoked! - told;
  return [...named, { count: untold, what: "failed", remedy: "The workers' log says why." }];
}

const REVOKED = "TaskRevokedError";

function remedyOf(exception: string, tasks: readonly string[], queue: string): string {
  switch (exception) {
    case "NotRegistered":
      return `The workers of ${queue} do not know ${tasks.join(", ")}: correct the task's name or its queue, or start workers that import it. celery-load doctor lists what they know.`;
    case REVOKED:
      return "They expired before a worker took them, or somebody revoked them: add workers, raise expires, or lower the rate.";
    case WRONG_ANSWER:
      return "They returned something else than the task's expect says: correct the one or the other.";
    default:
      return "The workers' log has its traceback.";
  }
}
