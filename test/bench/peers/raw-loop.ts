import { createConnection } from "node:net";
import { drive, idOf, loopArguments, numberOf, prefix, redisMessageOf } from "./loop.js";

/**
 * The floor without a client: RESP as text, one LPUSH a task, one write a turn; results are found by
 * searching what arrives for their JSON.
 */
const options = loopArguments();
const { hostname, port } = new URL(options.broker);
const open = () => createConnection({ host: hostname, port: Number(port), noDelay: true });
const publisher = open();
const subscriber = open();
const pattern = `celery-task-meta-${prefix}-*`;
subscriber.write(`*2\r\n$10\r\nPSUBSCRIBE\r\n$${pattern.length}\r\n${pattern}\r\n`);
await new Promise((resolve) => subscriber.once("data", resolve));

let waiting = "";
const flush = () => {
  publisher.write(waiting, "latin1");
  waiting = "";
};
publisher.on("data", () => {});
const ended = drive(options, (number) => {
  if (waiting === "") setImmediate(flush);
  const message = redisMessageOf(idOf(number));
  waiting += `*3\r\n$5\r\nLPUSH\r\n$6\r\ncelery\r\n$${message.length}\r\n${message}\r\n`;
});

let rest = "";
subscriber.on("data", (bytes: Buffer) => {
  const text = rest + bytes.toString("latin1");
  let at = 0;
  for (;;) {
    const begin = text.indexOf('{"status"', at);
    const end = begin < 0 ? -1 : text.indexOf("}\r\n", begin);
    if (end < 0) break;
    at = end + 1;
    const result = JSON.parse(text.slice(begin, at));
    if (result.status !== "SUCCESS") throw new Error(result.status);
    ended(numberOf(result.task_id));
  }
  rest = text.slice(at);
});
