import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

/** Publishes the body of one message of events under a routing key. */
export type PublishEvents = (routingKey: string, body: string) => void;

/** Tasks whose events are made beforehand and sent again and again. */
const TASKS = 50;
const TICK_MS = 20;

/**
 * Sends events of other people's tasks at an even rate, as Celery 5.7 writes them: arrays under task.multi,
 * here of one event each. That is the dearest form; busy workers put up to 24 into a message. Returns how
 * many it has sent.
 */
export async function floodEvents(
  publish: PublishEvents,
  options: { readonly eventsPerSecond: number; readonly seconds: number },
): Promise<number> {
  const bodies = Array.from({ length: TASKS }, eventsOfATask).flat();
  const startedMs = performance.now();
  let sent = 0;
  for (;;) {
    const elapsedMs = performance.now() - startedMs;
    const dueMs = Math.min(elapsedMs, options.seconds * 1_000);
    const due = Math.floor((dueMs * options.eventsPerSecond) / 1_000);
    for (; sent < due; sent++) publish("task.multi", bodies[sent % bodies.length]!);
    if (elapsedMs >= options.seconds * 1_000) return sent;
    await sleep(TICK_MS);
  }
}

/** Received, started and succeeded. */
function eventsOfATask(): string[] {
  const uuid = randomUUID();
  const common = {
    ...{ hostname: "celery@worker-7.example.org", utcoffset: 0, pid: 4711 },
    ...{ clock: 123_456, uuid, timestamp: Date.now() / 1_000 },
  };
  const received = {
    ...{ name: "shop.tasks.send_receipt", args: "(4711, 'a@example.org')", kwargs: "{}" },
    ...{ root_id: uuid, parent_id: null, retries: 0, eta: null, expires: null },
  };
  return [
    { ...common, ...received, type: "task-received" },
    { ...common, type: "task-started" },
    { ...common, result: "None", runtime: 0.012345678901, type: "task-succeeded" },
  ].map((event) => JSON.stringify([event]));
}

/** A message of events in kombu's envelope, for PUBLISH on Redis. */
export function eventEnvelope(routingKey: string, body: string): string {
  return JSON.stringify({
    body: Buffer.from(body).toString("base64"),
    "content-encoding": "utf-8",
    "content-type": "application/json",
    headers: { hostname: "celery@worker-7.example.org" },
    properties: {
      delivery_mode: 1,
      delivery_info: { exchange: "celeryev", routing_key: routingKey },
      priority: 0,
      body_encoding: "base64",
      delivery_tag: randomUUID(),
    },
  });
}
