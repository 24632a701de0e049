import type { TaskMessageSpec } from "../../celery/messages/message.js";
import { bindingsKey, routedQueues } from "../../celery/messages/redis-bindings.js";
import {
  compileRedisEnvelope,
  priorityKey,
  type RedisMessage,
} from "../../celery/messages/redis-envelope.js";
import { parseRedisUrl } from "../../celery/urls/redis-url.js";
import type { BrokerOptions, BrokerPart, Message, PublishAnswer } from "../ports.js";
import { DataWatch } from "./data-watch.js";
import { RedisLink } from "./link.js";
import { refusalText } from "./publish-refusal.js";
import { isServerRefusal } from "./reply.js";
import { NotWritten } from "./wire.js";

/**
 * Publishes to Redis as kombu's Redis transport does (`kombu/transport/redis.py`): by the anonymous
 * exchange, where the queue's name is the list's, or by an exchange with a name, whose bindings it reads.
 * It declares nothing: the workers that consume a queue have bound it.
 */
export function openRedisBroker(options: BrokerOptions): BrokerPart {
  const watch = new DataWatch((evidence) => options.events.dataLost(evidence));
  const link: RedisLink = new RedisLink({
    address: parseRedisUrl(options.url),
    name: `${options.clientName}:publish`,
    events: {
      prepare: (client) => watch.connected(client, link.serverIndex),
      answered: () => watch.answered(link),
      up: (downMs) => options.events.up("broker", downMs),
      down: (cause, isConfiguration) => options.events.down("broker", cause, isConfiguration),
    },
    ...(options.client === "direct" ? { takeOver: { message() {}, async wired() {} } } : {}),
  });
  link.open();
  const routes = new Map<string, ExchangeRoute>();
  return {
    publisher: {
      get ready() {
        return link.isUp;
      },
      isBlocked: false,
      template(spec, fixedBody) {
        const { destination, route } = destinationOf(spec, options);
        if (route !== null) routes.set(destination, route);
        const envelope = compileRedisEnvelope(spec, options.replyTo, fixedBody);
        return {
          destination,
          render: (fill) => envelope.fill(fill),
          sizeOf: (message) => (message as RedisMessage).byteLength,
        };
      },
      publish(destination, messages, answer) {
        const route = routes.get(destination);
        if (route === undefined) push(link, destination, messages, answer);
        else pushThroughExchange(link, route, messages, answer);
      },
    },
    checkLiveness: (isLate) => link.checkLiveness(isLate),
    async close() {
      link.close();
    },
  };
}

/** A named exchange: its bindings say to which lists a message goes. */
interface ExchangeRoute {
  readonly exchange: string;
  readonly routingKey: string;
  readonly bindingsKey: string;
  readonly sep: string;
  keyOf(queue: string): string;
}

/** The list of a queue, or a name for the route through an exchange, which no list can have. */
function destinationOf(
  spec: TaskMessageSpec,
  { transport }: BrokerOptions,
): { destination: string; route: ExchangeRoute | null } {
  const { exchange, routingKey, priority } = spec;
  const keyOf = (queue: string) =>
    transport.global_keyprefix + priorityKey(queue, priority, transport);
  if (exchange === "") return { destination: keyOf(routingKey), route: null };
  return {
    destination: `\0${exchange}\0${routingKey}\0${priority}`,
    route: {
      exchange,
      routingKey,
      bindingsKey: transport.global_keyprefix + bindingsKey(exchange),
      sep: transport.sep,
      keyOf,
    },
  };
}

/**
 * Looks the bindings up for every batch, as kombu does for every message
 * (`kombu/transport/redis.py _lookup`): workers may bind a queue at any time.
 */
function pushThroughExchange(
  link: RedisLink,
  route: ExchangeRoute,
  messages: readonly Message[],
  answer: PublishAnswer,
): void {
  const all = messages.length;
  if (!link.isUp || link.client.status !== "ready") {
    answer(0, all, "notWritten", "");
    return;
  }
  link.call("SMEMBERS", route.bindingsKey).then(
    (bindings) => {
      link.answered();
      if (!Array.isArray(bindings)) {
        link.leave(`an answer to SMEMBERS that is no list`);
        answer(0, all, "notWritten", "");
        return;
      }
      const queues = routedQueues(bindings.map(String), route.routingKey, route.sep);
      const [first, ...others] = queues;
      if (first === undefined) {
        const what = `no queue is bound to exchange "${route.exchange}" for "${route.routingKey}"`;
        answer(0, all, "unroutable", what);
        return;
      }
      // One answer a message: a task that several queues get is accepted when the first has it.
      push(link, route.keyOf(first), messages, answer);
      for (const queue of others) push(link, route.keyOf(queue), messages, () => {});
    },
    (error: Error) => {
      // Nothing has been written yet.
      if (isServerRefusal(error)) {
        answer(0, all, "refused", refusalText(error.message, route.bindingsKey));
      } else answer(0, all, "notWritten", "");
    },
  );
}

/** One LPUSH for all. */
function push(
  link: RedisLink,
  key: string,
  messages: readonly Message[],
  answer: PublishAnswer,
): void {
  const all = messages.length;
  const done = (error: Error | null) => {
    if (error === null) {
      link.answered();
      answer(0, all, "accepted", "");
    } else if (isServerRefusal(error)) {
      answer(0, all, "refused", refusalText(error.message, key));
      if (error.message.startsWith("READONLY")) link.leaveReplica(error.message);
    } else if (error instanceof NotWritten || error.message.includes("enableOfflineQueue")) {
      answer(0, all, "notWritten", "");
    } else answer(0, all, "unknown", error.message);
  };
  if (!link.isUp || link.client.status !== "ready") done(new NotWritten());
  else if (link.wire !== undefined) link.wire.lpush(key, messages as RedisMessage[], done);
  else link.client.lpush(key, ...messages.map(String)).then(() => done(null), done);
}
