// Also on today's brokers.
import assert from "node:assert/strict";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { makeCa } from "../support/certificates.js";
import { startDaemon } from "../support/daemon.js";
import type { Metrics } from "../support/metrics.js";
import { missingRedisTls, startRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { startSentinel } from "../support/sentinel.js";
import { startWorker } from "../support/worker.js";
import { assertNoBurst, assertRunOnce, logOf, Watch } from "./faults-watch.js";

const noTls = await missingRedisTls();

const RATE = 50;

test("the master is killed under load: down, up on the new master, balanced, nothing twice", async () => {
  await using sentinel = await startSentinel();
  const options = `(dict){"master_name": "${sentinel.masterName}"}`;
  const workerOptions = {
    broker: sentinel.url,
    extraArgs: [
      "--",
      `broker_transport_options=${options}`,
      `result_backend_transport_options=${options}`,
    ],
    env: { RECORD_FILE: await scratchFile("record.ndjson") },
  };
  await using worker = await startWorker(workerOptions);
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: "${sentinel.url}", options: { master_name: ${sentinel.masterName} } } }
tasks: { add: { name: tests.add, args: [1, 2], kwargs: {}, timeout: 20s } }
scenarios: { steady: { profile: ${RATE}/s } }
server: { linger: 0s }
`,
    args: ["--json"],
  });
  const watch = new Watch(daemon);
  const succeeded = (page: Metrics) =>
    page.value("celery_load_task_outcomes_total", { outcome: "succeeded" });
  await daemon.waitFor((page) => succeeded(page) > RATE);

  await sentinel.master.kill("SIGKILL");
  await daemon.waitFor((page) => page.linksUp() === 0, 2_000, "both connections to be down");
  assert.equal((await daemon.ready()).status, 503);
  await sentinel.promoted();
  const up = await daemon.waitFor(
    (page) => page.linksUp() === 2,
    10_000,
    "both connections to be up on the new master",
  );
  assert.equal((await daemon.ready()).status, 200);
  for (const role of ["broker", "backend"]) {
    assert.equal(up.value("celery_load_reconnects_total", { role }), 1);
  }
  // Celery's worker does not always survive the loss of its master.
  await using _second = await startWorker(workerOptions);
  await daemon.waitFor(
    (page) => succeeded(page) > succeeded(up) + 2 * RATE,
    60_000,
    "a worker to be on the new master",
  );

  const { code, total, pages } = await watch.stop();
  assert.equal(code, 0);
  assertNoBurst(pages, RATE);
  assert.deepEqual(
    Object.keys(total.dropped).filter((reason) => total.dropped[reason]! > 0),
    ["not_connected"],
  );
  // The daemon has waited for its results. What the first worker could not acknowledge stays.
  const runs = await worker.recorded();
  assertRunOnce(runs);
  const { outcomes, published } = total;
  const lost = outcomes.timed_out! + outcomes.unknown!;
  assert.equal(outcomes.succeeded! + outcomes.revoked! + lost, published);
  assert.ok(runs.length >= outcomes.succeeded! && runs.length <= published);
  assert.equal(total.duplicate, 0);
  assert.equal(pages.at(-1)!.metrics.sum("celery_load_broker_data_loss_total"), 0);
  const lines = logOf(daemon).filter(({ msg }) => /^not connected; trying/.test(String(msg)));
  assert.deepEqual(lines.map(({ role }) => role).sort(), ["backend", "broker"]);
});

test("a replica that was cut off takes over: what it did not get is lost, with failover as evidence", async () => {
  await using sentinel = await startSentinel();
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: "${sentinel.url}", options: { master_name: ${sentinel.masterName} } } }
tasks: { add: { name: tests.add, args: [1, 2] } }
scenarios: { steady: { profile: ${RATE}/s, gracefulStop: 1s } }
server: { linger: 0s }
`,
  });
  const published = (page: Metrics) => page.sum("celery_load_tasks_published_total");
  const loss = (page: Metrics, evidence: string) =>
    page.value("celery_load_broker_data_loss_total", { evidence });
  await daemon.waitFor((page) => published(page) > RATE);
  // The replica has no password to come back with; those who are connected stay so.
  const cli = sentinel.master.cli();
  await cli.config("SET", "requirepass", "cut-off");
  await cli.client("KILL", "TYPE", "REPLICA");
  const cut = published(await daemon.metrics());
  await daemon.waitFor((page) => published(page) > cut + RATE);
  await sentinel.master.kill("SIGKILL");
  await sentinel.promoted();
  const up = await daemon.waitFor((page) => page.reconnects() === 2 && page.linksUp() === 2);
  assert.deepEqual([loss(up, "failover"), loss(up, "restarted_empty")], [1, 0]);
  const [line] = logOf(daemon).filter(({ msg }) => /without the last writes/.test(String(msg)));
  assert.ok(Number(line?.inFlight) > RATE);
});

