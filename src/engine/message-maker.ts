import type { BodySources } from "../celery/body-text.js";
import { delayedRoute } from "../celery/delayed-delivery.js";
import { isoTime } from "../celery/iso-time.js";
import { type MessageFill, SAMPLE_FILL, type TaskMessageSpec } from "../celery/message.js";
import { type CompiledBody, compileBody, NOTHING_EMBEDDED } from "../celery/task-body.js";
import { taskId } from "../celery/task-id.js";
import type { Clock } from "../clock.js";
import type { Message, MessageTemplate, Publisher } from "../connections/ports.js";
import type { EntryPlan } from "./messages.js";

/** One mix entry's messages: all that is the same in them is made once. */
export interface EntryMessages {
  readonly template: MessageTemplate;
  readonly body: CompiledBody;
  readonly expiresMs: number | null;
  readonly countdownMs: number | null;
  /** The ETA that all have; null when it is counted from the publish call, or there is none. */
  readonly eta: string | null;
}

/**
 * Compiles the body of an entry's messages.
 * @throws UserError for a faulty template, and for a file without lines
 */
export function compileEntryBody(entry: EntryPlan, sources: BodySources): CompiledBody {
  return compileBody({ ...entry, hasEta: hasEta(entry), embed: NOTHING_EMBEDDED }, sources);
}

/** Prepares an entry's messages for the broker that will get them. */
export function prepareMessages(
  publisher: Publisher,
  entry: EntryPlan,
  origin: string,
  body: CompiledBody,
): EntryMessages {
  const spec: TaskMessageSpec = {
    ...entry,
    ...routeOf(entry),
    hasEta: hasEta(entry),
    argsrepr: entry.argsrepr ?? body.argsrepr,
    kwargsrepr: entry.kwargsrepr ?? body.kwargsrepr,
    origin,
    groupIndex: null,
  };
  const fixedBody = body.isStatic
    ? body.render({
        seq: 0,
        plannedUnixSeconds: 0,
        nowUnixSeconds: 0,
        ...SAMPLE_FILL,
        memberIds: [],
      })
    : null;
  return {
    template: publisher.template(spec, fixedBody),
    body,
    expiresMs: entry.expiresMs,
    countdownMs: entry.countdownMs,
    eta: entry.eta,
  };
}

function hasEta({ countdownMs, eta }: EntryPlan): boolean {
  return countdownMs !== null || eta !== null;
}

/**
 * A task goes to its queue through the anonymous exchange, as every direct queue of Celery is published
 * to (`celery/app/amqp.py send_task_message`), or to the exchange that it names.
 */
function routeOf(entry: EntryPlan): { exchange: string; routingKey: string } {
  const exchange = entry.exchange ?? "";
  const routingKey = entry.routingKey ?? entry.queue;
  if (entry.nativeDelayedDelivery && entry.countdownMs !== null) {
    return delayedRoute(entry.countdownMs, routingKey);
  }
  return { exchange, routingKey };
}

/** Fills in what differs from message to message. */
export class MessageMaker {
  readonly #clock: Clock;
  readonly #idPrefix: string;
  readonly #times = new Map<number, string>();
  readonly #fill: MessageFill = { ...SAMPLE_FILL };
  #timesFromMs = Number.NaN;
  #templated = 0;

  constructor(clock: Clock, idPrefix: string) {
    this.#clock = clock;
    this.#idPrefix = idPrefix;
  }

  /** @throws when a template of the arguments cannot be filled in */
  make(
    { template, body, expiresMs, countdownMs, eta }: EntryMessages,
    slot: number,
    seq: number,
    plannedMs: number,
    nowMs: number,
  ): Message {
    const fill = this.#fill;
    fill.id = taskId(this.#idPrefix, slot, seq);
    if (expiresMs !== null) fill.expires = this.#timeText(expiresMs, nowMs);
    if (countdownMs !== null) fill.eta = this.#timeText(countdownMs, nowMs);
    else if (eta !== null) fill.eta = eta;
    if (!body.isStatic) {
      fill.body = body.render({
        seq: this.#templated++,
        plannedUnixSeconds: this.#clock.unixMs(plannedMs) / 1000,
        nowUnixSeconds: this.#clock.unixMs(nowMs) / 1000,
        id: fill.id,
        eta: fill.eta,
        expires: fill.expires,
        group: fill.group,
        memberIds: [],
      });
    }
    return template.render(fill);
  }

  /** ISO text of now + `afterMs`, made once a turn: it costs as much as the rest of a message. */
  #timeText(afterMs: number, nowMs: number): string {
    if (nowMs !== this.#timesFromMs) {
      this.#times.clear();
      this.#timesFromMs = nowMs;
    }
    let text = this.#times.get(afterMs);
    if (text === undefined) {
      text = isoTime(this.#clock.unixMs(nowMs) + afterMs);
      this.#times.set(afterMs, text);
    }
    return text;
  }
}
