import type { RefusedOutcome } from "../ports.js";
import { brokerWords } from "./refusal.js";

/** Why the broker has closed the channel of a message, and what that makes of the message. */
export interface PublishRefusal {
  readonly outcome: RefusedOutcome;
  /** The broker's words; what to do about it in a second line. */
  readonly reason: string;
  /** Of a message that is too large: how many bytes the broker takes. */
  readonly limitBytes?: number;
}

/** Where a message was to go, and as whom. */
export interface PublishPlace {
  readonly exchange: string;
  readonly routingKey: string;
  readonly vhost: string;
  readonly username: string;
}

/** So long a refusal is the answer to what follows; then a message asks again. */
const ASK_AGAIN_MS = 5_000;

/** What the broker has refused of late. */
export class RecentRefusal {
  #refusal: PublishRefusal | null = null;
  #refusedMs = 0;

  /** What to answer without asking the broker; null: a message is to ask. */
  get current(): PublishRefusal | null {
    if (this.#refusal !== null && performance.now() - this.#refusedMs > ASK_AGAIN_MS) this.clear();
    return this.#refusal;
  }

  set(refusal: PublishRefusal): void {
    this.#refusal = refusal;
    this.#refusedMs = performance.now();
  }

  clear(): void {
    this.#refusal = null;
  }
}

/** Of the error that amqplib makes of `channel.close` after a publish (`rabbit_channel.erl`, `basic.publish`). */
export function publishRefusal(error: Error, place: PublishPlace): PublishRefusal {
  const words = brokerWords(error);
  const limit = LIMIT.exec(words)?.[1];
  if (limit !== undefined) {
    return { outcome: "tooLarge", reason: words, limitBytes: Number(limit) };
  }
  const { exchange, routingKey } = place;
  if (/NOT.FOUND/.test(words)) {
    const reason = `there is no exchange "${exchange}"\nStart what declares it, or correct the task's exchange.`;
    return { outcome: "unroutable", reason };
  }
  const where = exchange === "" ? "" : ` (exchange "${exchange}", routing key "${routingKey}")`;
  return { outcome: "refused", reason: `${words}${where}\n${remedyFor(words, place)}` };
}

/** `rabbit_channel.erl check_msg_size`, in the words of RabbitMQ 3.8 to 4. */
const LIMIT = /message size \d+ (?:is )?larger than (?:configured )?max size (\d+)/;

function remedyFor(words: string, { exchange, routingKey, vhost, username }: PublishPlace): string {
  if (/internal exchange/.test(words)) {
    return "An internal exchange takes messages from other exchanges only: name one that is bound to it as the task's exchange.";
  }
  if (/access to topic/.test(words)) {
    return `Let the user write with this routing key: rabbitmqctl set_topic_permissions, whose pattern for writing must match "${routingKey}" (it replaces the pattern for reading as well) for user "${username}" and exchange "${exchange}".`;
  }
  if (/ACCESS.REFUSED/.test(words)) {
    const name = exchange === "" ? "amq.default" : exchange;
    return `Let the user write to it: rabbitmqctl set_permissions for user "${username}" in virtual host "${vhost}"; the second pattern, for writing, must match "${name}" (it replaces all three: list_user_permissions shows those of now).`;
  }
  return "The broker's log says more.";
}
