import type { Delay } from "../../celery/messages/delayed-delivery.js";
import type { PublishAnswer, PublishOutcome } from "../ports.js";
import type { Lane, Way } from "./lane.js";
import type { TaskMessage } from "./publish-frames.js";
import { type PublishRefusal, RecentRefusal } from "./publish-refusal.js";

/** A route is proved anew after its delay, and not sooner than this. */
const LEAST_PROVEN_MS = 5_000;

/**
 * The way of messages that RabbitMQ is to hold for a while. It says "routed" of each of them; whether a queue is
 * bound behind the delay shows when that is over, and what then has none stays in `celery_delayed_*` for ever and,
 * from 32 such messages on, everybody's delayed tasks with it (RabbitMQ dead-letters them at least once, 32 at a time).
 * So one message of the route goes without its delay first, through the same exchanges, and comes back if there is no
 * queue; the worker that gets it waits for its ETA. The others follow when it was queued.
 *
 * For as long as the delay the route is good: when its queue is deleted, a delay's worth is on its way anyway, and workers
 * hold one such message of it at a time, however long the delay is.
 */
export class DelayRoute implements Way {
  readonly #lane: Lane;
  readonly #delay: Delay;
  readonly #refusal = new RecentRefusal();
  #provenUntilMs = 0;

  /** `lane` is what its messages go over. */
  constructor(lane: Lane, delay: Delay) {
    this.#lane = lane;
    this.#delay = delay;
  }

  get isProven(): boolean {
    return this.#lane.isProven && performance.now() < this.#provenUntilMs;
  }

  get refusal(): PublishRefusal | null {
    return this.#lane.refusal ?? this.#refusal.current;
  }

  /** The connection is lost: who knows what holds on the next one. */
  forget(): void {
    this.#provenUntilMs = 0;
    this.#refusal.clear();
  }

  trialOf(message: TaskMessage): TaskMessage {
    return message.withoutDelay;
  }

  refuse(error: Error): PublishRefusal {
    this.#provenUntilMs = 0;
    return this.#lane.refuse(error);
  }

  judge(outcome: PublishOutcome, reason: string): PublishRefusal | null {
    if (outcome === "accepted") {
      this.#provenUntilMs = performance.now() + Math.max(this.#delay.delayMs, LEAST_PROVEN_MS);
      return null;
    }
    const refusal: PublishRefusal =
      outcome === "unroutable"
        ? { outcome, reason: leadsNowhere(this.#delay) }
        : { outcome: "refused", reason: `${reason} behind the delay` };
    this.#provenUntilMs = 0;
    this.#refusal.set(refusal);
    return refusal;
  }

  prove(): Promise<void> {
    return this.#lane.prove();
  }

  put(message: TaskMessage, answer: PublishAnswer, index: number): void {
    this.#lane.put(message, answer, index);
  }

  flush(): void {
    this.#lane.flush();
  }
}

function leadsNowhere({ routingKey }: Delay): string {
  return `no queue is bound behind the delay for "${routingKey}"\nStart a worker of Celery 5.5 or later that consumes the queue, a quorum queue of an exchange that is not direct; or correct the task's routing key. Until then no task is sent with this delay: RabbitMQ would keep it, and in time all delayed tasks of the virtual host with it.`;
}
