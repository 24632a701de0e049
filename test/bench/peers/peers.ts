import { join } from "node:path";
import { CHECKOUT } from "../../../src/setup/checkout.js";
import { freePort } from "../../../src/setup/ports.js";
import { ensureCeleryNode, ensureLocust } from "./environments.js";

export type BrokerKind = "redis" | "rabbitmq";

/** Rate that stands for "as fast as it can". */
export const CEILING = 0;

/** Where a generator sends, and how much. */
export interface Load {
  readonly broker: string;
  readonly backend: string;
  /** Tasks a second, or CEILING. */
  readonly rate: number;
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A generator that is measured. */
export interface Peer {
  /** As `--peers` and the table have it. */
  readonly name: string;
  readonly what: string;
  readonly broker: BrokerKind;
  /** A floor is a bare loop that does less than any tool must. */
  readonly kind: "ours" | "floor" | "client";
  /** What it is asked for by default; nothing: it only runs when `--rates` has some. */
  readonly rates: readonly number[];
  /**
   * Left out of the measurement, from the first answer on. V8 compiles in background threads, which cost 15 to
   * 20 % of all CPU in a program's first ten seconds; Python does not.
   */
  readonly warmUpSeconds: number;
  /** Installs what it needs. @throws UserError when that fails */
  command(load: Load): Promise<Command>;
}

const NODE_WARM_UP = 8;
const PYTHON_WARM_UP = 2;
const here = join(CHECKOUT, "test", "bench", "peers");
const compiled = join(CHECKOUT, "dist", "test", "bench", "peers");

export const PEERS: readonly Peer[] = [
  ours("redis", [200, 1000, 5000, CEILING]),
  variant("tick", "tick=5ms"),
  variant("users", "scenarios.quick.profile={users: 1000}"),
  // Each thread with the window of the one.
  variant("threads", "threads=2", "scenarios.quick.maxInFlight=2000"),
  loop("ioredis", "redis", [200, 1000, 5000, CEILING], 300, "bare ioredis loop"),
  loop("raw", "redis", [CEILING], 1000, "bare loop of RESP on a socket"),
  celeryNode([CEILING]),
  locust("redis", [200, CEILING]),
  celery("gevent", "redis", [CEILING], "Celery client, get() in greenlets"),
  celery("threads", "redis", [CEILING], "Celery client, get() in threads"),
  celery("send", "redis", [CEILING], "Celery client, sends and never looks"),
  ours("rabbitmq", [200, 1000, CEILING]),
  loop(
    "amqplib",
    "rabbitmq",
    [200, 1000, CEILING],
    500,
    "bare amqplib loop: confirms, reply queue",
  ),
  locust("rabbitmq", [CEILING]),
  celery("send", "rabbitmq", [CEILING], "Celery client, sends and never looks"),
];

function ours(broker: BrokerKind, rates: readonly number[]): Peer {
  return {
    name: "celery-load",
    what: "this daemon",
    broker,
    kind: "ours",
    rates,
    warmUpSeconds: NODE_WARM_UP,
    async command(load) {
      const room = load.rate === CEILING ? (broker === "redis" ? 1000 : 500) : 10_000;
      return daemonCommand([
        ...["--broker", load.broker, "--backend", load.backend],
        ...["--task", "bench.add", "--args", "[1,2]"],
        ...["--rate", load.rate === CEILING ? "max" : `${load.rate}/s`],
        ...["--set", `scenarios.quick.maxInFlight=${room}`],
        ...["--listen", `127.0.0.1:${await freePort()}`],
      ]);
    },
  };
}

/** The daemon with an option that changes what it costs; for comparisons that name it. */
function variant(name: string, ...settings: readonly [string, ...string[]]): Peer {
  const plain = ours("redis", []);
  return {
    ...plain,
    name: `celery-load-${name}`,
    what: `this daemon, ${settings[0]}`,
    async command(load) {
      const { program, args } = await plain.command(load);
      return { program, args: [...args, ...settings.flatMap((each) => ["--set", each])] };
    },
  };
}

/** The daemon's command line as users run it. */
export function daemonCommand(args: readonly string[]): Command {
  const main = join(CHECKOUT, "dist", "src", "main.js");
  return { program: process.execPath, args: [main, "run", "--log-level", "error", ...args] };
}

function loop(
  client: string,
  broker: BrokerKind,
  rates: readonly number[],
  window: number,
  what: string,
): Peer {
  return {
    ...{ name: client, what, broker, kind: "floor", rates, warmUpSeconds: NODE_WARM_UP },
    command: async (load) => loopCommand(client, load, window),
  };
}

/** A bare loop's command line. */
export function loopCommand(
  client: string,
  load: Pick<Load, "broker" | "rate">,
  window: number,
  warmUpSeconds = 0,
): Command {
  const file = join(compiled, `${client}-loop.js`);
  const args = [file, load.broker, String(load.rate), String(window), String(warmUpSeconds)];
  return { program: process.execPath, args };
}

/** Its get() asks every 500 ms, so the most that it does is what it has in flight, twice a second. */
function celeryNode(rates: readonly number[]): Peer {
  return {
    ...{ name: "celery-node", what: "celery-node, get()", broker: "redis", kind: "client", rates },
    warmUpSeconds: NODE_WARM_UP,
    async command(load) {
      const args = [join(compiled, "celery-node.js"), load.broker, String(load.rate), "16000"];
      return { program: process.execPath, args, env: { BENCH_PACKAGES: await ensureCeleryNode() } };
    },
  };
}

function locust(broker: BrokerKind, rates: readonly number[]): Peer {
  return {
    ...{ name: "locust", what: "Locust user around the Celery client", broker, kind: "client" },
    ...{ rates, warmUpSeconds: PYTHON_WARM_UP },
    async command(load) {
      const users = load.rate === CEILING ? (broker === "redis" ? 10 : 20) : 50;
      const flags = ["--headless", "--only-summary", "--loglevel", "ERROR", "--host", "none"];
      return {
        program: await ensureLocust(),
        args: [
          ...["-m", "locust", "--locustfile", join(here, "locust_user.py"), ...flags],
          ...["--users", String(users), "--spawn-rate", String(users)],
        ],
        env: environment(load, users),
      };
    },
  };
}

function celery(mode: string, broker: BrokerKind, rates: readonly number[], what: string): Peer {
  return {
    ...{ name: `celery-${mode}`, what, broker, kind: "client", rates },
    warmUpSeconds: PYTHON_WARM_UP,
    command: async (load) => ({
      program: await ensureLocust(),
      args: [join(here, "celery_client.py")],
      env: { ...environment(load, load.rate === CEILING ? 10 : 20), BENCH_MODE: mode },
    }),
  };
}

function environment(load: Load, users: number): Record<string, string> {
  return {
    BENCH_BROKER: load.broker,
    BENCH_BACKEND: load.backend,
    BENCH_RATE: String(load.rate),
    BENCH_USERS: String(users),
    PYTHONDONTWRITEBYTECODE: "1",
  };
}
