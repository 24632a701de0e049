import { type ChannelModel, type ConfirmChannel, IllegalOperationError } from "amqplib";
import { type AmqpMessage, compileAmqpMessage } from "../../celery/amqp-message.js";
import { parseAmqpUrl } from "../../celery/amqp-url.js";
import type { TaskMessageSpec } from "../../celery/message.js";
import type { BrokerOptions, BrokerPart, MessageTemplate, PublishAnswer } from "../ports.js";
import { Exchanges } from "./exchanges.js";
import { fieldTable } from "./field-table.js";
import { type AmqpAnswer, LargeMessages } from "./large-messages.js";
import { AmqpLink } from "./link.js";

/** A confirm that takes longer than this will not come, unless the broker has blocked us. */
const CONFIRM_DEADLINE_MS = 30_000;
/** Headers and properties of a message, about. */
const OVERHEAD_BYTES = 600;

/**
 * Publishes to RabbitMQ as py-amqp does (`kombu/transport/pyamqp.py`): to the anonymous exchange with
 * the queue as routing key, or to the exchange that the task names, but on a confirm channel and
 * `mandatory`, so that the fate of every message is known. It declares nothing: a queue declared with other
 * arguments than the workers' would close the channel with everything on it.
 */
export function openAmqpBroker(options: BrokerOptions): BrokerPart {
  const publisher = new AmqpPublisher(options);
  publisher.link.open();
  return {
    publisher,
    checkLiveness: (isLate) => publisher.checkUp(isLate),
    close: () => publisher.link.close(),
  };
}

class AmqpPublisher {
  readonly link: AmqpLink;
  readonly #options: BrokerOptions;
  #channel: ConfirmChannel | undefined;
  #large: LargeMessages | undefined;
  /** Ids that the broker has returned as unroutable; their confirm follows. */
  readonly #returned = new Set<string>();
  readonly #exchanges = new Exchanges();
  #model: ChannelModel | undefined;
  #unanswered = 0;
  #lastAnswerMs = 0;

  constructor(options: BrokerOptions) {
    this.#options = options;
    const { events } = options;
    this.link = new AmqpLink(parseAmqpUrl(options.url), `${options.clientName}:publish`, {
      prepare: async (model) => {
        const channel = await this.#openChannel(model);
        this.link.watch(channel);
        const large = new LargeMessages(
          channel,
          async () => {
            const own = await this.#openChannel(model);
            this.link.watch(own, (error) => large.learn(error));
            return own;
          },
          (...message) => this.#write(...message),
        );
        await this.#exchanges.check(model);
        this.#model = model;
        this.#channel = channel;
        this.#large = large;
      },
      up: (downMs) => events.up("broker", downMs),
      down: (cause, isConfiguration) => {
        this.#model = undefined;
        this.#channel = undefined;
        this.#large?.close();
        this.#returned.clear();
        events.down("broker", cause, isConfiguration);
      },
      blocked: (isBlocked) => events.blocked(isBlocked),
    });
  }

  get ready(): boolean {
    return this.link.isUp;
  }

  get isBlocked(): boolean {
    return this.link.isBlocked;
  }

  template(spec: TaskMessageSpec, fixedBody: string | null): MessageTemplate {
    this.#exchanges.add(spec.exchange);
    return {
      // Each message is published by itself and knows its way.
      destination: "",
      render: compileAmqpMessage(spec, this.#options.replyTo, fixedBody).render,
      sizeOf: (message) => (message as AmqpMessage).content.length + OVERHEAD_BYTES,
    };
  }

  publish(_: string, messages: readonly unknown[], answer: PublishAnswer): void {
    if (this.#unanswered === 0) this.#lastAnswerMs = performance.now();
    for (let index = 0; index < messages.length; index++) {
      this.#publishOne(messages[index] as AmqpMessage, (outcome, reason) =>
        answer(index, index + 1, outcome, reason),
      );
    }
  }

  /** Once a second. */
  checkUp(isLate: boolean): void {
    const nowMs = performance.now();
    this.#checkDeadline(isLate, nowMs);
    if (this.#model === undefined || this.isBlocked) return;
    // A connection that fails here reports it by itself.
    this.#exchanges.recheck(this.#model, nowMs).catch(() => {});
  }

  /** amqplib has no deadline for confirms; a broker that gives none any more is as good as gone. */
  #checkDeadline(isLate: boolean, nowMs: number): void {
    if (isLate || this.isBlocked || this.#unanswered === 0) this.#lastAnswerMs = nowMs;
    if (nowMs - this.#lastAnswerMs > CONFIRM_DEADLINE_MS) {
      this.link.fail(`no confirm for ${CONFIRM_DEADLINE_MS / 1000} s`);
    }
  }

  async #openChannel(model: ChannelModel): Promise<ConfirmChannel> {
    const channel = await model.createConfirmChannel();
    channel.on("return", ({ properties }) => this.#returned.add(properties.correlationId));
    return channel;
  }

  #publishOne(message: AmqpMessage, answer: AmqpAnswer): void {
    const channel = this.#channel;
    if (channel === undefined || !this.ready) answer("notWritten", "");
    else if (!this.#exchanges.exists(message.exchange)) {
      answer("unroutable", `there is no exchange "${message.exchange}"`);
    } else if (this.#large!.isSafe(message)) this.#write(channel, message, answer);
    else this.#large!.publish(message, answer);
  }

  #write(channel: ConfirmChannel, message: AmqpMessage, answer: AmqpAnswer): void {
    const { id, exchange, routingKey, content, properties } = message;
    try {
      channel.publish(
        exchange,
        routingKey,
        content,
        { ...properties, headers: fieldTable(properties.headers), mandatory: true },
        (error: Error | null) => {
          this.#unanswered--;
          this.#lastAnswerMs = performance.now();
          const wasReturned = this.#returned.delete(id);
          if (error === null || error === undefined) {
            if (wasReturned) answer("unroutable", missing(exchange, routingKey));
            else answer("accepted", "");
          } else if (/nacked/.test(error.message)) answer("refused", error.message);
          else answer("unknown", error.message);
        },
      );
      this.#unanswered++;
    } catch (error) {
      // Thrown before anything is written: the channel is closed, or the headers cannot be encoded.
      if (error instanceof IllegalOperationError) answer("notWritten", "");
      else answer("invalid", error instanceof Error ? error.message : String(error));
    }
  }
}

function missing(exchange: string, routingKey: string): string {
  if (exchange === "") return `there is no queue "${routingKey}"`;
  return `no queue is bound to exchange "${exchange}" for "${routingKey}"`;
}
