import type { ChannelModel } from "amqplib";
import { parseAmqpUrl } from "../../celery/amqp-url.js";
import type { ObserveOptions, ServerLook } from "../observe-ports.js";
import { AmqpLink } from "./link.js";
import { checkQueue } from "./passive.js";

/** A look at a RabbitMQ: everything is asked passively. */
export function openAmqpLook(options: ObserveOptions): ServerLook {
  const { clientName, report } = options;
  let model: ChannelModel | undefined;
  const connected = (): ChannelModel => {
    if (model === undefined) throw new Error("the broker is not connected");
    return model;
  };
  const link = new AmqpLink(parseAmqpUrl(options.url), `${clientName}:look`, {
    async prepare(opened) {
      model = opened;
    },
    up: () => report.up(),
    down(cause, isConfiguration) {
      model = undefined;
      report.down(cause, isConfiguration);
    },
  });
  link.open();
  return {
    async about() {
      const { product, version } = connected().connection.serverProperties;
      return { product: String(product), version: String(version), evictionPolicy: null };
    },
    async depth(queue) {
      const found = await checkQueue(connected(), queue);
      return found === null ? null : { ready: found.messageCount, consumers: found.consumerCount };
    },
    close: () => link.close(),
  };
}