test("the master stands still: it is left as soon as the Sentinel has another, and nothing runs twice", async () => {
  await using sentinel = await startSentinel();
  const options = `(dict){"master_name": "${sentinel.masterName}"}`;
  await using worker = await startWorker({
    broker: sentinel.url,
    extraArgs: [
      "--",
      `broker_transport_options=${options}`,
      `result_backend_transport_options=${options}`,
    ],
  });
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: "${sentinel.url}", options: { master_name: ${sentinel.masterName} } } }
tasks: { add: { name: tests.add, args: [1, 2], timeout: 20s } }
scenarios: { steady: { profile: ${RATE}/s, gracefulStop: 1s } }
server: { linger: 0s }
`,
    args: ["--json"],
  });
  const watch = new Watch(daemon);
  await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > RATE);
  await sentinel.master.kill("SIGSTOP");
  await sentinel.promoted();
  const up = await daemon.waitFor(
    (page) => page.reconnects() === 2 && page.linksUp() === 2,
    5_000,
    "both connections to be up on the new master",
  );
  const published = up.sum("celery_load_tasks_published_total");
  await daemon.waitFor((page) => page.sum("celery_load_tasks_published_total") > published + RATE);
  const causes = logOf(daemon).map(({ cause }) => String(cause));
  assert.ok(causes.some((cause) => /the Sentinels name another master/.test(cause)));
  const { pages } = await watch.stop();
  assertNoBurst(pages, RATE);
  assertRunOnce(await worker.recorded());
  await sentinel.master.kill("SIGCONT");
});

test("a name that the Sentinel does not know, and a master outside of allow.hosts, are exit 104", async () => {
  await using sentinel = await startSentinel();
  const { port } = new URL(sentinel.url);
  for (const [keys, message] of [
    ["options: { master_name: nobody }", /knows no Redis of that name: set options\.master_name/],
    [
      `options: { master_name: ${sentinel.masterName} }, allow: { hosts: ["127.0.0.1:${port}"] }`,
      /names a Redis that is not in allow\.hosts: 127\.0\.0\.1:\d+/,
    ],
  ] as const) {
    await using daemon = await startDaemon({
      configText: `
connections: { main: { broker: "${sentinel.url}", ${keys} } }
tasks: { add: { name: tests.add, args: [1, 2] } }
scenarios: { steady: { profile: 5/s } }
`,
      isExpectedToFail: true,
    });
    assert.equal((await daemon.exit).code, 104, daemon.stderr());
    assert.match(daemon.stderr(), message);
  }
});

test("Sentinel and Redis are reached by TLS, each with its own password, and without those it is exit 104", async (t) => {
  if (noTls !== null) return t.skip(noTls);
  const ca = await makeCa();
  const tls = { ...(await ca.issue("IP:127.0.0.1")), caFile: ca.caFile };
  await using sentinel = await startSentinel({ password: "guard", tls });
  await sentinel.master.cli().config("SET", "requirepass", "vault");
  const config = (kwargs: string) => `
