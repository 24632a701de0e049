import type { AmqpMessage, AmqpMessageTemplate } from "../../celery/messages/amqp-message.js";
import { delayIn } from "../../celery/messages/delayed-delivery.js";
import { type MessageFill, SAMPLE_FILL } from "../../celery/messages/message.js";
import { shortText, tableBytes, unsigned } from "./table-bytes.js";

const METHOD = 1;
const HEADER = 2;
const BODY = 3;
const FRAME_END = 0xce;
/** Type, channel and size before a frame's payload, the mark behind it. */
const FRAME_BYTES = 8;
const BASIC = 60;
const PUBLISH = 40;
const MANDATORY = 1;
/** Frames of this size are taken by every peer (`frame-min-size`). */
const LEAST_FRAME_BYTES = 4096;
/** Content type and encoding, headers, delivery mode, priority, correlation id, reply-to. */
const PROPERTY_FLAGS = 0xfe00;
const HAS_EXPIRATION = 0x0100;

/** What is filled in, always as wide as in `SAMPLE_FILL`. */
const KEYS = ["id", "eta", "expires", "group"] as const;
type Key = (typeof KEYS)[number];

/**
 * The messages of one task as the frames that amqplib would write (AMQP 0-9-1, sections 2.3.5 and 4.2), made once: bytes
 * in which only the places that differ are filled in (docs/performance.md).
 */
export class PublishFrames {
  readonly template: AmqpMessageTemplate;
  /** Of the same messages without the delay in their routing key. */
  readonly withoutDelay: PublishFrames;
  readonly #bytes: Buffer;
  readonly #places: readonly { readonly offset: number; readonly key: Key }[];
  /** What is filled in, each once. */
  readonly #keys: readonly Key[];
  /** Where the frames begin in `#bytes`: the method, the header and a body that is the same in all messages. */
  readonly #frames: readonly number[];
  readonly #hasBody: boolean;

  /** @throws {Error} when it has a text that AMQP cannot carry */
  constructor(template: AmqpMessageTemplate) {
    this.template = template;
    const delay = delayIn(template);
    this.withoutDelay =
      delay === null ? this : new PublishFrames(template.withRoutingKey(delay.keyWithoutDelay));
    const sample = template.render(SAMPLE_FILL);
    const method = frame(METHOD, publishArguments(sample));
    const header = contentHeader(sample);
    const { fixedContent } = template;
    this.#hasBody = fixedContent !== null && fixedContent.length <= LEAST_FRAME_BYTES - FRAME_BYTES;
    const parts = [method, header, ...(this.#hasBody ? [frame(BODY, fixedContent!)] : [])];
    this.#bytes = Buffer.concat(parts);
    this.#frames = [0, method.length, method.length + header.length].slice(0, parts.length);
    this.#places = KEYS.flatMap((key) => {
      const other = contentHeader(
        template.render({ ...SAMPLE_FILL, [key]: unlike(SAMPLE_FILL[key]) }),
      );
      return differences(header, other).map((offset) => ({ offset: method.length + offset, key }));
    });
    this.#keys = [...new Set(this.#places.map(({ key }) => key))];
  }

  /**
   * A message; what it needs of the fill is copied.
   * @throws {Error} when something has not the width of its place
   */
  fill(fill: Readonly<MessageFill>): TaskMessage {
    for (const key of this.#keys) {
      if (fill[key].length !== SAMPLE_FILL[key].length) {
        throw new Error(`${key} must have ${SAMPLE_FILL[key].length} characters`);
      }
    }
    return new TaskMessage(this, fill, this.template.contentOf(fill));
  }

