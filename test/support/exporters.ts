import "./dispose.js";
import { messageOf, UserError } from "../../src/errors.js";
import { cachePath } from "../../src/setup/checkout.js";
import { freePort } from "../../src/setup/ports.js";
import { findProgram } from "../../src/setup/programs.js";
import { ensurePython } from "../../src/setup/python.js";
import { serverReady, startServerProcess } from "../../src/setup/server-process.js";
import { missingPrograms } from "./debian-packages.js";
import { Metrics } from "./metrics.js";
import { ensureModules } from "./python-modules.js";
import { scratchFile } from "./scratch.js";
import { waitUntil } from "./wait-until.js";

/** What Prometheus can scrape, started for a test. */
export interface ScrapeTarget extends AsyncDisposable {
  /** 127.0.0.1:PORT */
  readonly target: string;
}

/** An exporter, whose page is /metrics. */
export interface TestExporter extends ScrapeTarget {
  /**
   * Scrapes until the predicate holds, and returns the page for which it did.
   * @throws Error with the page and its output when it does not in time
   */
  waitFor(predicate: (metrics: Metrics) => boolean, what: string): Promise<Metrics>;
}

const PATIENCE_MS = 60_000;

/**
 * celery-exporter beside the workers of a broker.
 * @throws UserError when it cannot be installed, or does not come up
 */
export async function startCeleryExporter(broker: string): Promise<TestExporter> {
  const run = "from src.cli import cli; cli()";
  return startPython("celery-exporter", (port) => [
    ...["-c", run, `--broker-url=${broker}`, "--queues=celery"],
    ...["--host=127.0.0.1", `--port=${port}`],
  ]);
}

/**
 * Flower beside the workers of a broker.
 * @throws UserError when it cannot be installed, or does not come up
 */
export async function startFlower(broker: string): Promise<TestExporter> {
  return startPython("Flower", (port) => [
    ...["-m", "celery", `--broker=${broker}`, "flower"],
    ...["--address=127.0.0.1", `--port=${port}`],
  ]);
}

/**
 * redis_exporter of Debian for a Redis on 127.0.0.1 that tells the length of lists of database 0.
 * @throws UserError when it cannot be installed, or does not come up
 */
export async function startRedisExporter(
  redisPort: number,
  lists: readonly string[],
): Promise<TestExporter> {
  const name = "prometheus-redis-exporter";
  const reason = await missingPrograms({ [name]: name });
  const program = await findProgram(name);
  if (program === null) throw new UserError(reason ?? `${name} is not on PATH.`);
  return start("redis_exporter", program, (port) => [
    `--redis.addr=redis://127.0.0.1:${redisPort}`,
    `--web.listen-address=127.0.0.1:${port}`,
    `--check-single-keys=${lists.map((list) => `db0=${list}`).join(",")}`,
  ]);
}

async function startPython(
  name: string,
  args: (port: number) => readonly string[],
): Promise<TestExporter> {
  const modules = await ensureModules("exporters", "requirements-exporters.txt", "current");
  const env = { ...process.env, PYTHONPATH: modules };
  return start(name, await ensurePython("current"), args, env);
}

async function start(
  name: string,
  program: string,
  args: (port: number) => readonly string[],
  env = process.env,
): Promise<TestExporter> {
  const port = await freePort();
  const logFile = await scratchFile(`${name}.log`);
  const server = await startServerProcess({
    name,
    program,
    args: args(port),
    env,
    // Not the checkout, which has a directory src, as celery-exporter has.
    cwd: cachePath(),
    stdoutFile: logFile,
    stderrFile: logFile,
  });
  const target = `127.0.0.1:${port}`;
  const scrape = async () => {
    const response = await fetch(`http://${target}/metrics`, {
      signal: AbortSignal.timeout(20_000),
      headers: { connection: "close" },
    });
    return new Metrics(await response.text());
  };
  try {
    await serverReady(server, async () => (await scrape()).text !== "", PATIENCE_MS);
  } catch (error) {
    await server.stop(0);
    throw error;
  }
  return {
    target,
    async waitFor(predicate, what) {
      let page = new Metrics("");
      const holds = async () => {
        page = await scrape();
        return predicate(page);
      };
      try {
        await waitUntil(holds, PATIENCE_MS, what);
      } catch (error) {
        const output = `${page.text.slice(-3000)}\n${server.output().slice(-2000)}`;
        throw new Error(`${name}: ${messageOf(error)}\n${output}`, { cause: error });
      }
      return page;
    },
    async [Symbol.asyncDispose]() {
      await server.stop(0);
    },
  };
}
