import { hostname } from "node:os";
import { parseAmqpUrl } from "../celery/amqp-url.js";
import { parseRedisUrl } from "../celery/redis-url.js";
import { kindOf } from "../celery/server-url.js";
import { openAmqpBroker } from "./amqp/broker.js";
import { openAmqpControl } from "./amqp/control.js";
import { openAmqpEvents } from "./amqp/events.js";
import { openAmqpLook } from "./amqp/look.js";
import { openAmqpRpcResults } from "./amqp/rpc-results.js";
import { openAmqpSentEvents } from "./amqp/sent-events.js";
import { openNoResults } from "./no-results.js";
import type {
  Control,
  ControlOptions,
  EventStream,
  EventStreamOptions,
  ObserveOptions,
  ServerLook,
} from "./observe-ports.js";
import type {
  BrokerOptions,
  BrokerPart,
  Connection,
  ConnectionOptions,
  ResultsPart,
} from "./ports.js";
import { openRedisBroker } from "./redis/broker.js";
import { openRedisControl } from "./redis/control.js";
import { openRedisEvents } from "./redis/events.js";
import { openRedisLook } from "./redis/look.js";
import { openRedisResults } from "./redis/results.js";
import { openRedisRpcResults } from "./redis/rpc-results.js";
import { openRedisSentEvents } from "./redis/sent-events.js";
import { type SentEvents, withSentEvents } from "./sent-events.js";

/** How our connections are named in the servers' own lists, before the purpose of each. */
function clientNameOf(url: string): string {
  const name =
    kindOf(url) === "amqp"
      ? parseAmqpUrl(url).clientProperties?.connection_name
      : parseRedisUrl(url).socket?.clientName;
  return typeof name === "string" ? name : `celery-load@${hostname()}`;
}

/**
 * Opens a broker and the result backend that belongs to it. The only place that chooses by the URL's
 * scheme; the configuration has refused every scheme that is not listed here.
 */
export function openConnection(options: ConnectionOptions): Connection {
  const clientName = clientNameOf(options.broker);
  const broker = brokerOf({ ...options, url: options.broker, clientName });
  const backend = backendOf(options, clientName);
  const sentEvents = options.sendTaskSentEvents
    ? sentEventsOf({ ...options, url: options.broker, clientName })
    : null;
  return {
    publisher:
      sentEvents === null ? broker.publisher : withSentEvents(broker.publisher, sentEvents),
    results: backend.results,
    optional: {
      open() {
        for (const part of [backend.optional, sentEvents]) part?.open();
      },
      stepAside() {
        for (const part of [backend.optional, sentEvents]) part?.stepAside();
      },
    },
    checkLiveness(isLate) {
      for (const part of [broker, backend, sentEvents]) part?.checkLiveness(isLate);
    },
    async close(isOwed) {
      await Promise.all([broker.close(isOwed), backend.close(isOwed), sentEvents?.close()]);
    },
  };
}

function sentEventsOf(options: BrokerOptions): SentEvents {
  return kindOf(options.url) === "amqp"
    ? openAmqpSentEvents(options)
    : openRedisSentEvents(options);
}

function brokerOf(options: BrokerOptions): BrokerPart {
  return kindOf(options.url) === "amqp" ? openAmqpBroker(options) : openRedisBroker(options);
}

/** `rpc://` means replies through the broker itself. */
function backendOf(options: ConnectionOptions, clientName: string): ResultsPart {
  const kind = kindOf(options.backend);
  if (kind === "disabled") return openNoResults(options.events);
  if (kind !== "rpc") {
    const url = options.backend;
    return openRedisResults({ ...options, url, clientName: clientNameOf(url) });
  }
  const rpc = { ...options, url: options.broker, clientName };
  return kindOf(options.broker) === "amqp" ? openAmqpRpcResults(rpc) : openRedisRpcResults(rpc);
}

/** Remote control of the workers of a broker. */
export function openControl(options: Unnamed<ControlOptions>): Control {
  const named = { ...options, clientName: clientNameOf(options.url) };
  return kindOf(options.url) === "amqp" ? openAmqpControl(named) : openRedisControl(named);
}

/** The events that workers send through a broker. */
export function openEvents(options: Unnamed<EventStreamOptions>): EventStream {
  const named = { ...options, clientName: clientNameOf(options.url) };
  return kindOf(options.url) === "amqp" ? openAmqpEvents(named) : openRedisEvents(named);
}

/** A look at a broker, or at a result backend that is a server of its own. */
export function openLook(options: Unnamed<ObserveOptions>): ServerLook {
  const named = { ...options, clientName: clientNameOf(options.url) };
  return kindOf(options.url) === "amqp" ? openAmqpLook(named) : openRedisLook(named);
}

type Unnamed<T extends ObserveOptions> = Omit<T, "clientName">;
