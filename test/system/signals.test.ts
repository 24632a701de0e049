import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { freePort } from "../../src/setup/ports.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker, type TestWorker } from "../support/worker.js";
import { assertRunOnce, logOf } from "./faults-watch.js";

/** Far longer than any of these tests waits. */
const LONG = "10m";

describe("what each signal does", () => {
  let redis: TestRedis;
  let worker: TestWorker;
  before(async () => {
    redis = await startRedis();
    worker = await startWorker({ broker: redis.url(), concurrency: 100 });
  });
  after(async () => {
    await worker?.[Symbol.asyncDispose]();
    await redis?.[Symbol.asyncDispose]();
  });

  const config = ({ linger = "0s", threads = 1 } = {}) => `
connections: { main: { broker: "${redis.url()}" } }
tasks: { sleep: { name: tests.sleep, args: [1] } }
scenarios: { steady: { profile: 10/s, gracefulStop: ${LONG} } }
server: { linger: ${linger} }
threads: ${threads}
`;
  /** A daemon with tasks in flight. */
  async function startLoaded({ args = [] as string[], threads = 1, linger = "0s", port = 0 } = {}) {
    const daemon = await startDaemon({
      configText: config({ threads, linger }),
      args: ["--json", ...args],
      ...(port === 0 ? {} : { port }),
    });
    await daemon.waitFor((page) => page.sum("celery_load_tasks_in_flight") > 5);
    return daemon;
  }
  const messages = (daemon: TestDaemon) => logOf(daemon).map(({ msg }) => String(msg));
  /** Nothing but lines of the log, such as Node's about a debugger. */
  const assertOnlyLog = (daemon: TestDaemon) =>
    assert.doesNotMatch(daemon.stderr(), /^[^{]/m, daemon.stderr());
  const totalOf = (daemon: TestDaemon) => JSON.parse(daemon.stdout()).total;

  const ENDING: readonly (readonly [NodeJS.Signals, string[], number])[] = [
    ["SIGTERM", [], 0],
    ["SIGINT", [], 0],
    ["SIGALRM", [], 0],
    ["SIGXCPU", [], 0],
    ["SIGPWR", [], 0],
    ["SIGALRM", ["--for", LONG], 105],
  ];
  test(`${ENDING.map(([name]) => name).join(", ")} wait for results, print the report and end in order`, async () => {
    for (let from = 0; from < ENDING.length; from += 3) {
      await Promise.all(
        ENDING.slice(from, from + 3).map(async ([signal, args, code]) => {
          await using daemon = await startLoaded({ args });
          daemon.signal(signal);
          assert.deepEqual(await daemon.exit, { code, signal: null }, signal);
          const { outcomes, published } = totalOf(daemon);
          assert.equal(outcomes.succeeded, published, signal);
          const stopping = logOf(daemon).find(({ msg }) => /^stopping: no new/.test(String(msg)));
          assert.equal(stopping?.signal, signal);
          assertOnlyLog(daemon);
        }),
      );
    }
  });

  const AT_ONCE: readonly (readonly [readonly NodeJS.Signals[], number])[] = [
    [["SIGQUIT"], 1],
    [["SIGALRM", "SIGTERM"], 1],
    [["SIGTERM", "SIGTERM"], 2],
    [["SIGINT", "SIGALRM"], 2],
  ];
  for (const [signals, threads] of AT_ONCE) {
    test(`${signals.join(" and ")} with ${threads} threads: nothing is waited for, the report is printed`, async () => {
      await using daemon = await startLoaded({ threads, linger: LONG });
      daemon.signal(signals[0]!);
      if (signals.length > 1) {
        await waitUntil(
          () => messages(daemon).some((message) => /^stopping/.test(message)),
          5_000,
          "the first signal to be seen",
        );
        daemon.signal(signals[1]!);
      }
      assert.deepEqual(await daemon.exit, { code: 0, signal: null });
      const { outcomes, published } = totalOf(daemon);
      assert.ok(outcomes.unknown > 0);
      assert.equal(outcomes.unknown + outcomes.succeeded, published);
      assertOnlyLog(daemon);
    });
  }

  test("SIGUSR1, SIGUSR2 and those that mean nothing to a daemon do no harm; a Ctrl-C that comes twice is one", async () => {
    await using daemon = await startLoaded();
    for (const signal of ["SIGUSR1", "SIGUSR2", "SIGUSR1", "SIGPIPE", "SIGWINCH", "SIGCHLD"]) {
      daemon.signal(signal as NodeJS.Signals);
      await sleep(50);
    }
    daemon.signal("SIGTSTP");
    await sleep(50);
    daemon.signal("SIGCONT");
    const published = (await daemon.metrics()).sum("celery_load_tasks_published_total");
    await daemon.waitFor((page) => page.sum("celery_load_tasks_published_total") > published + 10);
    const ignored = logOf(daemon).filter(({ msg }) => /^ignored: /.test(String(msg)));
    assert.deepEqual(
      ignored.map(({ signal, level }) => [signal, level]),
      [
        ["SIGUSR1", 30],
        ["SIGUSR2", 30],
        ["SIGUSR1", 30],
      ],
    );
    daemon.signal("SIGINT");
    await sleep(50);
    daemon.signal("SIGINT");
    assert.deepEqual(await daemon.exit, { code: 0, signal: null });
    const total = totalOf(daemon);
    assert.equal(total.outcomes.succeeded, total.published);
    assertOnlyLog(daemon);
  });

  for (const program of ["nohup", "exec"]) {
    const does = program === "nohup" ? "lives on" : "drains and reports";
    test(`when the terminal is gone, a daemon that was started by ${program} ${does}`, async () => {
      const [file, pidFile, stdout, stderr] = await Promise.all(
        ["load.yml", "pid", "stdout", "stderr"].map(scratchFile),
      );
      await writeFile(file!, config(), { mode: 0o600 });
      const port = await freePort();
      const main = join(CHECKOUT, "dist", "src", "main.js");
      const daemon = `${process.execPath} ${main} run ${file} --json --set server.listen=127.0.0.1:${port}`;
      const command = `echo $$ > ${pidFile}; ${program === "exec" ? "" : "exec "}${program} ${daemon} > ${stdout} 2> ${stderr}`;
      const terminal = spawn("script", ["-qec", command, "/dev/null"], { stdio: "ignore" });
      const log = () => readFileSync(stderr!, { encoding: "utf8", flag: "a+" });
      const published = async () => {
        const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
        return Number(/^celery_load_tasks_published_total\{.*\} (\d+)$/m.exec(page)?.[1]);
      };
      await waitUntil(() => /the plan starts/.test(log()), 20_000, "the start");
      const pid = Number(readFileSync(pidFile!, "utf8"));
      try {
        const before = await published();
        terminal.kill("SIGKILL");
        if (program === "nohup") {
          await waitUntil(async () => (await published()) > before + 20, 20_000, "more tasks");
          process.kill(pid, "SIGTERM");
        }
        await waitUntil(() => !isRunning(pid), 20_000, "its end");
      } finally {
        if (isRunning(pid)) process.kill(pid, "SIGKILL");
      }
      const { total } = JSON.parse(readFileSync(stdout!, "utf8"));
      assert.equal(total.outcomes.succeeded, total.published);
      const signal = program === "nohup" ? "SIGTERM" : "SIGHUP";
      assert.match(log(), new RegExp(`"signal":"${signal}","msg":"stopping: no new tasks`));
    });
  }

  test("a restart waits for the port of the one that lingers, says so, and publishes nothing before", async () => {
    const known = (await worker.recorded()).length;
    await using old = await startLoaded({ linger: "8s" });
    old.signal("SIGTERM");
    await waitUntil(
      () => messages(old).some((message) => /^metrics stay up/.test(message)),
      20_000,
      "the linger",
    );
    // The old one answers for it as long as it has the port.
    await using next = await startDaemon({
      configText: config({ linger: "8s" }),
      args: ["--json", "--count", "10"],
      port: old.port,
    });
    const isWaiting = /^the port is in use: waiting for it/;
    await waitUntil(
      () => messages(next).some((message) => isWaiting.test(message)),
      10_000,
      "the line about the port",
    );
    const waiting = logOf(next)[0]!;
    assert.deepEqual([waiting.port, waiting.seconds], [old.port, 25]);
    assert.deepEqual(await old.exit, { code: 0, signal: null });
    assert.equal((await worker.recorded()).length, known + totalOf(old).published);
    assert.deepEqual(await next.exit, { code: 0, signal: null });
    assert.deepEqual(
      messages(next)
        .slice(0, 2)
        .map((message) => message.split(":")[0]),
      ["the port is in use", "celery-load starts"],
    );
    const runs = (await worker.recorded()).slice(known);
    assertRunOnce(runs);
    assert.equal(runs.length, totalOf(old).published + 10);
  });

  for (const [args, code] of [
    [[], 0],
    [["--for", LONG], 105],
  ] as const) {
    test(`a signal ends the waiting for a port with ${code}, and nothing is sent`, async () => {
      await using first = await startLoaded();
      await using second = await startDaemon({ configText: config(), args, port: first.port });
      await waitUntil(() => logOf(second).length > 0, 10_000, "the line about the port");
      second.signal("SIGTERM");
      assert.deepEqual(await second.exit, { code, signal: null });
      assert.doesNotMatch(second.stderr(), /the plan starts|celery-load starts/);
    });
  }

  test("on port 0 it listens where the system chooses, and says where", async () => {
    await using daemon = await startDaemon({
      configText: config(),
      args: ["--set", "server.listen=127.0.0.1:0"],
      isExpectedToFail: true, // the port is not known before
    });
    await waitUntil(() => /celery-load starts/.test(daemon.stderr()), 20_000, "the start");
    const url = /"metrics":"([^"]+)"/.exec(daemon.stderr())![1]!;
    assert.doesNotMatch(url, /:0\//);
    assert.equal((await fetch(url)).status, 200);
  });
});

function isRunning(pid: number): boolean {
  try {
    // An orphan that has ended may wait for long until it is read.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
