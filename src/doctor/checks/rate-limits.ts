import { type Finding, finding } from "../advice.js";
import type { ConnectionFacts, TaskFacts, WorkerFacts } from "../facts.js";
import { consumersOf } from "./tasks.js";

/**
 * Share of a rate limit from which on tasks wait noticeably: starts are not even, and workers do not share
 * them evenly.
 */
const NEAR_LIMIT = 0.8;

/** Is what the plan asks of a worker more than its rate limit of a task, which each worker keeps by itself? */
export function checkRateLimits(facts: ConnectionFacts): Finding[] {
  if (facts.broker.fault !== null) return [];
  return facts.workers.answered.flatMap((worker) =>
    worker.tasks.flatMap(({ name, rateLimit }) => {
      const limit = worker.settings.disablesRateLimits ? null : perSecondOf(rateLimit);
      if (limit === null || rateLimit === null) return [];
      const planned = consumedBy(worker, facts.tasks).filter((task) => task.name === name);
      const perSecond = planned.reduce((sum, task) => sum + shareOf(facts, task), 0);
      if (perSecond <= limit * NEAR_LIMIT) return [];
      return planned.map(({ key }) =>
        finding("rate-limited", facts.connection, {
          ...{ key, task: name, node: worker.node },
          ...{ limit: rateLimit, planned: rateText(perSecond) },
        }),
      );
    }),
  );
}

function consumedBy({ queues }: WorkerFacts, tasks: readonly TaskFacts[]): TaskFacts[] {
  return tasks.filter(({ queue }) => queues.some(({ name }) => name === queue));
}

/** What of a task's highest rate comes to each of the workers of its queue, in messages a second. */
function shareOf(facts: ConnectionFacts, { queue, peakPerSecond }: TaskFacts): number {
  const counted = facts.queues.find(({ name }) => name === queue)?.depth?.consumers ?? 0;
  const consumers = Math.max(1, counted, consumersOf(facts, queue).length);
  return (peakPerSecond ?? Number.POSITIVE_INFINITY) / consumers;
}

/** Tasks a second of `10/m`, read as `rate()` of `celery/utils/time.py` does; null: no limit. */
function perSecondOf(rateLimit: string | null): number | null {
  const [count = "", unit = "s"] = (rateLimit ?? "").split("/");
  const seconds = SECONDS.get(unit) ?? Number.NaN;
  const perSecond = Number(count) / seconds;
  return perSecond > 0 ? perSecond : null;
}

const SECONDS: ReadonlyMap<string, number> = new Map([
  ["s", 1],
  ["m", 60],
  ["h", 3600],
]);

function rateText(perSecond: number): string {
  if (perSecond === Number.POSITIVE_INFINITY) return "as many as it takes";
  return perSecond < 1
    ? `${Number((perSecond * 60).toPrecision(2))}/m`
    : `${Number(perSecond.toPrecision(3))}/s`;
}
