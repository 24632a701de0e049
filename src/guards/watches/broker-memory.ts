import type { GuardSubject } from "../guard-plan.js";
import { known, unknown, type Watcher } from "./watch.js";

/** Memory of the broker as a share of its limit. */
export function watchBrokerMemory({ connection }: GuardSubject): Watcher {
  return {
    look({ observed }) {
      const memory = observed[connection!]?.brokerMemory ?? null;
      if (memory === null) {
        return unknown(
          "the broker does not tell its memory: Redis by INFO, RabbitMQ by its management API, which needs the key management",
        );
      }
      if (memory.limitBytes === null) return unknown("the broker has no limit (maxmemory is 0)");
      return known(memory.usedBytes / memory.limitBytes);
    },
  };
}
