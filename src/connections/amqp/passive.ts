import type { ChannelModel } from "amqplib";
import { messageOf } from "../../errors.js";

/** Is there an exchange of that name? Asked on a channel of its own: the answer "not found" closes it. */
export async function hasExchange(model: ChannelModel, exchange: string): Promise<boolean> {
  const channel = await model.createChannel();
  channel.on("error", () => {}); // it is what checkExchange throws
  try {
    await channel.checkExchange(exchange);
    await channel.close();
    return true;
  } catch (error) {
    if (/404|NOT.FOUND/.test(messageOf(error))) return false;
    throw error;
  }
}
