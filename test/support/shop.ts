import "./dispose.js";
import { join } from "node:path";
import { startCeleryWorker } from "../../src/setup/celery-worker.js";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { ensurePython } from "../../src/setup/python.js";
import type { ServerProcess } from "../../src/setup/server-process.js";
import { ensureModules } from "./python-modules.js";
import { scratchFile } from "./scratch.js";

export interface Shop extends AsyncDisposable {
  /** What its workers wrote. */
  log(): string;
}

/**
 * Starts the workers of a Django project, `test/support/django-shop`: one for the queues default and mail, one
 * for images. Its settings are Django's, with the namespace CELERY.
 */
export async function startShop(broker: string, results: string): Promise<Shop> {
  const python = await ensurePython("current");
  const django = await ensureModules("django", "requirements-django.txt", "current");
  const workers: ServerProcess[] = [];
  const stop = async () => {
    await Promise.all(workers.map((worker) => worker.stop(0)));
  };
  const start = async (name: string, queues: string) => {
    const worker = await startCeleryWorker({
      python,
      directory: join(CHECKOUT, "test", "support", "django-shop"),
      application: "shop",
      pool: "prefork",
      concurrency: 2,
      logFile: await scratchFile(`${name}.log`),
      args: ["--queues", queues, "--hostname", `${name}@%h`],
      env: {
        ...process.env,
        PYTHONPATH: django,
        SHOP_BROKER_URL: broker,
        SHOP_RESULTS_URL: results,
      },
    });
    workers.push(worker);
  };
  const starts = await Promise.allSettled([
    start("shop", "default,mail"),
    start("images", "images"),
  ]);
  const failed = starts.find((each) => each.status === "rejected");
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  return {
    log: () => workers.map((worker) => worker.output()).join("\n"),
    [Symbol.asyncDispose]: stop,
  };
}
