import type { EventSender, SentEvent, SentFill } from "../celery/events/sent-event.js";
import { compileSentEvent } from "../celery/events/sent-event.js";
import type { Message, OptionalPart, Publisher } from "./ports.js";

/** Publishes events. Those that cannot be published are lost, as events are. */
export interface SentEvents extends OptionalPart {
  send(events: readonly SentEvent[]): void;
  /** As `Part.checkLiveness`. */
  checkLiveness(isLate: boolean): void;
  close(): Promise<void>;
}

/** A message, and what its event will say. */
interface Announced {
  readonly message: Message;
  readonly announce: (unixMs: number, clock: number) => SentEvent;
}

/**
 * A publisher that tells of each task once the broker has it, as Celery's producers do with
 * `task_send_sent_event`: Flower and exporters then see where it came from and how long it waited.
 */
export function withSentEvents(publisher: Publisher, sentEvents: SentEvents): Publisher {
  const sender: EventSender = {
    pid: process.pid,
    utcOffsetHours: Math.floor(new Date().getTimezoneOffset() / 60),
  };
  let clock = 0;
  return {
    get ready() {
      return publisher.ready;
    },
    get isBlocked() {
      return publisher.isBlocked;
    },
    template(spec, fixedBody) {
      const template = publisher.template(spec, fixedBody);
      const compiled = compileSentEvent(spec, sender);
      return {
        destination: template.destination,
        render(fill): Announced {
          // The fill is used again for the next message.
          const { id, eta, expires } = fill;
          const announce = (unixMs: number, clock: number) => {
            const event: SentFill = { id, eta, expires, unixMs, clock };
            return compiled(event);
          };
          return { message: template.render(fill), announce };
        },
        sizeOf: (message) => template.sizeOf((message as Announced).message),
      };
    },
    publish(destination, messages, answer) {
      const announced = messages as readonly Announced[];
      const own = announced.map(({ message }) => message);
      publisher.publish(destination, own, (from, to, outcome, reason) => {
        answer(from, to, outcome, reason);
        if (outcome !== "accepted") return;
        const unixMs = Date.now();
        sentEvents.send(announced.slice(from, to).map(({ announce }) => announce(unixMs, ++clock)));
      });
    },
  };
}
