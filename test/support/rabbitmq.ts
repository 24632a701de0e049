import "./dispose.js";
import { mkdir, rm } from "node:fs/promises";
import { type ChannelModel, connect } from "amqplib";
import { freePort } from "../../src/setup/ports.js";
import { mustRun, runProgram } from "../../src/setup/programs.js";
import { rabbitmqEnvironment, startRabbitmqServer } from "../../src/setup/rabbitmq.js";
import { type Generation, rabbitmqPrograms } from "./brokers.js";
import type { KeyPair } from "./certificates.js";
import { RabbitmqControl } from "./rabbitmq-control.js";
import { scratchFile } from "./scratch.js";

export interface TestRabbitmq extends AsyncDisposable {
  readonly port: number;
  /** Of the process that was started; the node is a descendant of it. */
  readonly pid: number;
  /** 0 without a certificate. */
  readonly tlsPort: number;
  /** Of the plugin rabbitmq_prometheus; 0 without it. */
  readonly metricsPort: number;
  /** amqp://guest:guest@127.0.0.1:PORT// */
  readonly url: string;
  /** Runs rabbitmqctl about this node; returns what it printed. */
  ctl(...args: string[]): Promise<string>;
  /** Signals the node itself. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again after it was killed, with what it has on disk. */
  restart(): Promise<void>;
  /** A client for looking and for making queues; closed with the server. Default: virtual host "/". */
  client(vhost?: string): Promise<ChannelModel>;
  log(): string;
}

/** Starts a RabbitMQ node of its own on free ports of 127.0.0.1; with a certificate, one for TLS too. */
export async function startRabbitmq(
  keyPair?: KeyPair,
  { withMetrics = false, generation }: { withMetrics?: boolean; generation?: Generation } = {},
): Promise<TestRabbitmq> {
  const programs = await rabbitmqPrograms(generation);
  const directory = await scratchFile("rabbitmq");
  await mkdir(directory, { recursive: true });
  const options = {
    port: await freePort(),
    distributionPort: await freePort(),
    mapperPort: await freePort(),
    directory,
    ...(keyPair === undefined ? {} : { tls: { port: await freePort(), ...keyPair } }),
    ...(withMetrics ? { metricsPort: await freePort() } : {}),
  };
  const env = rabbitmqEnvironment(options);
  const { escript } = programs;
  const control = escript === null ? null : new RabbitmqControl(escript, env);
  const clients: ChannelModel[] = [];
  let server = await startRabbitmqServer(programs, options);
  return {
    port: options.port,
    get pid() {
      return server.pid;
    },
    tlsPort: options.tls?.port ?? 0,
    metricsPort: options.metricsPort ?? 0,
    url: `amqp://guest:guest@127.0.0.1:${options.port}//`,
    async ctl(...args) {
      if (control !== null) return control.run(args);
      const { stdout } = await mustRun(`rabbitmqctl ${args.join(" ")}`, programs.ctl, args, {
        env,
        hint: server.output().slice(-2000),
      });
      return stdout;
    },
    async kill(signal) {
      server.signal(signal, "group");
      if (signal === "SIGKILL" || signal === "SIGTERM") await server.ended();
    },
    async restart() {
      server = await startRabbitmqServer(programs, options);
    },
    async client(vhost = "/") {
      const client = await connect({ hostname: "127.0.0.1", port: options.port, vhost });
      client.on("error", () => {}); // tests kill the server under it on purpose
      clients.push(client);
      return client;
    },
    log: () => server.output(),
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.close().catch(() => {});
      await control?.[Symbol.asyncDispose]();
      await server.stop(0);
      // The node's port mapper is a daemon of its own.
      await runProgram(programs.mapper, ["-port", String(options.mapperPort), "-kill"], { env });
      await rm(directory, { recursive: true, force: true });
    },
  };
}
