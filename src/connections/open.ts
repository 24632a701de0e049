import { hostname } from "node:os";
import { kindOf } from "../celery/server-url.js";
import { openAmqpBroker } from "./amqp/broker.js";
import { openAmqpRpcResults } from "./amqp/rpc-results.js";
import type {
  BrokerOptions,
  BrokerPart,
  Connection,
  ConnectionOptions,
  ResultsPart,
} from "./ports.js";
import { openRedisBroker } from "./redis/broker.js";
import { openRedisResults } from "./redis/results.js";
import { openRedisRpcResults } from "./redis/rpc-results.js";

/**
 * Opens a broker and the result backend that belongs to it. The only place that chooses by the URL's
 * scheme; the configuration has refused every scheme that is not listed here.
 */
export function openConnection(options: ConnectionOptions): Connection {
  const clientName = `celery-load@${hostname()}`;
  const broker = brokerOf({ ...options, url: options.broker, clientName });
  const backend = backendOf(options, clientName);
  return {
    publisher: broker.publisher,
    results: backend.results,
    checkLiveness(isLate) {
      broker.checkLiveness(isLate);
      backend.checkLiveness(isLate);
    },
    async close(isOwed) {
      await Promise.all([broker.close(isOwed), backend.close(isOwed)]);
    },
  };
}

function brokerOf(options: BrokerOptions): BrokerPart {
  return kindOf(options.url) === "amqp" ? openAmqpBroker(options) : openRedisBroker(options);
}

/** `rpc://` means replies through the broker itself. */
function backendOf(options: ConnectionOptions, clientName: string): ResultsPart {
  if (kindOf(options.backend) !== "rpc") {
    return openRedisResults({ ...options, url: options.backend, clientName });
  }
  const rpc = { ...options, url: options.broker, clientName };
  return kindOf(options.broker) === "amqp" ? openAmqpRpcResults(rpc) : openRedisRpcResults(rpc);
}
