import { type ConfirmChannel, IllegalOperationError } from "amqplib";
import { type AmqpMessage, compileAmqpMessage } from "../../celery/amqp-message.js";
import { parseAmqpUrl } from "../../celery/amqp-url.js";
import type { TaskMessageSpec } from "../../celery/message.js";
import type {
  BrokerOptions,
  BrokerPart,
  MessageTemplate,
  PublishAnswer,
  PublishOutcome,
} from "../ports.js";
import { AmqpLink } from "./link.js";

/** A confirm that takes longer than this will not come, unless the broker has blocked us. */
const CONFIRM_DEADLINE_MS = 30_000;
/** Headers and properties of a message, about. */
const OVERHEAD_BYTES = 600;

/**
 * Publishes to RabbitMQ as py-amqp does (`kombu/transport/pyamqp.py`): to the anonymous exchange with
 * the queue as routing key, but on a confirm channel and `mandatory`, so that the fate of every message
 * is known. It declares nothing: a queue declared with other arguments than the workers' would close the
 * channel with everything on it.
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
  #channel: ConfirmChannel | undefined;
  /** Ids that the broker has returned as unroutable; their confirm follows. */
  readonly #returned = new Set<string>();
  #unanswered = 0;
  #lastAnswerMs = 0;

  constructor(options: BrokerOptions) {
    this.#options = options;
    const { events } = options;
    this.link = new AmqpLink(parseAmqpUrl(options.url), `${options.clientName}:publish`, {
      prepare: async (model) => {
        const channel = await model.createConfirmChannel();
        this.link.watch(channel);
        channel.on("return", ({ properties }) => this.#returned.add(properties.correlationId));
        this.#channel = channel;
      },
      up: (downMs) => events.up("broker", downMs),
      down: (cause, isConfiguration) => {
        this.#channel = undefined;
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
    return {
      destination: spec.queue,
      render: compileAmqpMessage(spec, this.#options.replyTo, fixedBody).render,
      sizeOf: (message) => (message as AmqpMessage).content.length + OVERHEAD_BYTES,
    };
  }

  publish(queue: string, messages: readonly unknown[], answer: PublishAnswer): void {
    if (this.#unanswered === 0) this.#lastAnswerMs = performance.now();
    for (let index = 0; index < messages.length; index++) {
      this.#publishOne(queue, messages[index] as AmqpMessage, (outcome, reason) =>
        answer(index, index + 1, outcome, reason),
      );
    }
  }

  /** amqplib has no deadline for confirms; a broker that gives none any more is as good as gone. */
  checkDeadline(isLate: boolean): void {
    const nowMs = performance.now();
    if (isLate || this.isBlocked || this.#unanswered === 0) this.#lastAnswerMs = nowMs;
    if (nowMs - this.#lastAnswerMs > CONFIRM_DEADLINE_MS) {
      this.link.fail(`no confirm for ${CONFIRM_DEADLINE_MS / 1000} s`);
    }
  }

  #publishOne(
    queue: string,
    { id, content, properties }: AmqpMessage,
    answer: (outcome: PublishOutcome, reason: string) => void,
  ): void {
    const channel = this.#channel;
    if (channel === undefined || !this.ready) {
      answer("notWritten", "");
      return;
    }
    try {
      channel.publish(
        "",
        queue,
        content,
        { ...properties, mandatory: true },
        (error: Error | null) => {
          this.#unanswered--;
          this.#lastAnswerMs = performance.now();
          const wasReturned = this.#returned.delete(id);
          if (error === null || error === undefined) {
            if (wasReturned) answer("unroutable", `there is no queue "${queue}"`);
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
