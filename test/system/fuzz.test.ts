/*
 * Whatever the configuration accepts, no worker ends of it, none drops it in silence, and each message comes
 * to an end that can be accounted for. FUZZ_SEED and FUZZ_PATH repeat what a failure has printed; FUZZ_RUNS and
 * FUZZ_TASKS say how many runs of how many tasks there are for each worker.
 */
import { after, before, test } from "node:test";
import fc from "fast-check";
import { destinationsOf, type FuzzTarget } from "../support/fuzz-ends.js";
import { Fuzzer } from "../support/fuzzer.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { taskArbitrary } from "../support/task-arbitrary.js";

const seed = Number(process.env.FUZZ_SEED ?? 1);
const path = process.env.FUZZ_PATH;
const numRuns = Number(process.env.FUZZ_RUNS ?? 1);
const count = Number(process.env.FUZZ_TASKS ?? 150);

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
        const tasks = fc.array(task, { minLength: count, maxLength: count });
        await fc.assert(
          fc.asyncProperty(tasks, async (some) => {
            sent += some.length;
            await fuzzer.check(some).catch(async (error: Error) => {
              const least = JSON.stringify(await fuzzer.smallest(some));
              throw new Error(`${error.message}\nThe smallest that fails: ${least}`);
            });
          }),
          // Each attempt takes seconds: `smallest` needs fewer of them than fast-check's own shrinking.
          { seed, numRuns, endOnFailure: true, ...(path === undefined ? {} : { path }) },
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
  return {
    python,
    isRedis: false,
    broker: `amqp://guest:guest@127.0.0.1:${rabbitmq.port}/${python}`,
    backend: redis.url(python === "current" ? 4 : 5),
    async unacknowledged() {
      const column = "messages_unacknowledged";
      const listed = await rabbitmq.ctl("list_queues", "-p", python, column, "--formatter=json");
      const counts: Record<string, number>[] = JSON.parse(listed);
      return counts.reduce((sum, count) => sum + count[column]!, 0);
    },
    async clear() {
      await rabbitmq.ctl("delete_vhost", python);
      await make();
    },
  };
}
