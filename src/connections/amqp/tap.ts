import { Socket } from "node:net";
import type { Channel, ChannelModel } from "amqplib";
import { type ChannelEvents, FrameReader } from "./frame-reader.js";
import { ProtocolError } from "./protocol-error.js";

const READ_BYTES = 64 * 1024;
/** amqplib takes a connection for dead that it hears nothing of for two heartbeats; those have seconds. */
const SIGN_OF_LIFE_MS = 500;
/** A heartbeat frame (AMQP 0-9-1, section 4.2.7). */
const HEARTBEAT = Buffer.of(8, 0, 0, 0, 0, 0, 0, 0xce);

/** What can be written past amqplib: a channel's number, and the socket with the frames' size that was agreed on. */
export interface TappedChannel {
  readonly socket: Socket;
  readonly channel: number;
  readonly frameMax: number;
}

/**
 * Stands between the socket of one amqplib connection and amqplib: what arrives for a tapped channel's events is
 * read here, and amqplib, whose decoding costs several times as much (docs/performance.md), never sees it. It
 * connects, logs in, declares, keeps the heartbeat and closes as ever.
 */
export class Tap {
  #socket: Socket | undefined;
  #reader = new FrameReader((bytes) => this.#pass(bytes));
  /** Nothing is taken before: what has not arrived in time then is late. */
  #isTaken = false;
  #passedMs = 0;

  /**
   * To be handed to amqplib's `connect`. All that arrives is put into one buffer: by itself Node allocates
   * 64 KiB for every read.
   */
  readonly socketOptions: { readonly onread: object };

  constructor() {
    const tap = this;
    this.socketOptions = {
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BYTES),
        callback(this: Socket, length: number, buffer: Buffer) {
          tap.#socket = this;
          tap.#received(buffer.subarray(0, length));
          return true;
        },
      },
    };
  }

  /** What the broker said when it closed the connection; amqplib does not tell it of a refusal to open one. */
  get closeText(): string | undefined {
    return this.#reader.closeText;
  }

  /**
   * Takes what `events` names out of a new channel from now on. Undefined when amqplib is not built as the version
   * is that this was made for: then nothing is taken, and all is as without.
   */
  take(model: ChannelModel, channel: Channel, events: ChannelEvents): TappedChannel | undefined {
    const { stream, frameMax } = model.connection as unknown as Record<string, unknown>;
    const { ch } = channel as unknown as Record<string, unknown>;
    const socket = this.#socket;
    const isKnown = Number.isInteger(ch) && Number.isInteger(frameMax) && stream === socket;
    if (!isKnown || !(socket instanceof Socket)) return undefined;
    this.#reader.take(ch as number, events);
    this.#isTaken = true;
    return { socket, channel: ch as number, frameMax: frameMax as number };
  }

  #received(bytes: Buffer): void {
    try {
      this.#reader.feed(bytes);
    } catch (error) {
      // A fault of our own must not pass for one of the connection.
      if (!(error instanceof ProtocolError)) throw error;
      this.#socket!.destroy(error);
      return;
    }
    const nowMs = performance.now();
    if (this.#isTaken && nowMs - this.#passedMs > SIGN_OF_LIFE_MS) this.#pass(HEARTBEAT);
  }

  /** Whole frames for amqplib; `bytes` are used again. */
  #pass(bytes: Buffer): void {
    this.#passedMs = performance.now();
    this.#socket!.push(Buffer.from(bytes));
  }
}
