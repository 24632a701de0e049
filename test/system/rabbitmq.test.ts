// Also on today's brokers.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { parseAmqpUrl } from "../../src/celery/urls/amqp-url.js";
import { AmqpLink } from "../../src/connections/amqp/link.js";
import type { Client } from "../../src/connections/ports.js";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced, type Metrics } from "../support/metrics.js";
import { startProxy } from "../support/proxy.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker } from "../support/worker.js";

// A node takes seconds to start: one for all tests of this file, with a queue for each.
let rabbitmq: TestRabbitmq;
let redis: TestRedis;
before(async () => {
  rabbitmq = await startRabbitmq();
  redis = await startRedis();
});
after(async () => {
  await rabbitmq[Symbol.asyncDispose]();
  await redis.stop();
});

const config = (broker: string, queue: string, backend: string) => `
connections: { main: { broker: "${broker}", backend: "${backend}" } }
tasks:
  good:         { name: tests.add, args: [1, "{{ int(1, 9) }}"], queue: ${queue} }
  failing:      { name: tests.fail, args: [KeyError], queue: ${queue} }
  retrying:     { name: tests.retry, args: [2], queue: ${queue}, expires: none }
  unregistered: { name: tests.no_such_task, queue: ${queue} }
  urgent:       { name: tests.sleep, args: [0], queue: ${queue}, priority: 9 }
scenarios:
  mixed: { profile: 40/s, mix: [good, failing, retrying, unregistered, urgent], gracefulStop: 20s }
server: { linger: 2s }
`;

/** Starts that a busy machine was more than 100 ms late for, which are dropped. */
const tooLate = (metrics: Metrics, task: string) =>
  metrics.sum("celery_load_tasks_dropped_total", { task, reason: "saturated" });

const queueNames = async (vhost = "/") => {
  const listed = JSON.parse(
    await rabbitmq.ctl("list_queues", "-p", vhost, "name", "--formatter=json"),
  );
  return listed.map(({ name }: { name: string }) => name).sort();
};

/** @returns its URL */
async function newVhost(vhost: string): Promise<string> {
  await rabbitmq.ctl("add_vhost", vhost);
  await rabbitmq.ctl("set_permissions", "-p", vhost, "guest", ".*", ".*", ".*");
  return `amqp://guest:guest@127.0.0.1:${rabbitmq.port}/${vhost}`;
}

/** How a link to the URL first went down. */
async function refusalOf(url: string, client: Client) {
  let link: AmqpLink | undefined;
  const refused = new Promise<{ cause: string; isConfiguration: boolean }>((resolve) => {
    const events = {
      prepare: async () => {},
      up: () => resolve({ cause: "", isConfiguration: false }),
      down: (cause: string, isConfiguration: boolean) => resolve({ cause, isConfiguration }),
    };
    link = new AmqpLink(parseAmqpUrl(url), "test", events, { client });
    link.open();
  });
  const refusal = await refused;
  await link?.close();
  return refusal;
}