  /** Bytes of a message, at most. */
  lengthWith(content: Buffer): number {
    if (this.#hasBody) return this.#bytes.length;
    const frames = Math.ceil(content.length / (LEAST_FRAME_BYTES - FRAME_BYTES));
    return this.#bytes.length + content.length + frames * FRAME_BYTES;
  }

  /** Writes a message and returns where it ends. */
  write(
    message: TaskMessage,
    target: Buffer,
    at: number,
    channel: number,
    frameMax: number,
  ): number {
    target.set(this.#bytes, at);
    for (const offset of this.#frames) target.writeUInt16BE(channel, at + offset + 1);
    for (const { offset, key } of this.#places) target.write(message[key], at + offset, "latin1");
    let end = at + this.#bytes.length;
    if (this.#hasBody) return end;
    const { content } = message;
    target.writeUInt32BE(content.length, at + this.#frames[1]! + SIZE_OFFSET);
    const most = Math.max(frameMax, LEAST_FRAME_BYTES) - FRAME_BYTES;
    for (let from = 0; from < content.length; from += most) {
      const part = content.subarray(from, from + most);
      target[end] = BODY;
      target.writeUInt16BE(channel, end + 1);
      target.writeUInt32BE(part.length, end + 3);
      target.set(part, end + 7);
      end += part.length + FRAME_BYTES;
      target[end - 1] = FRAME_END;
    }
    return end;
  }
}

/** A message on its way to the broker. */
export class TaskMessage implements MessageFill {
  readonly #frames: PublishFrames;
  readonly id: string;
  readonly eta: string;
  readonly expires: string;
  readonly group: string;
  readonly body: string;
  readonly content: Buffer;

  constructor(frames: PublishFrames, fill: Readonly<MessageFill>, content: Buffer) {
    this.#frames = frames;
    this.id = fill.id;
    this.eta = fill.eta;
    this.expires = fill.expires;
    this.group = fill.group;
    this.body = fill.body;
    this.content = content;
  }

  get exchange(): string {
    return this.#frames.template.exchange;
  }

  get routingKey(): string {
    return this.#frames.template.routingKey;
  }

  /** Bytes that it takes as frames, at most. */
  get byteLength(): number {
    return this.#frames.lengthWith(this.content);
  }

  /** The same task, not to be held by the broker. */
  get withoutDelay(): TaskMessage {
    return new TaskMessage(this.#frames.withoutDelay, this, this.content);
  }

  /** Writes it to be sent on a channel and returns where it ends. */
  write(target: Buffer, at: number, channel: number, frameMax: number): number {
    return this.#frames.write(this, target, at, channel, frameMax);
  }

  /** For amqplib. */
  toAmqp(): AmqpMessage {
    return this.#frames.template.render(this);
  }
}

/** Of the body's size, or its lower half, in a header frame: behind class, weight and the upper half. */
const SIZE_OFFSET = 7 + 4 + 4;

function publishArguments({ exchange, routingKey }: AmqpMessage): Buffer {
  const reserved = unsigned(0, 2);
  return Buffer.concat([
    ...[unsigned(BASIC, 2), unsigned(PUBLISH, 2), reserved],
    ...[shortText(exchange), shortText(routingKey), Buffer.of(MANDATORY)],
  ]);
}

function contentHeader({ content, properties }: AmqpMessage): Buffer {
  const { contentType, contentEncoding, headers, deliveryMode, priority, expiration } = properties;
  const weight = unsigned(0, 2);
  const size = [unsigned(0, 4), unsigned(content.length, 4)];
  const flags = PROPERTY_FLAGS | (expiration === undefined ? 0 : HAS_EXPIRATION);
  return frame(
    HEADER,
    Buffer.concat([
      ...[unsigned(BASIC, 2), weight, ...size, unsigned(flags, 2)],
      ...[shortText(contentType), shortText(contentEncoding), tableBytes(headers)],
      ...[Buffer.of(deliveryMode, priority)],
      ...[shortText(properties.correlationId), shortText(properties.replyTo)],
      ...(expiration === undefined ? [] : [shortText(expiration)]),
    ]),
  );
}

/** On channel 0. */
function frame(type: number, payload: Buffer): Buffer {
  const head = [Buffer.of(type), unsigned(0, 2), unsigned(payload.length, 4)];
  return Buffer.concat([...head, payload, Buffer.of(FRAME_END)]);
}

/** As long, and another character at each place. */
function unlike(text: string): string {
  return text.replace(/./g, (character) => (character === "1" ? "2" : "1"));
}

/** Where the runs of bytes begin in which two buffers of one length differ. */
function differences(one: Buffer, other: Buffer): number[] {
  return [...one.keys()].filter(
    (at) => one[at] !== other[at] && (at === 0 || one[at - 1] === other[at - 1]),
  );
}