connections:
  main:
    broker: "${sentinel.url.replace("//", "//:vault@")}"
    tls: { caFile: "${ca.caFile}" }
    options: { master_name: ${sentinel.masterName}, sentinel_kwargs: ${kwargs} }
tasks: { add: { name: tests.add, args: [1, 2] } }
scenarios: { steady: { profile: 5/s } }
`;
  await using good = await startDaemon({ configText: config("{ password: guard, ssl: true }") });
  await good.waitFor((page) => page.linksUp() === 2);
  await using bad = await startDaemon({
    configText: config("{ password: canary, ssl: true }"),
    isExpectedToFail: true,
  });
  assert.equal((await bad.exit).code, 104, bad.stderr());
  assert.match(bad.stderr(), /the Sentinel answers WRONGPASS.*: set options\.sentinel_kwargs/);
  for (const { stderr } of [good, bad]) assert.doesNotMatch(stderr(), /guard|vault|canary/);
});

test("a CA file that is replaced is used at the next connection to a master of Sentinels", async (t) => {
  if (noTls !== null) return t.skip(noTls);
  const old = await makeCa();
  const renewed = await makeCa();
  const tls = { ...(await old.issue("IP:127.0.0.1")), caFile: old.caFile };
  await using sentinel = await startSentinel({ tls });
  const caFile = await scratchFile("ca.pem");
  await copyFile(old.caFile, caFile);
  await using daemon = await startDaemon({
    configText: `
connections:
  main:
    broker: "${sentinel.url}"
    tls: { caFile: "${caFile}" }
    options: { master_name: ${sentinel.masterName}, sentinel_kwargs: { ssl: true } }
tasks: { add: { name: tests.add, args: [1, 2] } }
scenarios: { steady: { profile: 5/s } }
`,
  });
  await daemon.waitFor((page) => page.linksUp() === 2);
  const cli = sentinel.master.cli();
  const { certFile, keyFile } = await renewed.issue("IP:127.0.0.1");
  await cli.config("SET", "tls-cert-file", certFile, "tls-key-file", keyFile);
  // The Sentinel keeps its certificate.
  await writeFile(
    caFile,
    (await readFile(old.caFile, "utf8")) + (await readFile(renewed.caFile, "utf8")),
  );
  for (const line of String(await cli.client("LIST")).split("\n")) {
    const id = /^id=(\d+) .* name=celery-load/.exec(line)?.[1];
    if (id !== undefined) await cli.client("KILL", "ID", id);
  }
  await daemon.waitFor((page) => page.reconnects() === 2 && page.linksUp() === 2);
});

test("fail-over list: the next URL is tried when a server is away, and each is compared with itself", async () => {
  await using first = await startRedis();
  await using second = await startRedis();
  await using daemon = await startDaemon({
    args: [
      ...["--task", "tests.add", "--args", "[1,2]", "--rate", "20/s"],
      ...["--broker", `${first.url()};${second.url()}`],
    ],
  });
  const published = (page: Metrics) => page.sum("celery_load_tasks_published_total");
  const cameBack = (times: number) => (page: Metrics) =>
    page.value("celery_load_reconnects_total", { role: "broker" }) === times &&
    page.linksUp() === 2;
  await daemon.waitFor((page) => published(page) > 20);
  assert.equal(await second.cli().llen("celery"), 0);
  await first.kill("SIGKILL");
  const moved = await daemon.waitFor(cameBack(1));
  await daemon.waitFor((page) => published(page) > published(moved) + 20);
  assert.ok((await second.cli().llen("celery")) >= 20);
  assert.equal(
    moved.sum("celery_load_broker_data_loss_total"),
    0,
    "another server has lost nothing",
  );
  await first.restart();
  await second.kill("SIGKILL");
  const returned = await daemon.waitFor(cameBack(2));
  // Redis before 7 does not say how much it has loaded.
  const canTell = (await first.cli().info("persistence")).includes("rdb_last_load_keys_loaded");
  const evidence = "restarted_empty";
  assert.equal(returned.value("celery_load_broker_data_loss_total", { evidence }), canTell ? 1 : 0);
});
