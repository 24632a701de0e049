import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { MAX_MESSAGE_BYTES } from "./frame-reader.js";
import { ProtocolError } from "./protocol-error.js";

/** Of amqplib's insides, as in the pinned version: who reads frames, and who gives up. */
interface Connection {
  recvFrame(): { readonly size?: number } | false;
  closeWithError(reason: string, code: number, error: unknown): void;
  onSocketError(error: unknown): void;
}
interface Channel {
  readonly connection: Connection;
  /** The tag of the oldest of `unconfirmed`. */
  readonly lwm: number;
  readonly unconfirmed: readonly unknown[];
  readonly consumers: ReadonlyMap<string, unknown>;
  closeWithError(id: number, reason: string, code: number, error: unknown): void;
  handleConfirm(handle: unknown, fields: Confirm): void;
  dispatchMessage(fields: { readonly consumerTag: string }, message: unknown): void;
}
interface Confirm {
  readonly deliveryTag: number;
  readonly multiple: boolean;
}

/**
 * Changes amqplib so that no server can hold the process up by bytes that make no sense: they end the connection
 * that they came on. By itself it asks such a server to close and waits for that for ever, fills a table up to any
 * number that is confirmed, and gathers a message of any size.
 */
export function containFaults(): void {
  const require = createRequire(import.meta.url);
  const part = (file: string) => require(join(dirname(require.resolve("amqplib")), "lib", file));
  const connection: Connection = part("connection.js").Connection.prototype;
  const { Channel, BaseChannel } = part("channel.js");
  containConnection(connection);
  containConfirms(Channel.prototype);
  Channel.prototype.closeWithError = function (
    this: Channel,
    ...[_id, _reason, _code, error]: Parameters<Channel["closeWithError"]>
  ) {
    this.connection.onSocketError(unexpected(error));
  };
  containDeliveries(BaseChannel.prototype);
}

function containConnection(connection: Connection): void {
  const { recvFrame, onSocketError } = connection;
  connection.recvFrame = function (this: Connection) {
    try {
      const frame = recvFrame.call(this);
      const { size = 0 } = frame || {};
      if (size >= 0 && size <= MAX_MESSAGE_BYTES) return frame;
      throw new ProtocolError(`a message of ${size} bytes`);
    } catch (error) {
      throw unexpected(error);
    }
  };
  connection.closeWithError = function (this: Connection, _reason, _code, error) {
    this.onSocketError(unexpected(error));
  };
  // Beside what the socket says it gets what its own code throws over an answer that nobody waits for.
  connection.onSocketError = function (this: Connection, error) {
    onSocketError.call(this, isSlip(error) ? unexpected(error) : error);
  };
}

function containConfirms(channel: Channel): void {
  const { handleConfirm } = channel;
  channel.handleConfirm = function (this: Channel, handle, { deliveryTag, multiple }) {
    const newest = this.lwm + this.unconfirmed.length - 1;
    const tag = multiple && deliveryTag === 0 ? newest : deliveryTag;
    if (tag > newest || deliveryTag < 0 || (deliveryTag === 0 && !multiple)) {
      this.connection.onSocketError(new ProtocolError("a confirm for what was not published"));
    } else if (tag >= this.lwm) {
      handleConfirm.call(this, handle, { deliveryTag: tag, multiple });
    }
  };
}

function containDeliveries(channel: Channel): void {
  const { dispatchMessage } = channel;
  channel.dispatchMessage = function (this: Channel, fields, message) {
    if (this.consumers.has(fields.consumerTag)) dispatchMessage.call(this, fields, message);
    else this.connection.onSocketError(new ProtocolError("a message for no consumer of ours"));
  };
}

/** What amqplib throws when it cannot make sense of what it has read. */
function unexpected(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error;
  const words = error instanceof Error && !isSlip(error) ? ` (${error.message})` : "";
  return new ProtocolError(`what makes no sense${words}`);
}

/** Thrown by the language itself: its words are about code. */
function isSlip(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError;
}
