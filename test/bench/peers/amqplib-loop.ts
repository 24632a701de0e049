import { connect } from "amqplib";
import { BODY, drive, headersOf, idOf, loopArguments, numberOf, prefix } from "./loop.js";

/** The floor of amqplib: a confirm channel, and one reply queue as Celery's rpc backend has it. */
const options = loopArguments();
const connection = await connect(options.broker, { noDelay: true });
const channel = await connection.createConfirmChannel();
const replyTo = `${prefix}-reply`;
await channel.assertQueue(replyTo, { exclusive: true, autoDelete: true, durable: false });

const ended = drive(options, (number) => {
  const id = idOf(number);
  channel.publish(
    "",
    "celery",
    Buffer.from(BODY),
    {
      ...{ headers: headersOf(id), contentType: "application/json", contentEncoding: "utf-8" },
      ...{ deliveryMode: 2, priority: 0, correlationId: id, replyTo },
    },
    (error) => {
      if (error) throw error;
    },
  );
});
await channel.consume(
  replyTo,
  (message) => {
    if (JSON.parse(message!.content.toString()).status !== "SUCCESS") throw new Error("failed");
    ended(numberOf(message!.properties.correlationId));
  },
  { noAck: true },
);
