import type { GuardSubject } from "../guard-plan.js";
import { known, unknown, type Watcher } from "./watch.js";

/** Messages in a queue that no worker has fetched, anybody's. */
export function watchQueueLength({ connection, queue }: GuardSubject): Watcher {
  return {
    look({ observed }) {
      const seen = observed[connection!]?.queues.find(({ name }) => name === queue);
      const ready = seen?.ready ?? null;
      return ready === null
        ? unknown("the broker does not tell how long the queue is")
        : known(ready);
    },
  };
}
