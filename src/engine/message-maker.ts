import type { CompiledBody } from "../celery/arguments.js";
import type { TaskMessageSpec } from "../celery/message.js";
import { taskId } from "../celery/task-id.js";
import type { Clock } from "../clock.js";
import type { Message, MessageTemplate, Publisher } from "../connections/ports.js";

/** One mix entry's messages: all that is the same in them is made once. */
export interface EntryMessages {
  readonly template: MessageTemplate;
  readonly body: CompiledBody;
  readonly expiresMs: number | null;
}

/** Prepares an entry's messages for the broker that will get them. */
export function prepareMessages(
  publisher: Publisher,
  spec: Omit<TaskMessageSpec, "argsrepr" | "kwargsrepr">,
  body: CompiledBody,
): EntryMessages {
  const { argsrepr, kwargsrepr } = body;
  const fixedBody = body.isStatic
    ? body.render({ seq: 0, plannedUnixSeconds: 0, nowUnixSeconds: 0 })
    : null;
  const template = publisher.template({ ...spec, argsrepr, kwargsrepr }, fixedBody);
  return { template, body, expiresMs: spec.expiresMs };
}

/** Fills in what differs from message to message. */
export class MessageMaker {
  readonly #clock: Clock;
  readonly #idPrefix: string;
  readonly #expires = new Map<number, string>();
  #expiresAtMs = Number.NaN;
  #templated = 0;

  constructor(clock: Clock, idPrefix: string) {
    this.#clock = clock;
    this.#idPrefix = idPrefix;
  }

  /** @throws when a template of the arguments cannot be filled in */
  make(
    { template, body, expiresMs }: EntryMessages,
    slot: number,
    seq: number,
    plannedMs: number,
    nowMs: number,
  ): Message {
    const text = body.isStatic
      ? ""
      : body.render({
          seq: this.#templated++,
          plannedUnixSeconds: this.#clock.unixMs(plannedMs) / 1000,
          nowUnixSeconds: this.#clock.unixMs(nowMs) / 1000,
        });
    const expires = expiresMs === null ? "" : this.#expiresText(expiresMs, nowMs);
    return template.render(taskId(this.#idPrefix, slot, seq), expires, text);
  }

  /** ISO text of now + `expiresMs`, made once a turn: it costs as much as the rest of a message. */
  #expiresText(expiresMs: number, nowMs: number): string {
    if (nowMs !== this.#expiresAtMs) {
      this.#expires.clear();
      this.#expiresAtMs = nowMs;
    }
    let text = this.#expires.get(expiresMs);
    if (text === undefined) {
      const unixMs = this.#clock.unixMs(nowMs) + expiresMs;
      text = new Date(unixMs).toISOString().replace("Z", "+00:00");
      this.#expires.set(expiresMs, text);
    }
    return text;
  }
}
