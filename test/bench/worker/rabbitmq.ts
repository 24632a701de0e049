import { type ConsumeMessage, connect } from "amqplib";
import { plannedMsOf, type Serving } from "./serving.js";

const QUEUE = "celery";
const PREFETCH = 2000;

/**
 * Consumes the queue and answers as Celery's rpc backend does: a message to `reply_to` with the task's id.
 * What arrived in one turn is acknowledged together.
 */
export async function serveRabbitmq({
  broker,
  hold,
  nowMs,
  answered,
  readsPlans,
}: Serving): Promise<void> {
  const connection = await connect(broker, { noDelay: true });
  const channel = await connection.createChannel();
  await channel.assertQueue(QUEUE, { durable: true });
  await channel.prefetch(PREFETCH);

  const answer = (message: ConsumeMessage, plannedMs: number, receivedMs: number) => {
    const { correlationId, replyTo } = message.properties;
    const result = `{"task_id": "${correlationId}", "status": "SUCCESS", "result": 3, "traceback": null, "children": []}`;
    channel.publish("", replyTo, Buffer.from(result), {
      correlationId,
      contentType: "application/json",
      contentEncoding: "utf-8",
      deliveryMode: 1,
      priority: 0,
    });
    answered([plannedMs], receivedMs);
  };
  let last: ConsumeMessage | null = null;
  await channel.consume(QUEUE, (message) => {
    const receivedMs = nowMs();
    const plannedMs = readsPlans ? plannedMsOf(message!.content.toString()) : Number.NaN;
    const holdMs = hold.next();
    if (holdMs === 0) answer(message!, plannedMs, receivedMs);
    else setTimeout(() => answer(message!, plannedMs, receivedMs), holdMs);
    if (last === null) {
      setImmediate(() => {
        channel.ack(last!, true);
        last = null;
      });
    }
    last = message;
  });
}
