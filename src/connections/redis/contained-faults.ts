import { type Redis, SentinelConnector } from "ioredis";
import standaloneConnector from "ioredis/built/connectors/StandaloneConnector.js";
import dataHandler from "ioredis/built/DataHandler.js";
import { ProtocolError } from "./resp-reader.js";

/** Of ioredis' insides, as in the pinned version: who hands each answer to the command that waits for it. */
interface Dispatcher {
  readonly redis: Redis;
  dispatch(handOver: () => void): void;
}

/**
 * Changes ioredis so that no server can end the process: by bytes that make no sense, or by a second error on
 * one socket. Both end the connection that they came on.
 */
export function containFaults(): void {
  containAnswers();
  for (const { prototype } of [standaloneConnector.default, SentinelConnector]) {
    containErrors(prototype);
  }
}

/** What it cannot make sense of, such as an answer that nobody waits for, it throws out of every callback. */
function containAnswers(): void {
  const handler = dataHandler.default.prototype as unknown as Dispatcher;
  handler.dispatch = function (this: Dispatcher, handOver) {
    try {
      handOver();
    } catch (error) {
      this.redis.stream.destroy(error instanceof ProtocolError ? error : unexpected(error));
    }
  };
}

/**
 * It listens for the first error of a socket only. With TLS a second one may come: a certificate that we refuse,
 * and then the server's word on that.
 */
function containErrors(connector: Pick<Connector, "connect">): void {
  const { connect } = connector;
  connector.connect = async function (...args) {
    const socket = await connect.apply(this, args);
    socket.on("error", () => {});
    return socket;
  };
}

type Connector = InstanceType<typeof standaloneConnector.default>;

function unexpected(error: unknown): ProtocolError {
  return new ProtocolError(
    `what answers no command of ours (${error instanceof Error ? error.message : error})`,
  );
}

/** Messages of the client's pattern subscriptions. A fault of the receiver is ours, and not the server's. */
export function onMessage(
  client: Redis,
  receive: (channel: string, message: Buffer) => void,
): void {
  client.on("pmessageBuffer", (_pattern: string, channel: unknown, message: unknown) => {
    if (!Buffer.isBuffer(channel) || !Buffer.isBuffer(message)) {
      throw new ProtocolError("a message without channel or text");
    }
    try {
      receive(channel.toString(), message);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  });
}

/**
 * A count that the server was asked for.
 * @throws {ProtocolError} when the answer is none
 */
export function countIn(reply: unknown): number {
  if (typeof reply === "number" && Number.isSafeInteger(reply) && reply >= 0) return reply;
  throw new ProtocolError(
    `${JSON.stringify(String(reply).slice(0, 40))} where a count was asked for`,
  );
}
