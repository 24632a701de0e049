import { randomBytes } from "node:crypto";
import { quantile } from "../statistics.js";

/*
 * What the bare loops share: ids, the message, the pace, and an array for what they measured. Floors: the
 * least that a producer on a given client must do. No metrics, timeouts, retries or errors.
 */

/**
 * How a loop is run: `node LOOP.js BROKER_URL RATE WINDOW [WARM_UP_SECONDS]`. At RATE 0 WINDOW tasks are in
 * flight always.
 */
export interface LoopArguments {
  readonly broker: string;
  readonly rate: number;
  readonly window: number;
  /** At the start, left out of the lags. */
  readonly warmUpSeconds: number;
}

export function loopArguments(): LoopArguments {
  const [broker, rate, window, warmUp] = process.argv.slice(2) as [string, string, string, string?];
  return {
    broker,
    rate: Number(rate),
    window: Number(window),
    warmUpSeconds: Number(warmUp ?? 0),
  };
}

/** Ids of this process begin alike, and end in the task's number. */
export const prefix = randomBytes(4).toString("hex");

export function idOf(number: number): string {
  return `${prefix}-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;
}

export function numberOf(id: string): number {
  return Number.parseInt(id.slice(-12), 16);
}

export const BODY =
  '[[1, 2], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]';

export function headersOf(id: string): Record<string, unknown> {
  return {
    ...{ lang: "js", task: "bench.add", id, shadow: null, eta: null, expires: null },
    ...{ group: null, group_index: null, retries: 0, timelimit: [null, null], root_id: id },
    ...{ parent_id: null, argsrepr: "[1, 2]", kwargsrepr: "{}", origin: "gen1@bench" },
  };
}

const redisMessage = JSON.stringify({
  body: Buffer.from(BODY).toString("base64"),
  "content-encoding": "utf-8",
  "content-type": "application/json",
  headers: headersOf("<id>"),
  properties: {
    ...{ correlation_id: "<id>", reply_to: prefix, delivery_mode: 2, priority: 0 },
    ...{ delivery_info: { exchange: "", routing_key: "celery" }, body_encoding: "base64" },
    delivery_tag: "<id>",
  },
}).split("<id>");

/** A message of protocol 2 as it lies in a Redis list. */
export function redisMessageOf(id: string): string {
  return redisMessage.join(id);
}

const SIZE = 1 << 20;

/**
 * Calls `send(number)` for every task: when it is due, or, at rate 0, when another has ended. The returned
 * function is to be called with the number of each task whose result has come.
 *
 * On SIGTERM it prints how late the sends were as JSON, {lagMs: [p50, p99, p99.9, largest]}.
 */
export function drive(
  { rate, window, warmUpSeconds }: LoopArguments,
  send: (number: number) => void,
) {
  const dueMs = new Float64Array(SIZE);
  const latencyMs = new Float64Array(SIZE);
  const lagMs = new Float64Array(SIZE);
  const beganMs = performance.now();
  let next = 0;
  const start = (due: number) => {
    const number = next++;
    dueMs[number % SIZE] = due;
    send(number);
    lagMs[number % SIZE] = performance.now() - due;
  };
  const pace = () => {
    const due = Math.floor(((performance.now() - beganMs) * rate) / 1000);
    while (next < due) start(beganMs + ((next + 1) * 1000) / rate);
    const nextMs = beganMs + ((next + 1) * 1000) / rate;
    setTimeout(pace, Math.max(1, Math.floor(nextMs - performance.now())));
  };
  process.on("SIGTERM", () => {
    const sorted = lagMs.slice(rate * warmUpSeconds, Math.min(next, SIZE)).sort();
    const at = (q: number) => quantile(sorted, q);
    process.stdout.write(
      `${JSON.stringify({ lagMs: [at(0.5), at(0.99), at(0.999), at(1)] })}\n`,
      () => process.exit(0),
    );
  });
  setImmediate(() => {
    if (rate > 0) pace();
    else for (let i = 0; i < window; i++) start(performance.now());
  });
  return (number: number) => {
    latencyMs[number % SIZE] = performance.now() - dueMs[number % SIZE]!;
    if (rate === 0) start(performance.now());
  };
}
