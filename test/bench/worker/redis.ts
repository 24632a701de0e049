import { once } from "node:events";
import { createConnection } from "node:net";
import { Redis } from "ioredis";
import { plannedMsOf, type Serving } from "./serving.js";

const QUEUE = "celery";
const MOST_AT_ONCE = 500;

/**
 * Pops messages, and answers as Celery's Redis backend does: SETEX and PUBLISH of the same text. Answers are
 * written as plain RESP, one write a batch, and the replies are not looked at. Resolves when it is at work.
 */
export async function serveRedis(serving: Serving): Promise<void> {
  const { hold, nowMs } = serving;
  const input = new Redis(serving.broker);
  const output = createConnection({ ...addressOf(serving.broker), noDelay: true });
  output.on("data", () => {});
  await Promise.all([input.ping(), once(output, "connect")]);

  const answer = (
    messages: readonly string[],
    plannedMs: readonly number[],
    receivedMs: number,
  ) => {
    const date = new Date().toISOString().replace("Z", "000+00:00");
    output.write(messages.map((message, at) => resultOf(message, date, plannedMs[at]!)).join(""));
    serving.answered(plannedMs, receivedMs);
  };
  const take = (messages: readonly string[], receivedMs: number) => {
    const plannedMs = messages.map(serving.readsPlans ? plannedIn : () => Number.NaN);
    const holdMs = hold.next();
    if (holdMs === 0) answer(messages, plannedMs, receivedMs);
    else setTimeout(() => answer(messages, plannedMs, receivedMs), holdMs);
  };
  const work = async () => {
    for (;;) {
      const messages = (await input.rpop(QUEUE, MOST_AT_ONCE)) ?? [
        (await input.brpop(QUEUE, 0))![1],
      ];
      const receivedMs = nowMs();
      if (hold.isEven) take(messages, receivedMs);
      else for (const message of messages) take([message], receivedMs);
    }
  };
  void work();
}

function addressOf(broker: string) {
  const { hostname, port } = new URL(broker);
  return { host: hostname, port: Number(port) };
}

/** The result of a task whose planned time was read is that time, for a witness. */
function resultOf(message: string, date: string, plannedMs: number): string {
  const id = /"id": ?"([^"]+)"/.exec(message)![1]!;
  const key = bulk(`celery-task-meta-${id}`);
  const result = bulk(
    `{"status": "SUCCESS", "result": ${Number.isNaN(plannedMs) ? 3 : plannedMs}, "traceback": null, "children": [], "date_done": "${date}", "task_id": "${id}"}`,
  );
  return `*4\r\n$5\r\nSETEX\r\n${key}$3\r\n600\r\n${result}*3\r\n$7\r\nPUBLISH\r\n${key}${result}`;
}

/** The planned times that the results in a piece of a stream say, and where the last whole one ends. */
export function plannedTimesIn(stream: string): { plannedMs: number[]; end: number } {
  const plannedMs: number[] = [];
  const pattern = /"SUCCESS", "result": ([\d.]+), /g;
  let end = 0;
  for (let found = pattern.exec(stream); found !== null; found = pattern.exec(stream)) {
    plannedMs.push(Number(found[1]));
    end = pattern.lastIndex;
  }
  return { plannedMs, end };
}

function plannedIn(message: string): number {
  return plannedMsOf(Buffer.from(JSON.parse(message).body, "base64").toString());
}

/** All texts here are ASCII. */
function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}