// With queues of their own; they mostly wait.
suite("a node for all of them", { concurrency: 2 }, () => {
  for (const python of ["current", "debian"] as const) {
    for (const kind of ["rpc", "redis"] as const) {
      test(`each kind of task ends in its outcome on RabbitMQ with ${kind} results, Celery ${python}`, async () => {
        const backend = kind === "rpc" ? "rpc://" : redis.url();
        const queue = `mixed-${python}-${kind}`;
        const broker = await newVhost(queue);
        await using worker = await startWorker({ broker, backend, python, queues: [queue] });
        const queuesBefore = await queueNames(queue);
        await using daemon = await startDaemon({
          configText: config(broker, queue, backend),
          args: ["--for", "5s", "--json"],
        });
        const metrics = await daemon.waitFor((page) => {
          assertBalanced(page);
          const drained = page.value("celery_load_scenario_state", { state: "stopped" }) === 1;
          return drained && page.sum("celery_load_tasks_in_flight") === 0;
        });
        assert.deepEqual(await daemon.exit, { code: 0, signal: null });
        const outcome = (task: string, name: string) =>
          metrics.value("celery_load_task_outcomes_total", {
            task: `tests.${task}`,
            outcome: name,
          });
        const errors = (task: string, exception: string) =>
          metrics.value("celery_load_task_errors_total", { task: `tests.${task}`, exception });
        const sent = (task: string) => 40 - tooLate(metrics, `tests.${task}`);
        assert.deepEqual(
          [
            outcome("add", "succeeded"),
            outcome("retry", "succeeded"),
            outcome("sleep", "succeeded"),
          ],
          [sent("add"), sent("retry"), sent("sleep")],
          worker.log().slice(-3000),
        );
        assert.equal(outcome("fail", "failed"), sent("fail"));
        assert.equal(errors("fail", "KeyError"), sent("fail"));
        assert.equal(errors("no_such_task", "NotRegistered"), sent("no_such_task"));
        assert.equal(metrics.sum("celery_load_unmatched_results_total"), 0);
        assert.ok(metrics.sum("celery_load_task_retries_total") > 60);
        // Nothing of ours is left, and nothing of theirs is changed.
        await waitUntil(
          async () => JSON.stringify(await queueNames(queue)) === JSON.stringify(queuesBefore),
          10_000,
          `the queues to be ${queuesBefore.join(", ")} again`,
        );
      });
    }
  }

  test("tasks for a queue that nobody has made are unroutable, and nobody makes it", async () => {
    await using daemon = await startDaemon({
      args: [
        ...["--broker", rabbitmq.url, "--task", "tests.add", "--queue", "no-such-queue"],
        ...["--rate", "20/s", "--for", "2s", "--set", "server.linger=2s", "--json"],
      ],
    });
    const metrics = await daemon.waitFor(
      (page) => page.value("celery_load_scenario_state", { state: "stopped" }) === 1,
    );
    assertBalanced(metrics);
    const unroutable = metrics.value("celery_load_publish_failures_total", { kind: "unroutable" });
    assert.equal(unroutable, 40 - tooLate(metrics, "tests.add"));
    assert.equal(metrics.sum("celery_load_tasks_published_total"), 0);
    assert.equal((await daemon.exit).code, 1);
    assert.match(daemon.stderr(), /there is no queue \\"no-such-queue\\"/);
    assert.ok(!(await queueNames()).includes("no-such-queue"));
  });

  test("a queue that is deleted under load is counted as unroutable and works again when it is back", async () => {
    const client = await rabbitmq.client();
    const channel = await client.createChannel();
    await channel.assertQueue("deleted", { durable: true });
    await using daemon = await startDaemon({
      configText: `
connections: { main: { broker: "${rabbitmq.url}" } }
tasks: { add: { name: tests.add, queue: deleted, timeout: 2s } }
scenarios: { s: { profile: 50/s, gracefulStop: 1s } }
server: { linger: 0s }
`,
    });
    await daemon.waitFor((page) => page.sum("celery_load_tasks_published_total") > 20);
    await channel.deleteQueue("deleted");
    const failures = (kind: string) => (page: { value: (n: string, l: object) => number }) =>
      page.value("celery_load_publish_failures_total", { kind });
    const without = await daemon.waitFor((page) => failures("unroutable")(page as never) > 20);
    assertBalanced(without);
    assert.equal(without.value("celery_load_connection_up", { role: "broker" }), 1);
    await channel.assertQueue("deleted", { durable: true });
    const published = without.sum("celery_load_tasks_published_total");
    const again = await daemon.waitFor(
      (page) => page.sum("celery_load_tasks_published_total") > published + 20,
    );
    assertBalanced(again);
    await channel.deleteQueue("deleted");
  });

  test("messages over RabbitMQ's max_message_size are too_large, and no other message is harmed", async () => {
    await using worker = await startWorker({
      broker: rabbitmq.url,
      backend: redis.url(),
      queues: ["sized"],
    });
    // RabbitMQ 3 asks its settings, 4 what it made of them at the start.
    const sizeLimit = (bytes: number) =>
      rabbitmq.ctl(
        "eval",
        `application:set_env(rabbit, max_message_size, ${bytes}), persistent_term:put(max_message_size, ${bytes}).`,
      );
    await sizeLimit(100_000);
    try {
      await using daemon = await startDaemon({
        configText: `
connections: { main: { broker: "${rabbitmq.url}", backend: "${redis.url()}" } }
tasks:
  small: { name: tests.add, args: [1, 2], queue: sized }
  fits:  { name: tests.add, args: ["{{ bytes(60000) }}", "x"], queue: sized }
  large: { name: tests.fail, args: ["{{ bytes(90000) }}"], queue: sized }
scenarios:
  s: { profile: max, maxInFlight: 20, mix: { small: 8, fits: 1, large: 1 }, gracefulStop: 30s }
server: { linger: 2s }
`,
        args: ["--count", "1000", "--json"],
      });
      const end = await daemon.waitFor((page) => {
        assertBalanced(page);
        return page.value("celery_load_scenario_state", { state: "stopped" }) === 1;
      }, 60_000);
      assert.equal((await daemon.exit).code, 0);
      const { total } = JSON.parse(daemon.stdout());
      assert.deepEqual(total.publishFailures, {
        rejected: 0,
        unroutable: 0,
        too_large: 100,
        invalid: 0,
      });
      assert.deepEqual([total.outcomes.succeeded, total.published], [900, 900]);
      assert.equal(end.reconnects(), 0);
      assert.equal((await worker.recorded()).length, 900);
      assert.match(daemon.stderr(), /RabbitMQ takes 100000 at most/);
    } finally {
      await sizeLimit(134_217_728);
    }
  });

  test("replies that arrive while the results connection is away are kept and read", async () => {
    const broker = await newVhost("away");
    await using _worker = await startWorker({ broker, backend: "rpc://", queues: ["away"] });
    await using daemon = await startDaemon({
      args: [
        ...["--broker", broker, "--task", "tests.sleep", "--args", "[0.3]", "--queue", "away"],
        ...["--rate", "10/s", "--json"],
      ],
    });
    await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > 5);
    const listed = await rabbitmq.ctl(
      ...["list_connections", "pid", "vhost", "client_properties", "--silent"],
    );
    const ours = listed.split("\n").find((line) => /\taway\t.*:results/.test(line));
    assert.ok(ours, listed);
    await rabbitmq.ctl("close_connection", ours.split("\t")[0]!, "by the test");
    const metrics = await daemon.waitFor(
      (page) => page.value("celery_load_reconnects_total", { role: "backend" }) === 1,
    );
    assertBalanced(metrics);
    daemon.signal("SIGTERM");
    assert.deepEqual(await daemon.exit, { code: 0, signal: null });
    const { total } = JSON.parse(daemon.stdout());
    // A start that a busy machine was too late for is dropped, and has no reply.
    assert.equal(total.planned, total.published + total.dropped.saturated);
    assert.equal(total.outcomes.succeeded, total.published);
    assert.match(daemon.stderr(), /CONNECTION_FORCED - by the test/);
    assert.doesNotMatch(daemon.stderr(), /reply queue was deleted/);
  });

  const LONG = "10m";
  /** How a run may end; those with signals get them in the midst of it. */
  const ENDS: readonly { readonly args: readonly string[]; readonly signals: NodeJS.Signals[] }[] =
    [
      { args: ["--for", "3s"], signals: [] },
      { args: ["--count", "30"], signals: [] },
      { args: ["--for", LONG], signals: ["SIGTERM"] },
      { args: [], signals: ["SIGTERM"] },
      { args: [], signals: ["SIGALRM"] },
    ];
  for (const [where, broker, backend] of [
    ["RabbitMQ with rpc results", () => rabbitmq.url, () => "rpc://"],
    ["RabbitMQ with Redis results", () => rabbitmq.url, () => redis.url(2)],
    ["Redis", () => redis.url(3), () => redis.url(3)],
  ] as const) {
    for (const hasEvents of [true, false]) {
      test(`healthy runs on ${where}, events ${hasEvents ? "on" : "auto"}, end without a complaint`, async () => {
        const queue = `quiet-${backend() === "rpc://" ? "rpc" : "redis"}-${hasEvents}`;
        await using _worker = await startWorker({
          ...{ broker: broker(), backend: backend(), queues: [queue], concurrency: 16 },
        });
        await Promise.all(
          ENDS.map(async ({ args, signals }) => {
            await using daemon = await startDaemon({
              configText: `
connections: { main: { broker: "${broker()}", backend: "${backend()}", events: ${hasEvents ? "on" : "auto"} } }
tasks: { add: { name: tests.add, args: [1, 2], queue: ${queue} } }
scenarios: { s: { profile: 10/s, gracefulStop: 20s } }
server: { linger: 1s }
`,
              args: [...args, "--json"],
            });
            if (signals.length > 0) {
              await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > 10);
            }
            for (const signal of signals) daemon.signal(signal);
            const { code } = await daemon.exit;
            assert.equal(code, signals.length > 0 && args.length > 0 ? 105 : 0);
            const lines = daemon.stderr().trim().split("\n");
            const complaints = lines.filter(
              (line) =>
                JSON.parse(line).level > 30 || /trying again|could not|cannot|not be/.test(line),
            );
            assert.deepEqual(complaints, []);
          }),
        );
      });
    }
  }

  test("a wrong password is exit 104 with one message that does not hold it", async () => {
    await using daemon = await startDaemon({
      args: [
        ...[
          "--broker",
          `amqp://guest:canary-7@127.0.0.1:${rabbitmq.port}//`,
          "--task",
          "tests.add",
        ],
      ],
      isExpectedToFail: true,
    });
    assert.equal((await daemon.exit).code, 104);
    assert.match(daemon.stderr(), /Cannot use the (broker|backend) of connection "main"/);
    assert.doesNotMatch(daemon.stdout() + daemon.stderr(), /canary-7/);
  });

  test("a virtual host that cannot be used is told in the broker's own words, with a remedy", async () => {
    for (const vhost of ["closed", "full", "für/alle"]) await rabbitmq.ctl("add_vhost", vhost);
    await rabbitmq.ctl("set_permissions", "-p", "full", "guest", ".*", ".*", ".*");
    await rabbitmq.ctl("set_vhost_limits", "-p", "full", '{"max-connections": 0}');
    await rabbitmq.ctl("add_user", "few", "few");
    await rabbitmq.ctl("set_permissions", "-p", "/", "few", ".*", ".*", ".*");
    await rabbitmq.ctl("set_user_limits", "few", '{"max-connections": 0}');
    const host = `127.0.0.1:${rabbitmq.port}`;
    const refusals: readonly (readonly [url: string, words: RegExp, remedy: RegExp])[] = [
      [
        `amqp://guest:guest@${host}/shop`,
        /^NOT_ALLOWED - vhost '?shop'? not found$/,
        /^The virtual host is the path of the URL: "shop" here\. .* rabbitmqctl add_vhost shop\.$/,
      ],
      [
        `amqp://guest:guest@${host}/my%20shop`,
        /^NOT_ALLOWED - vhost '?my shop'? not found$/,
        /rabbitmqctl add_vhost 'my shop'\.$/,
      ],
      [
        `amqp://guest:guest@${host}/closed`,
        /^NOT_ALLOWED - (access to vhost 'closed' refused for user 'guest'|vhost closed not found)/,
        /rabbitmqctl set_permissions -p closed guest "\.\*" "\.\*" "\.\*"\.$/,
      ],
      [
        `amqp://guest:guest@${host}/f%C3%BCr%2Falle`,
        /^NOT_ALLOWED - access to vhost 'für\/alle' refused for user 'guest'/,
        /the path of the URL: "für\/alle" here/,
      ],
      [
        `amqp://guest:guest@${host}/full`,
        /^NOT_ALLOWED - access to vhost 'full' refused .* connection limit \(0\) is reached$/,
        /^Close connections that are not needed, or raise the limit/,
      ],
      [
        `amqp://few:few@${host}//`,
        /^NOT_ALLOWED - connection refused for user 'few': user connection limit \(0\) is reached$/,
        /^Close connections that are not needed, or raise the limit/,
      ],
      [
        `amqp://guest:canary-7@${host}//`,
        /ACCESS_REFUSED - Login was refused/,
        /^Check user name and password in the URL.* guest may log in from the broker's own machine only/,
      ],
    ];
    for (const client of ["direct", "library"] as const) {
      for (const [url, words, remedy] of refusals) {
        const { cause, isConfiguration } = await refusalOf(url, client);
        const [said = "", told = "", ...more] = cause.split("\n");
        assert.match(said, words, `${client} ${url}`);
        assert.match(told, remedy, `${client} ${url}`);
        assert.deepEqual(more, []);
        assert.doesNotMatch(cause, /canary-7|ConnectionOpenOk/);
        // A limit is none: there may be a place soon.
        assert.equal(isConfiguration, !/connection limit/.test(said), url);
      }
    }
    const broker = `amqp://guest:guest@${host}/shop`;
    await using daemon = await startDaemon({
      args: ["--broker", broker, "--task", "tests.add"],
      isExpectedToFail: true,
    });
    assert.equal((await daemon.exit).code, 104);
    assert.match(
      daemon.stderr(),
      /Cannot use the (broker|backend) of connection "main" at .*: NOT_ALLOWED - vhost '?shop'? not found\nThe virtual host is/,
    );
  });

  test("fail-over list: when a node cannot be reached the next URL is tried, and after the last the first", async () => {
    await using worker = await startWorker({
      broker: rabbitmq.url,
      backend: "rpc://",
      queues: ["listed"],
    });
    await using first = await startProxy(rabbitmq.port);
    await using second = await startProxy(rabbitmq.port);
    const urls = [first, second].map(({ port }) => `amqp://guest:guest@127.0.0.1:${port}//`);
    await using daemon = await startDaemon({
      configText: `
connections: { main: { broker: "${urls.join(";")}" } }
tasks: { add: { name: tests.add, args: [1, 2], queue: listed } }
scenarios: { s: { profile: 50/s, gracefulStop: 20s } }
server: { linger: 0s }
`,
      args: ["--json"],
    });
    let reconnects = 0;
    for (const [there, away] of [
      [first, second],
      [second, first],
      [first, second],
    ] as const) {
      if (reconnects > 0) {
        await there.mode("pass");
        await away.refuse();
        away.reset();
      }
      const up = await daemon.waitFor(
        (page) => page.reconnects() === reconnects && page.linksUp() === 2,
      );
      assertBalanced(up);
      // The observer's connections come on top, when they can.
      assert.ok(there.openCount >= 2, `${there.openCount} connections`);
      assert.equal(away.openCount, 0);
      const done = up.sum("celery_load_task_outcomes_total", { outcome: "succeeded" });
      await daemon.waitFor(
        (page) => page.sum("celery_load_task_outcomes_total", { outcome: "succeeded" }) > done + 50,
      );
      reconnects += 2;
    }
    daemon.signal("SIGTERM");
    assert.equal((await daemon.exit).code, 0);
    const { total } = JSON.parse(daemon.stdout());
    // What was unanswered when a link was cut may have been published or not.
    assert.equal(total.outcomes.succeeded + total.outcomes.unknown, total.published);
    const runs = await worker.recorded();
    assert.equal(new Set(runs.map(({ id }) => id)).size, runs.length, "a task ran twice");
  });

  test("a link that stands still is found by heartbeats; what was written is unknown and settles", async () => {
    await using worker = await startWorker({
      broker: rabbitmq.url,
      backend: redis.url(),
      queues: ["stalled"],
    });
    await using proxy = await startProxy(rabbitmq.port);
    await using daemon = await startDaemon({
      configText: `
connections:
  main: { broker: "amqp://guest:guest@127.0.0.1:${proxy.port}//", backend: "${redis.url()}" }
tasks: { add: { name: tests.add, args: [1, 2], queue: stalled, timeout: 40s } }
scenarios: { s: { profile: 50/s, gracefulStop: 1s } }
server: { linger: 0s }
`,
    });
    await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > 50);
    await proxy.mode("stall");
    const down = await daemon.waitFor(
      (page) => {
        assertBalanced(page);
        return page.value("celery_load_connection_up", { role: "broker" }) === 0;
      },
      60_000,
      "the dead link to be found",
    );
    assert.equal(down.sum("celery_load_tasks_publishing"), 0, "all of them are unknown now");
    await proxy.mode("pass");
    const published = down.sum("celery_load_tasks_published_total");
    const up = await daemon.waitFor(
      (page) => page.sum("celery_load_tasks_published_total") > published + 50,
      30_000,
      "publishing to go on",
    );
    assertBalanced(up);
    const runs = await worker.recorded();
    assert.equal(new Set(runs.map(({ id }) => id)).size, runs.length, "a task ran twice");
  });
});

