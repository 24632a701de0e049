import { hostname } from "node:os";
import type { BrokerKind } from "../celery/urls/broker-kinds.js";
import { brokerTraits, kindOf } from "../celery/urls/server-url.js";
import { AMQP } from "./amqp/parts.js";
import type { BrokerParts } from "./broker-parts.js";
import type { Claim, ClaimOptions } from "./claim-port.js";
import { openNoResults } from "./no-results.js";
import type {
  ControlOptions,
  EventStream,
  EventStreamOptions,
  ObserveOptions,
  RemoteControl,
  ServerLook,
} from "./observe-ports.js";
import type { Connection, ConnectionOptions, ResultsPart } from "./ports.js";
import { REDIS } from "./redis/parts.js";
import { openRedisResults } from "./redis/results.js";
import { withSentEvents } from "./sent-events.js";

/** What speaks to each kind of broker. */
const PARTS: Readonly<Record<BrokerKind, BrokerParts>> = { redis: REDIS, amqp: AMQP };

/** The configuration has refused what is no URL of a broker. */
function partsOf(url: string): BrokerParts {
  return PARTS[kindOf(url) as BrokerKind];
}

/** How our connections are named in the servers' own lists, before the purpose of each. */
function clientNameOf(url: string): string {
  const name = brokerTraits(url)?.clientNameOf(url);
  return typeof name === "string" ? name : `celery-load@${hostname()}`;
}

/**
 * Opens a broker and the result backend that belongs to it. The only place that chooses by the URL's
 * scheme; the configuration has refused every scheme that is not listed here.
 */
export function openConnection(options: ConnectionOptions): Connection {
  const clientName = clientNameOf(options.broker);
  const named = { ...options, url: options.broker, clientName };
  const broker = partsOf(named.url).openBroker(named);
  const backend = backendOf(options, clientName);
  const sentEvents = options.sendTaskSentEvents ? partsOf(named.url).openSentEvents(named) : null;
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

/** `rpc://` means replies through the broker itself. */
function backendOf(options: ConnectionOptions, clientName: string): ResultsPart {
  const kind = kindOf(options.backend);
  if (kind === "disabled") return openNoResults(options.events);
  if (kind !== "rpc") {
    const url = options.backend;
    return openRedisResults({ ...options, url, clientName: clientNameOf(url) });
  }
  const rpc = { ...options, url: options.broker, clientName };
  return partsOf(rpc.url).openRpcResults(rpc);
}

/** Remote control of the workers of a broker. */
export function openControl(options: Unnamed<ControlOptions>): RemoteControl {
  const named = { ...options, clientName: clientNameOf(options.url) };
  return partsOf(options.url).openControl(named);
}

/** The events that workers send through a broker. */
export function openEvents(options: Unnamed<EventStreamOptions>): EventStream {
  const named = { ...options, clientName: clientNameOf(options.url) };
  return partsOf(options.url).openEvents(named);
}

/** A look at a broker, or at a result backend that is a server of its own. */
export function openLook(options: Unnamed<ObserveOptions>): ServerLook {
  const named = { ...options, clientName: clientNameOf(options.url) };
  return partsOf(options.url).openLook(named);
}

/** A name that at most one client of a broker has. */
export function openClaim(options: Unnamed<ClaimOptions>): Claim {
  const named = { ...options, clientName: clientNameOf(options.url) };
  return partsOf(options.url).openClaim(named);
}

type Unnamed<T extends { readonly clientName: string }> = Omit<T, "clientName">;
