import { Redis } from "ioredis";
import { drive, idOf, loopArguments, numberOf, prefix, redisMessageOf } from "./loop.js";

/** The floor of ioredis: LPUSH with auto-pipelining, results over one pattern subscription. */
const options = loopArguments();
const publisher = new Redis(options.broker, { enableAutoPipelining: true });
const subscriber = new Redis(options.broker);
await subscriber.psubscribe(`celery-task-meta-${prefix}-*`);
const ended = drive(options, (number) => {
  void publisher.lpush("celery", redisMessageOf(idOf(number)));
});
subscriber.on("pmessage", (_pattern: string, channel: string, text: string) => {
  if (JSON.parse(text).status !== "SUCCESS") throw new Error(text);
  ended(numberOf(channel));
});
