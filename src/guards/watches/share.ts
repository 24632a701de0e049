import type { GuardPlan, GuardSubject } from "../guard-plan.js";
import { known, unknown, type Watcher } from "./watch.js";

/** What has been begun in less than this says little, be it much. */
const LEAST_MS = 5_000;
/** What was begun before that is no longer so. */
const MOST_MS = 120_000;

/**
 * Our part of the tasks that the workers of a queue begin, by their events; which say nothing of queues: what a worker
 * takes from another queue counts as well. Judged anew, and from what was begun since the last time only, as soon as
 * there is enough: 20 tasks, or as many as make 5 of ours at the limit.
 */
export function watchShare(
  { connection, queue }: GuardSubject,
  { limit }: Pick<GuardPlan, "limit">,
): Watcher {
  const enough = Math.max(20, Math.ceil(5 / limit));
  let first: { atMs: number; ours: number; others: number } | null = null;
  return {
    look({ observed, nowMs }) {
      const seen = observed[connection!]?.queues.find(({ name }) => name === queue);
      const started = seen?.started ?? null;
      if (started === null) {
        first = null;
        return unknown("the workers send no events of tasks (celery worker -E, or events: on)");
      }
      const { ours, others } = started;
      if (first === null || nowMs - first.atMs > MOST_MS) first = { atMs: nowMs, ours, others };
      const all = ours - first.ours + others - first.others;
      if (nowMs - first.atMs < LEAST_MS || all < enough) {
        return unknown(`only ${all} of ${enough} tasks have begun that it takes to tell`, true);
      }
      const share = (ours - first.ours) / all;
      first = { atMs: nowMs, ours, others };
      return known(share);
    },
  };
}
