/* The queue of `rpc://` is ours: what a virtual host makes of other queues must not change it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../src/errors.js";
import { rabbitmqPrograms } from "../support/brokers.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { startProxy } from "../support/proxy.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { waitUntil } from "../support/wait-until.js";

function startOn(broker: string): Promise<TestDaemon> {
  return startDaemon({
    configText: `
connections: { main: { broker: "${broker}", backend: "rpc://" } }
tasks: { add: { name: tests.add, args: [1, 2] } }
scenarios: { s: { profile: 1/s } }
server: { linger: 0s }
`,
  });
}

interface Queue {
  readonly name: string;
  readonly type: string;
}

async function ourQueues(rabbitmq: TestRabbitmq, vhost: string): Promise<Queue[]> {
  const args = ["list_queues", "-p", vhost, "name", "type", "--formatter=json"];
  const queues = JSON.parse(await rabbitmq.ctl(...args)) as Queue[];
  return queues.filter(({ name }) => /^celery-load\.|reply\.celery\.pidbox$/.test(name));
}

function isUp(page: { value(name: string, labels: { role: string }): number }, role: string) {
  return page.value("celery_load_connection_up", { role }) === 1;
}

test("a virtual host whose queues are quorum queues by default, and one that becomes so in mid-run", async (t) => {
  try {
    await rabbitmqPrograms("today");
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    t.skip(error.message); // such a default is of 3.11 and later
    return;
  }
  await using rabbitmq = await startRabbitmq(undefined, { generation: "today" });
  for (const type of ["quorum", "classic"]) {
    await rabbitmq.ctl("add_vhost", type, "--default-queue-type", type);
    await rabbitmq.ctl("set_permissions", "-p", type, "guest", ".*", ".*", ".*");
    await using daemon = await startOn(`amqp://guest:guest@127.0.0.1:${rabbitmq.port}/${type}`);
    await daemon.waitFor((page) => isUp(page, "backend"));
    await waitUntil(
      async () => (await ourQueues(rabbitmq, type)).length === 2,
      10_000,
      "our queues for replies",
    );
    const before = await ourQueues(rabbitmq, type);
    assert.deepEqual(
      before.map((queue) => queue.type),
      ["classic", "classic"],
    );
    const other = type === "quorum" ? "classic" : "quorum";
    await rabbitmq.ctl("update_vhost_metadata", type, "--default-queue-type", other);
    await rabbitmq.ctl("close_all_connections", "--vhost", type, "the test's");
    await daemon.waitFor((page) => page.reconnects() >= 2 && isUp(page, "backend"));
    assert.doesNotMatch(daemon.stderr(), /inequivalent/);
  }
});

test("a reply queue that is another one by now: /readyz says so in the broker's words", async () => {
  await using rabbitmq = await startRabbitmq();
  await using proxy = await startProxy(rabbitmq.port);
  await using daemon = await startOn(`amqp://guest:guest@127.0.0.1:${proxy.port}//`);
  await daemon.waitFor((page) => isUp(page, "backend"));
  const queues = await ourQueues(rabbitmq, "/");
  const { name } = queues.find((queue) => queue.name.startsWith("celery-load."))!;
  await proxy.refuse();
  proxy.reset();
  const channel = await (await rabbitmq.client()).createChannel();
  await channel.deleteQueue(name);
  await channel.assertQueue(name, { durable: true });
  await proxy.mode("pass");
  const words = /^PRECONDITION_FAILED - inequivalent arg 'x-(expires|queue-type)' for queue/;
  const problem = async () => {
    const problems = JSON.parse((await daemon.ready()).body).problems ?? [];
    return problems.find(({ role }: { role: string }) => role === "backend")?.message ?? "";
  };
  await waitUntil(async () => words.test(await problem()), 10_000, "the refusal");
  for (let look = 0; look < 20; look++) {
    assert.match(await problem(), words); // through further attempts, too
    await sleep(200);
  }
  assert.match(
    daemon.stderr(),
    /inequivalent arg .*The queue is this process's own.*"the server refuses us/,
  );
  await channel.deleteQueue(name);
  await daemon.waitFor((page) => isUp(page, "backend"), 15_000, "the backend to come back");
});
