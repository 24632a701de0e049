import type { Channel, ChannelModel } from "amqplib";
import { messageOf } from "../../errors.js";

/** Is there an exchange of that name? */
export async function hasExchange(model: ChannelModel, exchange: string): Promise<boolean> {
  return (await passively(model, (channel) => channel.checkExchange(exchange))) !== null;
}

/** Messages that are ready and consumers of a queue, or null when there is none of that name. */
export function checkQueue(
  model: ChannelModel,
  queue: string,
): Promise<{ messageCount: number; consumerCount: number } | null> {
  return passively(model, (channel) => channel.checkQueue(queue));
}

/** Asks without declaring, on a channel of its own: the answer "not found" closes it. */
async function passively<T>(
  model: ChannelModel,
  ask: (channel: Channel) => Promise<T>,
): Promise<T | null> {
  const channel = await model.createChannel();
  channel.on("error", () => {}); // it is what `ask` throws
  try {
    const answer = await ask(channel);
    await channel.close();
    return answer;
  } catch (error) {
    if (/404|NOT.FOUND/.test(messageOf(error))) return null;
    throw error;
  }
}
