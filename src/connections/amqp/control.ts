import { randomUUID } from "node:crypto";
import type { ChannelModel, ConfirmChannel } from "amqplib";
import {
  CONTROL_PROPERTIES,
  type ControlRequest,
  controlBody,
  controlHeaders,
  mailboxOf,
  readControlReply,
} from "../../celery/events/control-message.js";
import { parseAmqpUrl } from "../../celery/urls/amqp-url.js";
import type { ControlOptions, RemoteControl } from "../observe-ports.js";
import { OpenQuestions } from "../open-questions.js";
import { CLASSIC } from "./classic-queue.js";
import { AmqpLink } from "./link.js";
import { hasExchange } from "./passive.js";

/**
 * Remote control on RabbitMQ. Answers come to an exclusive queue of ours by the anonymous exchange, so
 * that it is all that is declared; it goes with the connection, and a later answer with it.
 */
export function openAmqpControl(options: ControlOptions): RemoteControl {
  const { clientName, report, transport } = options;
  const { requests, replies } = mailboxOf(transport.control_exchange);
  const queue = `${randomUUID()}.${replies}`;
  let model: ChannelModel | undefined;
  let channel: ConfirmChannel | undefined;
  /** Tickets of requests that no worker's queue was bound for. */
  const returned = new Set<string>();
  let checking: Promise<boolean> | undefined;

  const questions = new OpenQuestions({
    replyTo: { exchange: "", routing_key: queue },
    async send(request) {
      if (model === undefined || channel === undefined) {
        throw new Error("the broker is not connected");
      }
      // Workers declare it; a publish to an exchange that is not there would close the channel. What is asked at
      // the same time shares one look at it, and so goes in the order in which it was asked.
      checking ??= hasExchange(model, requests).finally(() => {
        checking = undefined;
      });
      if (!(await checking)) return 0;
      await publish(channel, requests, request);
      return returned.delete(request.ticket) ? 0 : null;
    },
    onMalformed: () => options.malformed?.(),
    onIdle: () => {},
  });

  const link: AmqpLink = new AmqpLink(
    parseAmqpUrl(options.url),
    `${clientName}:control`,
    {
      async prepare(opened) {
        const own = await opened.createConfirmChannel();
        link.watch(own);
        own.on("return", ({ properties }) => returned.add(properties.messageId));
        await own.assertQueue(queue, {
          durable: false,
          exclusive: true,
          autoDelete: true,
          arguments: CLASSIC,
        });
        await own.consume(
          queue,
          (message) => {
            if (message === null) {
              link.fail("our reply queue was deleted");
              return;
            }
            const { headers } = message.properties;
            questions.reply(readControlReply(headers?.ticket, message.content.toString()));
          },
          { noAck: true },
        );
        model = opened;
        channel = own;
      },
      up: () => report.up(),
      down(cause, isConfiguration) {
        model = undefined;
        channel = undefined;
        returned.clear();
        questions.fail(new Error(cause));
        report.down(cause, isConfiguration);
      },
    },
    { isOptional: true },
  );
  link.open();
  return {
    ask: (question) => questions.ask(question),
    stepAside: () => link.stepAside(),
    checkLiveness() {}, // the heartbeats of AMQP do it
    async close() {
      questions.fail(new Error("the connection was closed"));
      await link.close();
    },
  };
}

/** Resolves with the broker's confirm; a request that was routed nowhere has come back before it. */
function publish(
  channel: ConfirmChannel,
  exchange: string,
  request: ControlRequest,
): Promise<void> {
  const properties = {
    ...CONTROL_PROPERTIES,
    headers: controlHeaders(request),
    messageId: request.ticket,
    mandatory: true,
  };
  return new Promise((resolve, reject) => {
    channel.publish(
      exchange,
      "",
      Buffer.from(controlBody(request)),
      properties,
      (error: Error | null) => (error ? reject(error) : resolve()),
    );
  });
}
