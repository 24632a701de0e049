import "./dispose.js";
import { mkdir } from "node:fs/promises";
import { Redis, type RedisOptions } from "ioredis";
import { freePort } from "../../src/setup/ports.js";
import { runProgram } from "../../src/setup/programs.js";
import { startRedisServer } from "../../src/setup/redis.js";
import { reportToStderr } from "../../src/setup/report.js";
import { type Generation, redisProgram } from "./brokers.js";
import { missingPrograms } from "./debian-packages.js";
import { scratchFile } from "./scratch.js";

export interface TestRedis extends AsyncDisposable {
  readonly port: number;
  /** Of the server that runs now. */
  readonly pid: number;
  /** redis://127.0.0.1:PORT/DB, database 0 unless told. */
  url(db?: number): string;
  /** Sends a signal to the server; after SIGKILL it is down until `restart`. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Kills it if it runs and starts it again on the same port, empty. */
  restart(): Promise<void>;
  stop(): Promise<void>;
  /** A client, closed when the server is disposed of. */
  cli(options?: Omit<RedisOptions, "replyMapping">): Redis;
  log(): string;
}

/** Starts a Redis of its own on a free port of 127.0.0.1, without persistence. */
export async function startRedis(
  options: { port?: number; args?: readonly string[]; generation?: Generation } = {},
): Promise<TestRedis> {
  const program = await redisProgram(options.generation);
  const port = options.port ?? (await freePort());
  const directory = await scratchFile("redis");
  await mkdir(directory);
  const logFile = await scratchFile("redis.log");
  const start = () =>
    startRedisServer(program, { port, directory, logFile, args: options.args ?? [] });
  const clients: Redis[] = [];
  let server = await start();

  const stop = async () => {
    for (const client of clients.splice(0)) client.disconnect();
    await server.stop(0);
  };
  return {
    port,
    get pid() {
      return server.pid;
    },
    url: (db = 0) => `redis://127.0.0.1:${port}/${db}`,
    async kill(signal) {
      server.signal(signal);
      if (signal === "SIGKILL" || signal === "SIGTERM") await server.ended();
    },
    async restart() {
      await server.stop(0);
      server = await start();
    },
    stop,
    cli(clientOptions = {}) {
      const client = new Redis(port, "127.0.0.1", clientOptions);
      // Tests kill the server under it on purpose.
      client.on("error", () => {});
      clients.push(client);
      return client;
    },
    log: () => server.output(),
    [Symbol.asyncDispose]: stop,
  };
}

/**
 * For tests of TLS, which not every redis-server was built with: Debian's is installed where we are root
 * there.
 * @returns null when there is one, else why not and what to install, which is also said once on stderr
 */
export async function missingRedisTls(): Promise<string | null> {
  const first = await redisProgram();
  if (await knowsTls(first)) return null;
  await missingPrograms({ "redis-server": "redis-server" });
  const program = await redisProgram();
  if (program !== first && (await knowsTls(program))) return null;
  const reason = `${program} has no TLS. Install Redis 6 or later with TLS, as root on Debian and Ubuntu: apt-get install redis-server`;
  reportToStderr(`set-up: tests of TLS to Redis are skipped: ${reason}`);
  return reason;
}

/** It reads all settings before it opens anything, and ends with the first that it does not know. */
async function knowsTls(program: string): Promise<boolean> {
  const args = ["--port", "0", "--tls-port", "0", "--no-such-setting", "1"];
  const { stdout, stderr } = await runProgram(program, args);
  return !/tls-port/.test(stdout + stderr);
}
