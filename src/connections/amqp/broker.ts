import type { ChannelModel } from "amqplib";
import { compileAmqpMessage } from "../../celery/messages/amqp-message.js";
import { delayIn } from "../../celery/messages/delayed-delivery.js";
import type { TaskMessageSpec } from "../../celery/messages/message.js";
import { parseAmqpUrl } from "../../celery/urls/amqp-url.js";
import type { BrokerOptions, BrokerPart, MessageTemplate, PublishAnswer } from "../ports.js";
import { DelayRoute } from "./delay-route.js";
import { Lane, type Way } from "./lane.js";
import { AmqpLink } from "./link.js";
import { PublishChannel, type Session } from "./publish-channel.js";
import { PublishFrames, type TaskMessage } from "./publish-frames.js";
import type { Tap } from "./tap.js";
import { Trials } from "./trials.js";
import { Unanswered } from "./unanswered.js";

/** A confirm that takes longer than this will not come, unless the broker has blocked us. */
const CONFIRM_DEADLINE_MS = 30_000;
/** Channels are limited: beyond so many lanes, those to one exchange share one. */
const MAX_LANES = 64;

/**
 * Publishes to RabbitMQ as py-amqp does (`kombu/transport/pyamqp.py`): to the anonymous exchange with
 * the queue as routing key, or to the exchange that the task names, but on confirm channels and
 * `mandatory`, so that the fate of every message is known. It declares nothing: a queue declared with other
 * arguments than the workers' would close the channel with everything on it.
 */
export function openAmqpBroker(options: BrokerOptions): BrokerPart {
  const publisher = new AmqpPublisher(options);
  publisher.link.open();
  return {
    publisher,
    checkLiveness: (isLate) => publisher.checkDeadline(isLate),
    close: () => publisher.link.close(),
  };
}

class AmqpPublisher {
  readonly link: AmqpLink;
  readonly #options: BrokerOptions;
  /** By destination. */
  readonly #ways = new Map<string, Way>();
  readonly #lanes = new Map<string, Lane>();
  readonly #delayRoutes: DelayRoute[] = [];
  #trials: Trials | undefined;
  #unanswered = new Unanswered();

  constructor(options: BrokerOptions) {
    this.#options = options;
    const { events } = options;
    this.link = new AmqpLink(
      parseAmqpUrl(options.url),
      `${options.clientName}:publish`,
      {
        prepare: (model, tap) => this.#prepare(model, tap),
        up: (downMs) => events.up("broker", downMs),
        down: (cause, isConfiguration) => {
          this.#trials?.close();
          for (const lane of this.#lanes.values()) lane.disconnect();
          for (const route of this.#delayRoutes) route.forget();
          events.down("broker", cause, isConfiguration);
        },
        blocked: (isBlocked) => events.blocked(isBlocked),
      },
      { client: options.client },
    );
  }

  get ready(): boolean {
    return this.link.isUp;
  }

  get isBlocked(): boolean {
    return this.link.isBlocked;
  }

  template(spec: TaskMessageSpec, fixedBody: string | null): MessageTemplate {
    const frames = new PublishFrames(compileAmqpMessage(spec, this.#options.replyTo, fixedBody));
    return {
      destination: this.#destinationOf(spec),
      render: (fill) => frames.fill(fill),
      sizeOf: (message) => (message as TaskMessage).byteLength,
    };
  }

  publish(destination: string, messages: readonly unknown[], answer: PublishAnswer): void {
    const way = this.#ways.get(destination)!;
    for (let index = 0; index < messages.length; index++) {
      this.#publishOne(way, messages[index] as TaskMessage, answer, index);
    }
    way.flush();
  }

  /** Once a second: amqplib has no deadline for confirms; a broker that gives none any more is as good as gone. */
  checkDeadline(isLate: boolean): void {
    if (this.#unanswered.silentMs(isLate || this.isBlocked) > CONFIRM_DEADLINE_MS) {
      this.link.fail(`no confirm for ${CONFIRM_DEADLINE_MS / 1000} s`);
    }
  }

  /** The key of the messages' way, which is made when it is new. */
  #destinationOf({ exchange, routingKey }: TaskMessageSpec): string {
    const own = `${exchange}\0${routingKey}`;
    if (this.#ways.has(own)) return own;
    const isShared = exchange === "" || this.#lanes.size >= MAX_LANES;
    const lane = this.#laneOf(isShared ? exchange : own, exchange, routingKey);
    const delay = delayIn({ exchange, routingKey });
    if (delay !== null) {
      const route = new DelayRoute(lane, delay);
      this.#delayRoutes.push(route);
      this.#ways.set(own, route);
      return own;
    }
    const destination = isShared ? exchange : own;
    this.#ways.set(destination, lane);
    return destination;
  }

  #laneOf(key: string, exchange: string, routingKey: string): Lane {
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    const { vhost, username } = parseAmqpUrl(this.#options.url);
    const place = { exchange, routingKey, vhost, username };
    const lane = new Lane(place, () => this.#trials?.renew());
    this.#lanes.set(key, lane);
    return lane;
  }

  async #prepare(model: ChannelModel, tap: Tap | undefined): Promise<void> {
    const unanswered = new Unanswered();
    const session: Session = { model, tap, unanswered, fail: (cause) => this.link.fail(cause) };
    const open = PublishChannel.open.bind(PublishChannel, session);
    const trials = new Trials(open);
    await trials.open();
    await Promise.all([...this.#lanes.values()].map((lane) => lane.connect(open)));
    this.#trials = trials;
    this.#unanswered = unanswered;
  }

  #publishOne(way: Way, message: TaskMessage, answer: PublishAnswer, index: number): void {
    const trials = this.#trials;
    if (trials === undefined || !this.ready) answer(index, index + 1, "notWritten", "");
    else if (way.isProven && trials.isSafe(message)) way.put(message, answer, index);
    else trials.publish(way, message, answer, index);
  }
}
