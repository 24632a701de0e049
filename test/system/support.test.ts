import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { CHECKOUT, cachePath, makeCacheDirectory } from "../../src/setup/checkout.js";
import { withInstallLock } from "../../src/setup/install-lock.js";
import { runProgram } from "../../src/setup/programs.js";
import { ensurePrometheus } from "../../src/setup/prometheus.js";
import { type CeleryVersion, ensurePython } from "../../src/setup/python.js";
import { ensureRedis } from "../../src/setup/redis.js";
import { isAlive } from "../../src/setup/scratch.js";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced, Metrics } from "../support/metrics.js";
import { freePort } from "../support/ports.js";
import { startProxy } from "../support/proxy.js";
import { startRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker, type TestWorker } from "../support/worker.js";

const silent = () => {};

test("ensurePython() gives an interpreter with the pinned Celery, and one with Celery 5.2", async () => {
  for (const [version, pattern] of [
    ["current", /^5\.[67]\.\d+$/],
    ["debian", /^5\.2\.\d+$/],
  ] as const) {
    const python = await ensurePython(version);
    const print = "import celery, redis; print(celery.__version__)";
    const { stdout, stderr } = await runProgram(python, ["-c", print]);
    assert.match(stdout.trim(), pattern, stderr);
  }
});

test("ensureRedis() and ensurePrometheus() give programs that run", async () => {
  const { prometheus, promtool } = await ensurePrometheus();
  for (const program of [await ensureRedis(), prometheus, promtool]) {
    assert.equal((await runProgram(program, ["--version"])).code, 0, program);
  }
});

test("withInstallLock() runs one installation at a time, and takes over from a dead process", async () => {
  const { stdout } = await runProgram(process.execPath, ["-p", "process.pid"]);
  await makeCacheDirectory();
  await waitUntil(
    () =>
      writeFile(cachePath("install.lock"), stdout.trim(), { flag: "wx" }).then(
        () => true,
        () => false,
      ),
    60_000,
    "nobody to be installing",
  );
  let running = 0;
  let most = 0;
  const install = async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    running -= 1;
  };
  await Promise.all([1, 2, 3].map(() => withInstallLock(silent, install)));
  assert.equal(most, 1);
});

test("startRedis() can be killed, restarted empty on its port, and stopped", async () => {
  await using redis = await startRedis();
  const client = redis.cli({ db: 3 });
  await client.set("key", "value");
  assert.equal(redis.url(3), `redis://127.0.0.1:${redis.port}/3`);
  const { pid } = redis;

  await redis.kill("SIGKILL");
  assert.equal(isAlive(pid), false);
  await redis.restart();
  assert.notEqual(redis.pid, pid);
  assert.equal(await redis.cli({ db: 3 }).get("key"), null);

  const last = redis.pid;
  await redis.stop();
  assert.equal(isAlive(last), false);
});

test("startRedis() says why a server did not come up", async () => {
  await assert.rejects(
    startRedis({ args: ["--no-such-option", "1"] }),
    /^UserError: Redis ended early \(exit code 1\)\. The end of its output:[\s\S]*no-such-option/,
  );
});