test("a memory alarm blocks publishing: dropped as backpressure, ready but degraded, no task lost", async () => {
  await using _worker = await startWorker({
    broker: rabbitmq.url,
    backend: "rpc://",
    queues: ["alarm"],
  });
  await using daemon = await startDaemon({
    args: [
      ...["--broker", rabbitmq.url, "--task", "tests.add", "--args", "[1,2]", "--queue", "alarm"],
      ...["--rate", "100/s", "--set", "server.linger=0s"],
    ],
  });
  await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > 50);
  await rabbitmq.ctl("set_vm_memory_high_watermark", "absolute", "1MB");
  try {
    const blocked = await daemon.waitFor(
      (page) => page.value("celery_load_tasks_dropped_total", { reason: "backpressure" }) > 20,
    );
    assertBalanced(blocked);
    assert.equal(blocked.value("celery_load_broker_blocked"), 1);
    const { status, body } = await daemon.ready();
    assert.equal(status, 200);
    assert.match(body, /degraded/);
  } finally {
    await rabbitmq.ctl("set_vm_memory_high_watermark", "0.6");
  }
  const free = await daemon.waitFor((page) => page.value("celery_load_broker_blocked") === 0);
  const before = free.sum("celery_load_task_outcomes_total", { outcome: "succeeded" });
  const after = await daemon.waitFor(
    (page) =>
      page.sum("celery_load_task_outcomes_total", { outcome: "succeeded" }) > before + 100 &&
      page.sum("celery_load_tasks_publishing") < 10,
  );
  assertBalanced(after);
  assert.equal(after.reconnects(), 0);
});

