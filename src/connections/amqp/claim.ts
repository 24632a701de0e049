import type { Channel, ChannelModel, ConfirmChannel } from "amqplib";
import { type AmqpServer, parseAmqpUrl } from "../../celery/urls/amqp-url.js";
import { messageOf } from "../../errors.js";
import type { Claim, Claimed, ClaimOptions } from "../claim-port.js";
import { CLASSIC } from "./classic-queue.js";
import { AmqpLink } from "./link.js";

/**
 * A claim as an exclusive queue: RabbitMQ gives it to one connection, and frees it when that ends, or has been silent
 * for two to three heartbeats (`rabbit_heartbeat.erl`).
 *
 * A second one that declares it is refused, and RabbitMQ writes an error into its log. So that a standby does not
 * fill that, it first sends a message there: while the queue exists it is dropped in it, and else it comes back.
 */
export function openAmqpClaim(options: ClaimOptions): Claim {
  const { clientName, report, subject, keptMs } = options;
  const queue = `celery-load.lease.${subject}`;
  let model: ChannelModel | undefined;
  /** For the message that asks. */
  let asker: ConfirmChannel | undefined;
  let isReturned = false;
  /** On which the queue is ours; undefined: it is not. */
  let own: Channel | undefined;

  const link: AmqpLink = new AmqpLink(withHeartbeat(options.url, keptMs), `${clientName}:lease`, {
    async prepare(opened) {
      asker = await opened.createConfirmChannel();
      asker.on("return", () => {
        isReturned = true;
      });
      link.watch(asker);
      model = opened;
    },
    up: () => report.up(),
    down(cause, isConfiguration) {
      model = undefined;
      own = undefined;
      report.down(cause, isConfiguration);
    },
  });

  async function ask(): Promise<Claimed> {
    if (model === undefined || !link.isUp) throw new Error("the broker is not connected");
    if (own !== undefined) {
      await own.checkQueue(queue);
      return { answer: "kept", holder: null };
    }
    if (await exists(asker!)) return { answer: "others", holder: null };
    const channel = await model.createChannel();
    channel.on("error", () => {}); // it is what is thrown below
    channel.on("close", () => {
      if (own === channel) own = undefined;
    });
    try {
      await channel.assertQueue(queue, OWN_QUEUE);
    } catch (error) {
      if (/405|RESOURCE.LOCKED/.test(messageOf(error))) return { answer: "others", holder: null };
      throw error;
    }
    own = channel;
    return { answer: "taken", holder: null };
  }

  /** A message without a queue comes back before it is confirmed. */
  async function exists(channel: ConfirmChannel): Promise<boolean> {
    isReturned = false;
    channel.publish("", queue, Buffer.alloc(0), { mandatory: true });
    await channel.waitForConfirms();
    return !isReturned;
  }

  link.open();
  return {
    ask,
    checkLiveness() {}, // the heartbeats of AMQP do it
    // The queue goes with the connection.
    close: () => link.close(),
  };
}

/** It holds nothing. */
const OWN_QUEUE = {
  durable: false,
  exclusive: true,
  arguments: { ...CLASSIC, "x-max-length": 0 },
};

/** What RabbitMQ may take for three heartbeats is `keptMs`. */
function withHeartbeat(url: string, keptMs: number) {
  const mostSeconds = Math.max(1, Math.floor(keptMs / 3_000));
  const limit = <T extends AmqpServer>(server: T): T => ({
    ...server,
    heartbeatSeconds: Math.min(server.heartbeatSeconds || mostSeconds, mostSeconds),
  });
  const { alternatives, ...first } = parseAmqpUrl(url);
  return {
    ...limit(first),
    ...(alternatives === undefined ? {} : { alternatives: alternatives.map(limit) }),
  };
}
