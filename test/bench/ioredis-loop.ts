import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";

/**
 * The floor: the least that a producer on ioredis must do for each task. A protocol-2 message from a
 * string template, LPUSH with auto-pipelining, results over one pattern subscription, two typed arrays
 * for latencies. No metrics, no timeouts, no retries, no errors.
 *
 *     node ioredis-loop.js PORT RATE     RATE 0: closed loop with 300 in flight
 */
const [port, rate] = process.argv.slice(2).map(Number) as [number, number];
const publisher = new Redis(port, "127.0.0.1", { enableAutoPipelining: true });
const subscriber = new Redis(port, "127.0.0.1");
const prefix = randomBytes(4).toString("hex");
const SIZE = 1 << 20;
const sentMs = new Float64Array(SIZE);
const latencyMs = new Float64Array(SIZE);

const body = Buffer.from(
  '[[1, 2], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]',
).toString("base64");
const parts = JSON.stringify({
  body,
  "content-encoding": "utf-8",
  "content-type": "application/json",
  headers: {
    ...{ lang: "js", task: "bench.add", id: "@", shadow: null, eta: null, expires: null },
    ...{ group: null, group_index: null, retries: 0, timelimit: [null, null], root_id: "@" },
    ...{ parent_id: null, argsrepr: "[1, 2]", kwargsrepr: "{}", origin: "gen1@bench" },
  },
  properties: {
    ...{ correlation_id: "@", reply_to: prefix, delivery_mode: 2, priority: 0 },
    ...{ delivery_info: { exchange: "", routing_key: "celery" }, body_encoding: "base64" },
    delivery_tag: "@",
  },
}).split("@");

let seq = 0;
function start(): void {
  const id = `${prefix}-0000-4000-8000-${seq.toString(16).padStart(12, "0")}`;
  sentMs[seq % SIZE] = performance.now();
  seq++;
  void publisher.lpush("celery", parts.join(id));
}

subscriber.on("pmessage", (_pattern: string, channel: string, text: string) => {
  if (JSON.parse(text).status !== "SUCCESS") throw new Error(text);
  const number = Number.parseInt(channel.slice(-12), 16);
  latencyMs[number % SIZE] = performance.now() - sentMs[number % SIZE]!;
  if (rate === 0) start();
});
await subscriber.psubscribe(`celery-task-meta-${prefix}-*`);

const beganMs = performance.now();
function pace(): void {
  const due = Math.floor(((performance.now() - beganMs) * rate) / 1000);
  while (seq < due) start();
  const nextMs = beganMs + ((seq + 1) * 1000) / rate;
  setTimeout(pace, Math.max(1, Math.floor(nextMs - performance.now())));
}
if (rate > 0) pace();
else for (let i = 0; i < 300; i++) start();
