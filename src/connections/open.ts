import { hostname } from "node:os";
import type { Connection, ConnectionOptions } from "./ports.js";
import { openRedisBroker } from "./redis/broker.js";
import { openRedisResults } from "./redis/results.js";

/**
 * Opens a broker and the result backend that belongs to it. The only place that chooses by the URL's
 * scheme; the configuration has refused every scheme that is not listed here.
 */
export function openConnection(options: ConnectionOptions): Connection {
  const clientName = `celery-load@${hostname()}`;
  const broker = openRedisBroker({ ...options, url: options.broker, clientName });
  const backend = openRedisResults({ ...options, url: options.backend, clientName });
  return {
    publisher: broker.publisher,
    results: backend.results,
    checkLiveness(isLate) {
      broker.checkLiveness(isLate);
      backend.checkLiveness(isLate);
    },
    async close() {
      await Promise.all([broker.close(), backend.close()]);
    },
  };
}
