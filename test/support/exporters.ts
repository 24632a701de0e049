import "./dispose.js";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CHECKOUT, cachePath } from "../../src/setup/checkout.js";
import { freePort } from "../../src/setup/ports.js";
import { runProgram } from "../../src/setup/programs.js";
import { ensurePython } from "../../src/setup/python.js";
import { serverReady, startServerProcess } from "../../src/setup/server-process.js";
import { ensureVirtualEnvironment } from "./install-once.js";
import { Metrics } from "./metrics.js";
import { scratchFile } from "./scratch.js";

/** Somebody else's exporter of Celery's events, as its users run it. */
export interface TestExporter extends AsyncDisposable {
  readonly name: string;
  metrics(): Promise<Metrics>;
  /** Scrapes until the predicate holds. @throws Error with its output when it does not in time */
  waitFor(predicate: (metrics: Metrics) => boolean, what: string): Promise<Metrics>;
}

const PATIENCE_MS = 60_000;

/** Starts Flower on a broker. */
export async function startFlower(broker: string): Promise<TestExporter> {
  const python = await ensureVirtualEnvironment("Flower", {
    directory: cachePath("flower"),
    requirements: join(CHECKOUT, "test", "support", "requirements-flower.txt"),
    load: "import flower.command, kombu.transport.redis",
  });
  return startExporter("Flower", python, (port) => [
    ...["-m", "celery", `--broker=${broker}`, "flower"],
    ...["--address=127.0.0.1", `--port=${port}`],
  ]);
}

/**
 * Starts celery-exporter on a broker; its package installs no command.
 * @returns null where Python is one that its package refuses
 */
export async function startCeleryExporter(broker: string): Promise<TestExporter | null> {
  const check = ["-c", "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))"];
  if ((await runProgram(await ensurePython("current"), check)).code !== 0) {
    console.error("celery-exporter is left out: it needs Python 3.11 or 3.12");
    return null;
  }
  const python = await ensureVirtualEnvironment("celery-exporter", {
    directory: cachePath("celery-exporter"),
    requirements: join(CHECKOUT, "test", "support", "requirements-celery-exporter.txt"),
    load: "import src.cli, kombu.transport.redis",
  });
  return startExporter("celery-exporter", python, (port) => [
    ...["-c", "from src.cli import cli; cli()", `--broker-url=${broker}`],
    ...["--host=127.0.0.1", `--port=${port}`],
  ]);
}

async function startExporter(
  name: string,
  python: string,
  argsOf: (port: number) => string[],
): Promise<TestExporter> {
  const port = await freePort();
  const logFile = await scratchFile(`${name}.log`);
  const server = await startServerProcess({
    ...{ name, program: python, args: argsOf(port) },
    // Not the checkout, which has a directory src of its own.
    cwd: cachePath(),
    stdoutFile: logFile,
    stderrFile: logFile,
  });
  const metrics = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, {
      signal: AbortSignal.timeout(20_000),
      headers: { connection: "close" },
    });
    return new Metrics(await response.text());
  };
  try {
    await serverReady(server, async () => (await metrics()).text !== "", PATIENCE_MS);
  } catch (error) {
    await server.stop(0);
    throw error;
  }
  return {
    name,
    metrics,
    async waitFor(predicate, what) {
      const deadlineMs = performance.now() + PATIENCE_MS;
      for (;;) {
        const page = await metrics();
        if (predicate(page)) return page;
        if (performance.now() > deadlineMs) {
          throw new Error(
            `${name}: waited in vain for ${what}.\n${page.text.slice(-3000)}\n${server.output().slice(-2000)}`,
          );
        }
        await sleep(500);
      }
    },
    async [Symbol.asyncDispose]() {
      await server.stop(0);
    },
  };
}
