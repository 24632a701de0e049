/*
 * Whatever the configuration accepts, no worker ends of it, none drops it in silence, and each message comes
 * to an end that can be accounted for. FUZZ_SEED, FUZZ_PATH: repeat what a failure has printed. FUZZ_RUNS,
 * FUZZ_TASKS: how many runs of how many tasks for each worker.
 */
import { after, before, test } from "node:test";
import fc from "fast-check";
import { destinationsOf, Fuzzer, type FuzzTarget } from "../support/fuzz-target.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { taskArbitrary } from "../support/task-arbitrary.js";

const seed = Number(process.env.FUZZ_SEED ?? 1);
const path = process.env.FUZZ_PATH;
const numRuns = Number(process.env.FUZZ_RUNS ?? 2);
const maxLength = Number(process.env.FUZZ_TASKS ?? 100);
/** Shrinking a failure ends after this. */
const LONGEST_MS = Number(process.env.FUZZ_MINUTES ?? 2) * 60_000;

let rabbitmq: TestRabbitmq;
let redis: TestRedis;
before(async () => {
  rabbitmq = await startRabbitmq();
  redis = await startRedis();
});
after(async () => {
  await rabbitmq[Symbol.asyncDispose]();
  await redis.stop();
});

for (const broker of ["redis", "amqp"] as const) {
  for (const python of ["current", "debian"] as const) {
    test(`no task that is accepted ends a worker or is lost in it: ${broker}, Celery ${python}`, async (t) => {
      const target = await (broker === "redis" ? onRedis(python) : onRabbitmq(python));
      const fuzzer = new Fuzzer(target);
      await fuzzer.start();
      let sent = 0;
      try {
        const task = taskArbitrary(destinationsOf(target)).filter((each) => fuzzer.accepts(each));
        // Without bias, as that is for short lists.
        const tasks = fc.noBias(fc.array(task, { minLength: 1, maxLength, size: "max" }));
        await fc.assert(
          fc.asyncProperty(tasks, async (some) => {
            sent += some.length;
            await fuzzer.check(some).catch((error: Error) => {
              // Shrinking takes minutes: what is known is told at once.
              process.stderr.write(`seed ${seed}, ${some.length} tasks: ${error.message}\n`);
              throw error;
            });
          }),
          {
            seed,
            numRuns,
            interruptAfterTimeLimit: LONGEST_MS,
            ...(path === undefined ? {} : { path }),
          },
        );
      } finally {
        t.diagnostic(`seed ${seed}: ${sent} tasks`);
        await fuzzer.stop();
      }
    });
  }
}

async function onRedis(python: FuzzTarget["python"]): Promise<FuzzTarget> {
  const cli = redis.cli({ db: python === "current" ? 0 : 1 });
  return {
    python,
    isRedis: true,
    broker: redis.url(python === "current" ? 0 : 1),
    backend: redis.url(python === "current" ? 2 : 3),
    unacknowledged: () => cli.hlen("unacked"),
    clear: async () => void (await cli.flushdb()),
  };
}

/** Each worker has a virtual host of its own, so that they do not hear of each other. */
async function onRabbitmq(python: FuzzTarget["python"]): Promise<FuzzTarget> {
  const make = async () => {
    await rabbitmq.ctl("add_vhost", python);
    await rabbitmq.ctl("set_permissions", "-p", python, "guest", ".*", ".*", ".*");
  };
  await make();
  const columns = ["messages_unacknowledged", "--formatter=json"];
  return {
    python,
    isRedis: false,
    broker: `amqp://guest:guest@127.0.0.1:${rabbitmq.port}/${python}`,
    backend: redis.url(python === "current" ? 4 : 5),
    async unacknowledged() {
      const queues = JSON.parse(await rabbitmq.ctl("list_queues", "-p", python, ...columns));
      return queues.reduce(
        (sum: number, queue: Record<string, number>) => sum + queue[columns[0]!]!,
        0,
      );
    },
    async clear() {
      await rabbitmq.ctl("delete_vhost", python);
      await make();
    },
  };
}
