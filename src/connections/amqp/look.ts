import type { Channel, ChannelModel } from "amqplib";
import { parseAmqpUrl } from "../../celery/urls/amqp-url.js";
import { messageOf } from "../../errors.js";
import type { ObserveOptions, QueueDepth, ServerLook } from "../observe-ports.js";
import { AmqpLink } from "./link.js";
import { memoryByManagement, typeByManagement, unackedByManagement } from "./management.js";

/** A look at a RabbitMQ: everything is asked passively. */
export function openAmqpLook(options: ObserveOptions): ServerLook {
  const { clientName, report, management } = options;
  const address = parseAmqpUrl(options.url);
  const { vhost } = address;
  let model: ChannelModel | undefined;
  /** For passive declarations: one for all, until the answer "not found" closes it. */
  let spare: Channel | undefined;
  let lastLook: Promise<unknown> = Promise.resolve();

  const link = new AmqpLink(
    address,
    `${clientName}:look`,
    {
      async prepare(opened) {
        model = opened;
      },
      up: () => report.up(),
      down(cause, isConfiguration) {
        model = undefined;
        spare = undefined;
        report.down(cause, isConfiguration);
      },
    },
    { isOptional: true },
  );
  const connected = (): ChannelModel => {
    if (model === undefined) throw new Error("the broker is not connected");
    return model;
  };

  async function depth(queue: string): Promise<QueueDepth | null> {
    spare ??= await openSpare();
    try {
      const { messageCount, consumerCount } = await spare.checkQueue(queue);
      return { ready: messageCount, consumers: consumerCount };
    } catch (error) {
      spare = undefined;
      if (/404|NOT.FOUND/.test(messageOf(error))) return null;
      throw error;
    }
  }

  async function openSpare(): Promise<Channel> {
    const channel = await connected().createChannel();
    channel.on("error", () => {}); // it is what checkQueue throws
    return channel;
  }

  link.open();
  return {
    async about() {
      const { product, version } = connected().connection.serverProperties;
      return { product: nameOf(product), version: nameOf(version), evictionPolicy: null };
    },
    // One after another: what is asked on a channel that closes gets no answer.
    depth(queue) {
      const looking = lastLook.then(() => depth(queue));
      lastLook = looking.catch(() => {}); // told to the one who asked
      return looking;
    },
    unacked: async () => null,
    async unackedOf(queue) {
      return management ? unackedByManagement(management, vhost, queue) : null;
    },
    async typeOf(queue) {
      return management ? typeByManagement(management, vhost, queue) : null;
    },
    memory: async () => (management ? memoryByManagement(management) : null),
    stepAside: () => link.stepAside(),
    checkLiveness() {}, // the heartbeats of AMQP do it
    close: () => link.close(),
  };
}

/** A server may put anything there. */
function nameOf(property: unknown): string {
  return typeof property === "string" ? property.slice(0, 100) : "unknown";
}
