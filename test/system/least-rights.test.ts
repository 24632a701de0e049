// Also on today's brokers.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { assertAllSucceeded } from "../support/all-succeeded.js";
import { startDaemon } from "../support/daemon.js";
import { startRabbitmq } from "../support/rabbitmq.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";

/** What docs/deploy.md tells to type, without the shell's quotes. */
function wordsAfter(command: string): string[] {
  const page = readFileSync(join(CHECKOUT, "docs", "deploy.md"), "utf8");
  const line = page.split("\n").find((text) => text.startsWith(`${command} `));
  assert.ok(line, `the page has no command ${command}`);
  return line
    .slice(command.length + 1)
    .split(" ")
    .map((word) => word.replaceAll("'", ""));
}

test("a Redis user with the rights of docs/deploy.md can do all that the daemon does", async () => {
  await using redis = await startRedis();
  const cli = redis.cli();
  await cli.call("ACL", ...wordsAfter("redis-cli ACL"));
  await using _worker = await startWorker({ broker: redis.url() });
  await assertRuns(`redis://load:PASSWORD@127.0.0.1:${redis.port}/0`);
  assert.deepEqual(await cli.call("ACL", "LOG"), [], "the server refused something");
});

test("a RabbitMQ user with the rights of docs/deploy.md can do all that the daemon does", async () => {
  await using rabbitmq = await startRabbitmq();
  await rabbitmq.ctl("add_user", "load", "PASSWORD");
  await rabbitmq.ctl(...wordsAfter("rabbitmqctl"));
  await using _worker = await startWorker({ broker: rabbitmq.url, backend: "rpc://" });
  await assertRuns(`amqp://load:PASSWORD@127.0.0.1:${rabbitmq.port}//`);
  assert.doesNotMatch(rabbitmq.log(), /access_refused/);
});

async function assertRuns(broker: string): Promise<void> {
  await using daemon = await startDaemon({
    args: [
      ...["--broker", broker, "--task", "tests.add", "--args", "[1,2]"],
      ...["--rate", "50/s", "--for", "3s", "--json"],
    ],
  });
  assert.deepEqual(await daemon.exit, { code: 0, signal: null }, daemon.stderr());
  const { total } = JSON.parse(daemon.stdout());
  assertAllSucceeded(total, 150, daemon.stderr());
}
