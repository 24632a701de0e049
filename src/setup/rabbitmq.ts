import { mkdir, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { dirname, join } from "node:path";
import { UserError } from "../errors.js";
import { canUseApt, installWithApt } from "./apt.js";
import { withInstallLock } from "./install-lock.js";
import { findProgram, isExecutable } from "./programs.js";
import { type Report, reportStep, reportToStderr } from "./report.js";
import { type ServerProcess, serverReady, startServerProcess } from "./server-process.js";

/**
 * Where Debian's package and RabbitMQ's own packages have the programs. Those that they put on PATH change to
 * a user of their own, and so cannot run a node of ours.
 */
const PACKAGED = "/usr/lib/rabbitmq/bin";

export interface RabbitmqPrograms {
  readonly server: string;
  readonly ctl: string;
  /** Runs Erlang's scripts, where RabbitMQ is as Debian packages it; null elsewhere. */
  readonly escript: string | null;
  /** Erlang's port mapper, which a node starts as a daemon of its own. */
  readonly mapper: string;
}

/**
 * The paths of rabbitmq-server and rabbitmqctl: of the system's package, else those on PATH; installed with apt
 * where there are neither and we are root on Debian.
 * @throws UserError when they are missing elsewhere
 */
export async function ensureRabbitmq(report: Report = reportToStderr): Promise<RabbitmqPrograms> {
  const here = await findRabbitmq();
  if (here !== null) return here;
  if (await canUseApt()) {
    await withInstallLock(report, async () => {
      if ((await findRabbitmq()) !== null) return;
      await reportStep(report, "RabbitMQ with apt", () => installWithApt(["rabbitmq-server"]));
    });
  }
  const installed = await findRabbitmq();
  if (installed !== null) return installed;
  throw new UserError(`Found no rabbitmq-server in ${PACKAGED} or on PATH.`, {
    hint: "Install RabbitMQ (Debian and Ubuntu: apt-get install rabbitmq-server; macOS: brew install rabbitmq).",
  });
}

async function findRabbitmq(): Promise<RabbitmqPrograms | null> {
  const packaged = rabbitmqIn(PACKAGED);
  if (await isExecutable(packaged.server)) {
    return { ...packaged, escript: await findProgram("escript") };
  }
  const onPath = await findProgram("rabbitmq-server");
  return onPath === null ? null : rabbitmqIn(dirname(onPath));
}

/** The programs of the RabbitMQ in a directory; the port mapper is found on PATH, as the node finds it. */
export function rabbitmqIn(directory: string): RabbitmqPrograms {
  return {
    server: join(directory, "rabbitmq-server"),
    ctl: join(directory, "rabbitmqctl"),
    escript: null,
    mapper: "epmd",
  };
}

export interface RabbitmqOptions {
  readonly port: number;
  /** Port of the node for rabbitmqctl. */
  readonly distributionPort: number;
  /** Port of the Erlang port mapper that this node uses alone. */
  readonly mapperPort: number;
  /** Where it may write. */
  readonly directory: string;
  /** A port with TLS beside the plain one. */
  readonly tls?: { readonly port: number; readonly certFile: string; readonly keyFile: string };
  /** A port for the metrics of its plugin rabbitmq_prometheus, which is off without it. */
  readonly metricsPort?: number;
}

/** What programs need in their environment to talk about this node and no other. */
export function rabbitmqEnvironment(options: RabbitmqOptions): NodeJS.ProcessEnv {
  const { directory } = options;
  return {
    ...process.env,
    HOME: directory,
    RABBITMQ_NODENAME: `celery-load-${options.port}@localhost`,
    RABBITMQ_NODE_PORT: String(options.port),
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_DIST_PORT: String(options.distributionPort),
    ERL_EPMD_PORT: String(options.mapperPort),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    // Else it refuses to end for a while after its node was killed, and stays for ever.
    ERL_EPMD_RELAXED_COMMAND_CHECK: "1",
    RABBITMQ_MNESIA_BASE: join(directory, "mnesia"),
    RABBITMQ_LOG_BASE: join(directory, "log"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, "enabled_plugins"),
    RABBITMQ_PID_FILE: join(directory, "pid"),
    RABBITMQ_CONFIG_FILE: join(directory, "rabbitmq.conf"),
    RABBITMQ_CONF_ENV_FILE: join(directory, "none.conf"),
    // Two cores are shared with workers and daemon: no busy waiting.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none",
  };
}

/**
 * Starts a RabbitMQ node of its own on 127.0.0.1 and waits until it accepts connections.
 * @throws UserError with the end of its log when it does not come up
 */
export async function startRabbitmqServer(
  { server: program }: RabbitmqPrograms,
  options: RabbitmqOptions,
): Promise<ServerProcess> {
  const { directory } = options;
  await mkdir(join(directory, "mnesia"), { recursive: true });
  await mkdir(join(directory, "log"), { recursive: true });
  const plugins = options.metricsPort === undefined ? "" : "rabbitmq_prometheus";
  await writeFile(join(directory, "enabled_plugins"), `[${plugins}].\n`);
  await writeFile(join(directory, "rabbitmq.conf"), configurationOf(options));
  const logFile = join(directory, "log", "output");
  const server = await startServerProcess({
    name: "RabbitMQ",
    program,
    args: [],
    cwd: directory,
    env: rabbitmqEnvironment(options),
    stdoutFile: logFile,
    stderrFile: logFile,
  });
  try {
    await serverReady(server, () => amqpAnswers(options.port), 60_000);
  } catch (error) {
    await server.stop(0);
    throw error;
  }
  return server;
}

function configurationOf({ tls, metricsPort }: RabbitmqOptions): string {
  const lines: string[] = [];
  if (tls !== undefined) {
    lines.push(
      `listeners.ssl.1 = 127.0.0.1:${tls.port}`,
      `ssl_options.certfile = ${tls.certFile}`,
      `ssl_options.keyfile = ${tls.keyFile}`,
      "ssl_options.verify = verify_none",
    );
  }
  if (metricsPort !== undefined) {
    lines.push("prometheus.tcp.ip = 127.0.0.1", `prometheus.tcp.port = ${metricsPort}`);
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** Does a server there begin the handshake of AMQP 0-9-1? */
function amqpAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port }, () =>
      socket.write(Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1])),
    );
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2000, () => settle(false));
    socket.on("error", () => settle(false));
    socket.once("data", (bytes) => settle(bytes[0] === 1));
    socket.on("close", () => settle(false));
  });
}