test("a node that is killed and comes back: unanswered publishes are unknown, nothing runs twice", async () => {
  await using worker = await startWorker({
    broker: rabbitmq.url,
    backend: redis.url(),
    queues: ["killed"],
  });
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: "${rabbitmq.url}", backend: "${redis.url()}" } }
tasks: { add: { name: tests.add, args: [1, 2], queue: killed, timeout: 8s } }
scenarios: { s: { profile: 100/s, gracefulStop: 10s } }
server: { linger: 0s }
`,
  });
  await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > 100);
  await rabbitmq.kill("SIGKILL");
  const down = await daemon.waitFor(
    (page) => page.value("celery_load_connection_up", { role: "broker" }) === 0,
  );
  assertBalanced(down);
  const { status, body } = await daemon.ready();
  assert.equal(status, 503);
  assert.match(body, /"role":"broker"/);
  await rabbitmq.restart();
  const up = await daemon.waitFor(
    (page) => page.value("celery_load_connection_up", { role: "broker" }) === 1,
    30_000,
  );
  assert.ok(up.value("celery_load_tasks_dropped_total", { reason: "not_connected" }) > 0);
  assert.equal(up.value("celery_load_reconnects_total", { role: "broker" }), 1);
  const before = up.sum("celery_load_task_outcomes_total", { outcome: "succeeded" });
  await daemon.waitFor(
    (page) => page.sum("celery_load_task_outcomes_total", { outcome: "succeeded" }) > before + 100,
    60_000,
    "the worker to work again",
  );
  const end = await daemon.waitFor((page) => {
    assertBalanced(page);
    return true;
  });
  assertBalanced(end);
  const runs = await worker.recorded();
  const twice = runs.length - new Set(runs.map(({ id }) => id)).size;
  // A worker that lost its connection may get again what it had not acknowledged: at most its prefetch.
  assert.ok(twice <= 16, `${twice} tasks ran twice`);
});
