// Runs beside one other: it compares times with what they should be.
/*
 * Thousands of connections that are silent, slow or idle, opened again as soon as they are closed: whoever scrapes
 * is answered all the same.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { mustRun, runProgram } from "../../src/setup/programs.js";
import { startDaemon } from "../support/daemon.js";
import { assertBalanced } from "../support/metrics.js";
import { startRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";

const CONNECTIONS = 3_000;
const SCRAPES = 25;
const REQUEST = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n";

/** What each connection does once it is open. */
const KINDS: Record<string, (socket: Socket) => void> = {
  "that say nothing": () => {},
  "whose request never ends": (socket) => void socket.write(`${REQUEST}X-A: `),
  "that stay after an answer": (socket) => void socket.write(`${REQUEST}\r\n`),
  "that do not read their answer": (socket) => {
    socket.pause();
    socket.write(`${REQUEST}\r\n`);
  },
};

for (const [kind, behave] of Object.entries(KINDS)) {
  test(`scrapes are answered beside ${CONNECTIONS} connections ${kind}`, async (t) => {
    await using redis = await startRedis();
    await using daemon = await startDaemon({
      args: ["--broker", redis.url(), "--task", "tests.add", "--rate", "1/s"],
    });
    using crowd = new Crowd(daemon.port, behave);
    await crowd.isThere();
    const lateMs: number[] = [];
    for (let i = 0; i < SCRAPES; i++) {
      const startedMs = performance.now();
      await daemon.metrics();
      lateMs.push(performance.now() - startedMs);
    }
    lateMs.sort((a, b) => a - b);
    t.diagnostic(
      `${crowd.opened} connections; scrapes took ${lateMs.map(Math.round).join(", ")} ms`,
    );
    // One of a hundred may be late, so one of these.
    assert.ok(lateMs.at(-2)! < 1_000);
    assert.ok(crowd.opened >= CONNECTIONS);
  });
}

test("without a descriptor left the daemon goes on, and answers when there are some again", async () => {
  await using redis = await startRedis();
  await using daemon = await startDaemon({
    args: ["--broker", redis.url(), "--task", "tests.add", "--rate", "20/s"],
  });
  await daemon.waitFor((page) => page.sum("celery_load_tasks_published_total") > 0);
  const limitFiles = (count: number) =>
    mustRun("limit the daemon's open files", "prlimit", [
      ...["--pid", String(daemon.pid), `--nofile=${count}:20000`],
    ]);
  await limitFiles(readdirSync(`/proc/${daemon.pid}/fd`).length + 10);
  {
    using _crowd = new Crowd(daemon.port, () => {}, 230);
    await waitUntil(
      () => daemon.stderr().includes("our own memory cannot be read"),
      20_000,
      "the daemon to be without descriptors",
    );
  }
  await limitFiles(10_000);
  const page = await daemon.waitFor((page) => page.sum("celery_load_tasks_published_total") > 20);
  assertBalanced(page);
});

test("too few descriptors are one clear line at the start", async () => {
  const main = join(CHECKOUT, "dist", "src", "main.js");
  const run = `ulimit -n 128; exec "$0" "${main}" run --broker redis://127.0.0.1:1/0 --task a`;
  const { code, stderr } = await runProgram("bash", ["-c", run, process.execPath]);
  assert.equal(code, 104);
  assert.match(
    stderr,
    /^Cannot run with 128 open files and sockets, .*: 150 are needed.*\nRaise it: ulimit -n 1024.*\n$/,
  );
});

/** So many connections, each made again shortly after its end. */
class Crowd implements Disposable {
  opened = 0;
  readonly #port: number;
  readonly #behave: (socket: Socket) => void;
  readonly #sockets = new Set<Socket>();
  #isOver = false;

  constructor(port: number, behave: (socket: Socket) => void, count = CONNECTIONS) {
    this.#port = port;
    this.#behave = behave;
    // A thousand a second: each of them, made and answered, takes its time from this machine as well.
    for (let i = 0; i < count; i++) setTimeout(() => this.#open(), i);
  }

  async isThere(): Promise<void> {
    while (this.opened < CONNECTIONS) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  #open(): void {
    if (this.#isOver) return;
    const socket = connect(this.#port, "127.0.0.1", () => {
      this.opened++;
      this.#behave(socket);
    });
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      setTimeout(() => this.#open(), 500);
    });
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    for (const socket of this.#sockets) socket.destroy();
  }
}
