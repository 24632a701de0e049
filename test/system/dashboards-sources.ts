import { readFile } from "node:fs/promises";
import { messageOf, UserError } from "../../src/errors.js";
import {
  type ScrapeTarget,
  startCeleryExporter,
  startFlower,
  startRedisExporter,
} from "../support/exporters.js";
import { servePages } from "../support/pages.js";
import type { ScrapeJob } from "../support/prometheus.js";
import { startRabbitmq } from "../support/rabbitmq.js";
import type { TestRedis } from "../support/redis.js";
import { repositoryPath } from "../unit/dashboards/classic-board.js";

/** A queue that nobody consumes, on both brokers: with messages of two priorities on Redis. */
export const IDLE = "idle";
export const IDLE_MESSAGES = 6;

/** What Prometheus scrapes beside the daemon. */
export interface Sources extends AsyncDisposable {
  readonly jobs: readonly ScrapeJob[];
}

/** Where the page of a job is that stands for what cannot run here; see the README there. */
const PAGES = {
  "celery-exporter": "celery-exporter.txt",
  flower: "flower.txt",
  redis: "redis_exporter.txt",
  rabbitmq: "rabbitmq.txt",
  "rabbitmq-queues": "rabbitmq-detailed.txt",
  "celery-worker": "worker-processes.txt",
  announced: "announced.txt",
} as const;

/** celery-exporter asks every worker at each scrape and waits for a second or two. */
const SLOW = { scrape_interval: "5s", scrape_timeout: "5s" };
const BY_QUEUE = {
  metrics_path: "/metrics/detailed",
  params: { family: ["queue_coarse_metrics", "queue_consumer_count", "queue_delivery_metrics"] },
};

/**
 * Starts the exporters of workers and brokers that can be had here, and serves captured pages for the others;
 * `say` gets the reason of each.
 */
export async function startSources(
  redis: TestRedis,
  daemon: string,
  say: (text: string) => void,
): Promise<Sources> {
  const running: AsyncDisposable[] = [];
  const pages: Record<string, string> = {};
  const jobs: ScrapeJob[] = [];
  const page = async (job: keyof typeof PAGES) => {
    pages[job] = await readFile(repositoryPath(`test/vectors/exporters/${PAGES[job]}`), "utf8");
  };
  const real = async (
    names: readonly (keyof typeof PAGES)[],
    start: () => Promise<ScrapeTarget>,
    ...settings: readonly Partial<ScrapeJob>[]
  ) => {
    try {
      const exporter = await start();
      running.push(exporter);
      const { target } = exporter;
      for (const [index, name] of names.entries()) jobs.push(job(name, target, settings[index]));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      say(`a captured page stands for ${names[0]}: ${messageOf(error)}`);
      for (const name of names) await page(name);
    }
  };
  running.push(await fillRedis(redis));
  await real(["redis"], () => startRedisExporter(redis.port, [IDLE, `${IDLE}${PRIORITY_3}`]));
  await real(["rabbitmq", "rabbitmq-queues"], startIdleRabbitmq, {}, BY_QUEUE);
  await real(["celery-exporter"], () => startCeleryExporter(redis.url()), SLOW);
  await real(["flower"], () => startFlower(redis.url()));
  await page("celery-worker");
  await page("announced");
  const served = await servePages(pages);
  running.push(served);
  for (const name of Object.keys(pages)) {
    const settings = { metrics_path: `/${name}`, ...(name === "announced" && asDaemon(daemon)) };
    jobs.push(job(name, `127.0.0.1:${served.port}`, settings));
  }
  return {
    jobs,
    async [Symbol.asyncDispose]() {
      for (const part of running.reverse()) await part[Symbol.asyncDispose]();
    },
  };
}

function job(name: string, target: string, settings: Partial<ScrapeJob> = {}): ScrapeJob {
  return { job_name: name, static_configs: [{ targets: [target] }], ...settings };
}

/** What is announced is to be the daemon's own, but for the target that it is scraped from. */
function asDaemon(daemon: string): Partial<ScrapeJob> {
  return {
    metric_relabel_configs: [
      { target_label: "job", replacement: "celery-load" },
      { target_label: "instance", replacement: daemon },
    ],
  };
}

/** What kombu puts between a queue's name and a priority (`kombu/transport/redis.py _q_for_pri`). */
const PRIORITY_3 = "\u0006\u00163";

/** Messages that wait, a limit of memory, and keys that stay and grow towards it. */
async function fillRedis(redis: TestRedis): Promise<AsyncDisposable> {
  const client = redis.cli();
  await client.config("SET", "maxmemory", "200mb");
  await client.rpush(IDLE, "a", "b", "c", "d");
  await client.rpush(`${IDLE}${PRIORITY_3}`, "e", "f");
  let keys = 0;
  const filling = setInterval(() => {
    keys++;
    void client.set(`filler:${keys}`, "x".repeat(100_000)).catch(() => {
      // The Redis is stopped at the end of the test.
    });
  }, 500);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(filling);
    },
  };
}

/** A node with a queue of tasks and some of those that Celery makes beside them. */
async function startIdleRabbitmq(): Promise<ScrapeTarget> {
  const rabbitmq = await startRabbitmq(undefined, { withMetrics: true });
  const channel = await (await rabbitmq.client()).createConfirmChannel();
  for (const queue of [
    IDLE,
    "celeryev.be03df51-3228-40d7-b918-67b7bd32930c",
    "celery@host.celery.pidbox",
    "d0e9f4b4-4d74-4d53-bbe5-0d130d26a67a",
  ]) {
    await channel.assertQueue(queue, { durable: false });
  }
  channel.sendToQueue(IDLE, Buffer.from("task"));
  await channel.waitForConfirms();
  return {
    target: `127.0.0.1:${rabbitmq.metricsPort}`,
    [Symbol.asyncDispose]: () => rabbitmq[Symbol.asyncDispose](),
  };
}