test("a server does not outlive a test process that is killed", async () => {
  const module = new URL("../support/redis.js", import.meta.url).href;
  const script = `
    const { startRedis } = await import(${JSON.stringify(module)});
    const redis = await startRedis();
    console.log(redis.pid);
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const pid = Number(line.toString());
  assert.equal(isAlive(pid), true);
  child.kill("SIGKILL");
  await waitUntil(() => !isAlive(pid), 10_000, "its Redis to be killed");
});

test("a server that was forgotten does not keep the test process alive", async () => {
  const module = new URL("../support/redis.js", import.meta.url).href;
  const script = `
    const { startRedis } = await import(${JSON.stringify(module)});
    console.log((await startRedis()).pid);
  `;
  const { code, stdout } = await runProgram(process.execPath, [
    ...["--input-type=module", "-e", script],
  ]);
  assert.equal(code, 0);
  const pid = Number(stdout);
  await waitUntil(() => !isAlive(pid), 10_000, "its Redis to be killed");
});

for (const python of ["current", "debian"] as const) {
  test(`startWorker() runs the tasks of tasks.py and records them, Celery: ${python}`, async () => {
    await using redis = await startRedis();
    await using worker = await startWorker({ python, broker: redis.url() });
    const results = await send(python, redis.url(), [
      ["add", 2, 3],
      ["sleep", 0.05],
      ["fail", "KeyError"],
      ["fail", "CardDeclined"],
      ["retry", 2],
      ["flaky"],
      ["big", 5000],
    ]);
    assert.deepEqual(
      results.map(({ state }) => state),
      ["SUCCESS", "SUCCESS", "FAILURE", "FAILURE", "SUCCESS", "SUCCESS", "SUCCESS"],
    );
    assert.deepEqual(
      results.map(({ value }) => value.slice(0, 20)),
      ["5", "0.05", "KeyError", "CardDeclined", "2", results[5]!.value, "x".repeat(20)],
    );
    const runs = await recordedRuns(worker, 9 + Number(results[5]!.value));
    const [first, ...rest] = runs.filter((run) => run.id === results[4]!.id);
    assert.deepEqual(
      [first!.state, ...rest.map((run) => run.state)],
      ["RETRY", "RETRY", "SUCCESS"],
    );
    const sleep = runs.find((run) => run.name === "tests.sleep")!;
    assert.ok(sleep.endedMs! - sleep.startedMs >= 50);
  });
}

test("tasks that are ignored or rejected are recorded all the same", async () => {
  await using redis = await startRedis();
  await using worker = await startWorker({ broker: redis.url(), env: { APP_NAME: "shop" } });
  const [never] = await send("current", redis.url(), [["never"], ["reject"]], { APP_NAME: "shop" });
  const runs = await recordedRuns(worker, 2);
  assert.deepEqual(runs.map((run) => run.name).sort(), ["shop.never", "shop.reject"]);
  assert.equal(await redis.cli().get(`celery-task-meta-${never!.id}`), null);
});

test("stop() of a prefork worker leaves none of its processes, signal() reaches all of them", async () => {
  await using redis = await startRedis();
  const processes = async (worker: TestWorker) => {
    const { stdout } = await runProgram("ps", ["-e", "-o", "pgid=,stat="]);
    const ours = new RegExp(`^\\s*${worker.pid}\\s+(?!Z)`);
    return stdout.split("\n").filter((line) => ours.test(line)).length;
  };
  for (const end of ["stop", "kill"] as const) {
    await using worker = await startWorker({
      broker: redis.url(),
      pool: "prefork",
      concurrency: 2,
      queues: ["images"],
    });
    assert.ok((await processes(worker)) >= 3);
    if (end === "stop") await worker.stop();
    else worker.signal("SIGKILL", { group: true });
    await waitUntil(async () => (await processes(worker)) === 0, 10_000, "all to be gone");
    assert.match(worker.log(), /ready\./);
  }
});

test("startWorker() says why a worker did not come up", async () => {
  await using redis = await startRedis();
  await assert.rejects(
    startWorker({ broker: redis.url(), extraArgs: ["--no-such-option"] }),
    /^UserError: The Celery worker ended early \(exit code 2\)[\s\S]*no-such-option/,
  );
});

test("a proxy passes, and counts what it passed", async () => {
  await using echo = await startEcho();
  await using proxy = await startProxy(echo.port);
  await using client = await connect(proxy.port);
  await client.say("hello");
  await client.hears("hello");
  assert.equal(proxy.openCount, 1);
  assert.equal(proxy.connections[0]!.heard, "hello");
  assert.equal(proxy.connections[0]!.bytesToServer, 5);
  assert.equal(proxy.connections[0]!.bytesToClient, 5);
});

test("a proxy that refuses lets open connections go on, and listens again when it passes", async () => {
  await using echo = await startEcho();
  await using proxy = await startProxy(echo.port);
  await using client = await connect(proxy.port);
  await waitUntil(() => proxy.openCount === 1, 5000, "the proxy to accept");
  await proxy.refuse();
  await assert.rejects(connect(proxy.port), { code: "ECONNREFUSED" });
  await client.say("still here");
  await client.hears("still here");
  await proxy.mode("pass");
  await using second = await connect(proxy.port);
  await second.say("back");
  await second.hears("back");
});

test("a proxy resets all connections, or one", async () => {
  await using echo = await startEcho();
  await using proxy = await startProxy(echo.port);
  await using first = await connect(proxy.port);
  await using second = await connect(proxy.port);
  await second.say("x");
  await second.hears("x");
  proxy.connections[0]!.reset();
  await first.ends("ECONNRESET");
  await second.say("y");
  await second.hears("xy");
  proxy.reset();
  await second.ends("ECONNRESET");
  await waitUntil(() => proxy.openCount === 0 && echo.open() === 0, 5000, "no connection");
});

test("a stalled connection swallows bytes and ends, and the others do not", async () => {
  await using echo = await startEcho();
  await using proxy = await startProxy(echo.port);
  await using stalled = await connect(proxy.port);
  await using other = await connect(proxy.port);
  await other.say("o");
  await other.hears("o");
  proxy.connections[0]!.mode("stall");
  await stalled.say("lost");
  await other.say("k");
  await other.hears("ok");
  stalled.socket.resetAndDestroy();
  await other.say("!");
  await other.hears("ok!");
  assert.equal(echo.open(), 2, "the server does not learn that the client is gone");
  proxy.connections[0]!.mode("pass");
  await waitUntil(() => echo.open() === 1, 5000, "the server to learn it");
  assert.equal(echo.text(), "ok!");
});

test("dropReplies lets requests arrive and replies vanish", async () => {
  await using echo = await startEcho();
  await using proxy = await startProxy(echo.port);
  await using client = await connect(proxy.port);
  await proxy.mode("dropReplies");
  await client.say("lost");
  await waitUntil(() => echo.text() === "lost", 5000, "the request");
  await proxy.mode("pass");
  await client.say("kept");
  await client.hears("kept");
});

test("latency delays a direction and keeps the order", async () => {
  await using echo = await startEcho();
  await using proxy = await startProxy(echo.port);
  await using client = await connect(proxy.port);
  proxy.latency({ toClientMs: 150 });
  const startedMs = performance.now();
  await client.say("slow ");
  await waitUntil(() => echo.text() === "slow ", 5000, "the request");
  proxy.latency(0);
  await client.say("fast");
  await client.hears("slow fast");
  assert.ok(performance.now() - startedMs >= 149);
});

const BALANCED = `# HELP celery_load_tasks_planned_total help
# TYPE celery_load_tasks_planned_total counter
celery_load_tasks_planned_total{scenario="s",task="t\\"1\\""} 10
celery_load_tasks_published_total{scenario="s",task="t\\"1\\"",queue="a"} 4
celery_load_tasks_published_total{scenario="s",task="t\\"1\\"",queue="b"} 3
celery_load_tasks_dropped_total{scenario="s",task="t\\"1\\"",reason="in_flight"} 1
celery_load_publish_failures_total{scenario="s",task="t\\"1\\"",kind="rejected"} 1
celery_load_tasks_publishing{scenario="s",task="t\\"1\\""} 1
celery_load_tasks_in_flight{scenario="s",task="t\\"1\\""} 2
celery_load_task_outcomes_total{scenario="s",task="t\\"1\\"",outcome="succeeded"} 4
celery_load_task_outcomes_total{scenario="s",task="t\\"1\\"",outcome="unknown"} 1 1700000000000
celery_load_other{a="x,y}"} +Inf
`;

test("Metrics reads labels, sums and single values", () => {
  const metrics = new Metrics(BALANCED);
  assert.equal(metrics.sum("celery_load_tasks_published_total", { task: 't"1"' }), 7);
  assert.equal(metrics.value("celery_load_tasks_published_total", { queue: "b" }), 3);
  assert.equal(metrics.value("celery_load_other", { a: "x,y}" }), Number.POSITIVE_INFINITY);
  assert.equal(metrics.sum("celery_load_none"), 0);
  assert.throws(() => metrics.value("celery_load_tasks_published_total"), /found 2/);
  assert.throws(() => new Metrics("not a line"), /Not a line of Prometheus' text format/);
});

test("assertBalanced() takes a ledger that balances and names each row that does not", () => {
  assertBalanced(new Metrics(BALANCED));
  assert.throws(
    () =>
      assertBalanced(new Metrics(BALANCED.replace("publishing{scenario", "elsewhere{scenario"))),
    /s, t"1": planned 10 is not publishing 0 \+ published 7 \+ dropped 1 \+ publish_failed 1 = 9/,
  );
  assert.throws(
    () => assertBalanced(new Metrics(BALANCED.replace('"unknown"} 1', '"unknown"} 2'))),
    /published 7 is not in_flight 2 \+ outcomes \{"succeeded":4,"unknown":2\} = 8/,
  );
  assert.throws(
    () => assertBalanced(new Metrics("")),
    /There is no celery_load_tasks_planned_total/,
  );
});

/** Stands in for the daemon: answers as it does, and counts a scrape as a planned and dropped task. */
const STUB = `
import { createServer } from "node:http";
const address = process.argv.find((word) => word.startsWith("server.listen=")) ?? "";
const port = Number(/:(\\d+)$/.exec(address)?.[1]);
if (process.env.STUB_FAILS) { console.error("stub: bad configuration"); process.exit(104); }
let scrapes = 0;
createServer((request, response) => {
  if (request.url === "/readyz") response.statusCode = 503;
  if (request.url === "/metrics") {
    scrapes += 1;
    response.write('celery_load_tasks_planned_total{scenario="s",task="t"} ' + scrapes + "\\n");
    response.write('celery_load_tasks_dropped_total{scenario="s",task="t"} ' + scrapes + "\\n");
  }
  response.end(request.url === "/readyz" ? "broker: down" : undefined);
}).listen(port, "127.0.0.1", () => console.log("stub: listening"));
process.on("SIGTERM", () => process.exit(105));
`;

async function stub(): Promise<string> {
  const file = await scratchFile("stub.mjs");
  await writeFile(file, STUB);
  return file;
}

test("startDaemon() gives its metrics, readiness, output and end", async () => {
  await using daemon = await startDaemon({ main: await stub(), configText: "seed: 1\n" });
  const metrics = await daemon.waitFor((page) => page.sum("celery_load_tasks_planned_total") >= 3);
  assertBalanced(metrics);
  assert.deepEqual(await daemon.ready(), { status: 503, body: "broker: down" });
  assert.equal(daemon.stdout(), "stub: listening\n");
  await assert.rejects(
    daemon.waitFor(() => false, 100, "a wonder"),
    /Waited 100 ms, waiting in vain for a wonder\.\n\{"scenario":"s","task":"t"/,
  );
  daemon.signal("SIGTERM");
  assert.deepEqual(await daemon.exit, { code: 105, signal: null });
  await assert.rejects(
    daemon.waitFor(() => false),
    /It ended \(exit code 105\)/,
  );
});

test("startDaemon() says why it did not start, unless that is expected", async () => {
  const failing = { main: await stub(), configText: "", env: { STUB_FAILS: "1" } };
  await assert.rejects(
    startDaemon(failing),
    /ended early \(exit code 104\)[\s\S]*bad configuration/,
  );
  await using daemon = await startDaemon({ ...failing, isExpectedToFail: true });
  assert.deepEqual(await daemon.exit, { code: 104, signal: null });
  assert.equal(daemon.stderr(), "stub: bad configuration\n");
});

test("freePort() never gives the same port twice", async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, freePort));
  assert.equal(new Set(ports).size, 50);
});

type Call = readonly [task: string, ...args: unknown[]];

interface SentTask {
  readonly id: string;
  readonly state: string;
  /** The result as text, or the name of the exception's class. */
  readonly value: string;
}

/** Lets Celery itself send tasks of tasks.py and, unless they have no result, waits for them. */
async function send(
  python: CeleryVersion,
  broker: string,
  calls: readonly Call[],
  env: Readonly<Record<string, string>> = {},
): Promise<SentTask[]> {
  const script = `
import json, sys, tasks
sent = [tasks.app.send_task(tasks.NAME + "." + name, args) for name, *args in json.loads(sys.argv[1])]
if not sys.argv[2:]:
    for result in sent:
        result.get(timeout=60, propagate=False)
def text(value):
    return type(value).__name__ if isinstance(value, Exception) else str(value)
print(json.dumps([{"id": r.id, "state": r.state, "value": text(r.result)} for r in sent]))
`;
  const endless = calls.some(([name]) => name === "never" || name === "reject");
  const { code, stdout, stderr } = await runProgram(
    await ensurePython(python),
    ["-c", script, JSON.stringify(calls), ...(endless ? ["do not wait"] : [])],
    {
      cwd: join(CHECKOUT, "test", "support"),
      env: { ...process.env, CELERY_BROKER_URL: broker, PYTHONDONTWRITEBYTECODE: "1", ...env },
    },
  );
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as SentTask[];
}

/** The runs that the worker noted, once there are so many and all have ended. */
async function recordedRuns(worker: TestWorker, count: number) {
  await waitUntil(
    async () => {
      const runs = await worker.recorded();
      return runs.length >= count && runs.every((run) => run.endedMs !== null);
    },
    20_000,
    `${count} recorded runs`,
  );
  const runs = await worker.recorded();
  assert.equal(runs.length, count);
  return runs;
}

async function startEcho() {
  const sockets = new Set<Socket>();
  let text = "";
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      text += bytes.toString();
      socket.write(bytes);
    });
  });
  const port = await freePort();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port,
    open: () => sockets.size,
    /** All that it got, from all connections. */
    text: () => text,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function connect(port: number) {
  const socket = createConnection({ host: "127.0.0.1", port, noDelay: true });
  let text = "";
  let failure: string | undefined;
  socket.on("data", (bytes) => {
    text += bytes.toString();
  });
  await once(socket, "connect");
  socket.on("error", (error: NodeJS.ErrnoException) => {
    failure = error.code;
  });
  return {
    socket,
    say: (words: string) => new Promise((resolve) => socket.write(words, resolve)),
    hears: (words: string) => waitUntil(() => text === words, 5000, `the words "${words}"`),
    ends: (code: string) => waitUntil(() => failure === code, 5000, code),
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}
