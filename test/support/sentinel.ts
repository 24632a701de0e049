import "./dispose.js";
import { writeFile } from "node:fs/promises";
import { Redis } from "ioredis";
import { freePort } from "../../src/setup/ports.js";
import { serverReady, startServerProcess } from "../../src/setup/server-process.js";
import { redisProgram } from "./brokers.js";
import type { KeyPair } from "./certificates.js";
import { startRedis, type TestRedis } from "./redis.js";
import { scratchFile } from "./scratch.js";
import { waitUntil } from "./wait-until.js";

/** A master, a replica that follows it, and a Sentinel that watches both. */
export interface TestSentinel extends AsyncDisposable {
  readonly master: TestRedis;
  readonly replica: TestRedis;
  readonly masterName: string;
  /** sentinel://127.0.0.1:PORT/0 */
  readonly url: string;
  /** Waits until the replica has everything that the master has. */
  inSync(): Promise<void>;
  /** Waits until the Sentinel names the replica as master. */
  promoted(): Promise<void>;
}

const MASTER_NAME = "orders";
/** Silence after which the Sentinel takes the master for dead. */
const DOWN_AFTER_MS = 1_000;

export interface SentinelOptions {
  /** The Sentinel's own password. */
  readonly password?: string;
  /** The Sentinel and the way to the master use TLS only; then there is no failover. */
  readonly tls?: KeyPair & { readonly caFile: string };
}

/** Starts all three; the Sentinel alone decides on a failover. */
export async function startSentinel({
  password,
  tls,
}: SentinelOptions = {}): Promise<TestSentinel> {
  const program = await redisProgram();
  const tlsPort = tls === undefined ? undefined : await freePort();
  const master = await startRedis({
    args: tls === undefined ? [] : ["--tls-port", String(tlsPort), ...tlsFiles(tls, "--")],
  });
  const replica = await startRedis({
    args: ["--replicaof", "127.0.0.1", String(master.port)],
  });
  const port = await freePort();
  const configFile = await scratchFile("sentinel.conf");
  await writeFile(
    configFile,
    `${tls === undefined ? `port ${port}` : `port 0\ntls-port ${port}\ntls-replication yes\n${lines(tlsFiles(tls, ""))}`}
bind 127.0.0.1
${password === undefined ? "" : `requirepass ${password}`}
sentinel monitor ${MASTER_NAME} 127.0.0.1 ${tlsPort ?? master.port} 1
sentinel down-after-milliseconds ${MASTER_NAME} ${DOWN_AFTER_MS}
sentinel failover-timeout ${MASTER_NAME} 10000
`,
  );
  const logFile = await scratchFile("sentinel.log");
  const server = await startServerProcess({
    name: "Sentinel",
    program,
    args: [configFile, "--sentinel"],
    stdoutFile: logFile,
    stderrFile: logFile,
  });
  const client = new Redis(port, "127.0.0.1", {
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls: { rejectUnauthorized: false } }),
  });
  client.on("error", () => {});
  const fields = async (command: string): Promise<string> =>
    JSON.stringify(await client.call("SENTINEL", command, MASTER_NAME));
  const dispose = async () => {
    client.disconnect();
    await server.stop(0);
    await replica.stop();
    await master.stop();
  };
  const offset = (text: string, name: string) => new RegExp(`${name}:(\\d+)`).exec(text)?.[1];
  const sentinel: TestSentinel = {
    master,
    replica,
    masterName: MASTER_NAME,
    url: `sentinel://127.0.0.1:${port}/0`,
    async inSync() {
      await waitUntil(
        async () => {
          const ours = await master.cli().info("replication");
          const theirs = await replica.cli().info("replication");
          return (
            /master_link_status:up/.test(theirs) &&
            offset(ours, "master_repl_offset") === offset(theirs, "slave_repl_offset")
          );
        },
        20_000,
        "the replica to be in sync",
      );
    },
    promoted: () =>
      waitUntil(
        async () =>
          (await fields("get-master-addr-by-name")).includes(`"${replica.port}"`) &&
          /role:master/.test(await replica.cli().info("replication")),
        30_000,
        "the replica to be promoted",
      ),
    [Symbol.asyncDispose]: dispose,
  };
  try {
    await serverReady(server, async () => (await client.ping()) === "PONG", 20_000);
    await sentinel.inSync();
    await waitUntil(
      async () => (await fields("replicas")).includes(`"${replica.port}"`),
      30_000,
      "the Sentinel to know the replica",
    );
  } catch (error) {
    await dispose();
    throw error;
  }
  return sentinel;
}

/** Names and values of settings, one after the other. */
function tlsFiles({ certFile, keyFile, caFile }: Required<SentinelOptions>["tls"], prefix: string) {
  return [
    ...[`${prefix}tls-cert-file`, certFile, `${prefix}tls-key-file`, keyFile],
    ...[`${prefix}tls-ca-cert-file`, caFile, `${prefix}tls-auth-clients`, "no"],
  ];
}

function lines(settings: readonly string[]): string {
  return settings.map((text, index) => text + (index % 2 === 0 ? " " : "\n")).join("");
}
