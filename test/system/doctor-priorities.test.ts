/* What doctor says of priorities on RabbitMQ 4, and that it is so there. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Finding } from "../../src/doctor/advice.js";
import { UserError } from "../../src/errors.js";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { runProgram } from "../../src/setup/programs.js";
import { rabbitmqPrograms } from "../support/brokers.js";
import { startManagement } from "../support/management.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { scratchFile } from "../support/scratch.js";
import { startWorker } from "../support/worker.js";

/** Null, and the test is skipped, where it cannot be had. */
async function startRabbitmq4(t: TestContext): Promise<TestRabbitmq | null> {
  try {
    await rabbitmqPrograms("today");
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    t.skip(error.message);
    return null;
  }
  return startRabbitmq(undefined, { generation: "today" });
}

const QUORUM = { "x-queue-type": "quorum" };

/** The codes of its advice on priorities, for a task of this priority and queue. */
async function toldOf(
  broker: string,
  { queue, priority, management }: { queue: string; priority: number; management?: string },
): Promise<string[]> {
  const file = await scratchFile("doctor.yml");
  const by = management === undefined ? "" : `, management: "${management}"`;
  await writeFile(
    file,
    `connections: { main: { broker: "${broker}", backend: "rpc://"${by} } }
tasks: { add: { name: tests.add, args: [1, 2], queue: ${queue}, priority: ${priority} } }
scenarios: { s: { profile: 1/s } }
`,
    { mode: 0o600 },
  );
  const main = join(CHECKOUT, "dist", "src", "main.js");
  const { stdout, stderr } = await runProgram(process.execPath, [main, "doctor", file, "--json"]);
  assert.equal(stderr, "");
  const { advice } = JSON.parse(stdout) as { advice: Finding[] };
  return advice.map(({ code }) => code).filter((code) => code.startsWith("priority-"));
}

test("what a priority does is told by the queue's type, and where that is not known it is looked up", async (t) => {
  const server = await startRabbitmq4(t);
  if (server === null) return;
  await using rabbitmq = server;
  const management = `http://guest:guest@127.0.0.1:${await startManagement(rabbitmq)}`;
  const queues = [
    { name: "quorum", routing_key: "quorum", queue_arguments: QUORUM },
    { name: "plain", routing_key: "plain" },
    { name: "levels", routing_key: "levels", queue_arguments: { "x-max-priority": 9 } },
  ].map((queue) => ({ ...queue, exchange: [queue.name, "topic"] }));
  await using _worker = await startWorker({
    broker: rabbitmq.url,
    backend: "rpc://",
    env: { TASK_QUEUES: JSON.stringify(queues) },
  });
  const ask = (queue: string, priority: number, by?: string) =>
    toldOf(rabbitmq.url, { queue, priority, ...(by === undefined ? {} : { management: by }) });
  assert.deepEqual(await ask("quorum", 3), ["priority-too-low"]);
  assert.deepEqual(await ask("quorum", 9), []);
  assert.deepEqual(await ask("levels", 3), []);
  assert.deepEqual(await ask("plain", 9), ["priority-unclear"]);
  assert.deepEqual(await ask("plain", 9, management), ["priority-ignored"]);
  assert.deepEqual(await ask("quorum", 3, management), ["priority-too-low"]);
  // An API that does not answer leaves the rest as it is.
  assert.deepEqual(await ask("plain", 9, "http://127.0.0.1:1"), ["priority-unclear"]);
});

test("RabbitMQ 4: a quorum queue has two priorities, and refuses x-max-priority", async (t) => {
  const server = await startRabbitmq4(t);
  if (server === null) return;
  await using rabbitmq = server;
  const client = await rabbitmq.client();
  const channel = await client.createConfirmChannel();
  await channel.assertQueue("quorum", { durable: true, arguments: QUORUM });
  for (const priority of [0, 4, 5, 9]) {
    channel.sendToQueue("quorum", Buffer.from(String(priority)), { priority });
  }
  await channel.waitForConfirms();
  const order: string[] = [];
  for (let message = await channel.get("quorum"); message; message = await channel.get("quorum")) {
    order.push(message.content.toString());
  }
  // Two high ones, then one of the others.
  assert.deepEqual(order, ["5", "9", "0", "4"]);
  const other = await client.createChannel();
  other.on("error", () => {}); // it is what assertQueue throws
  await assert.rejects(
    other.assertQueue("new", { durable: true, arguments: { ...QUORUM, "x-max-priority": 9 } }),
    /406/,
  );
});
