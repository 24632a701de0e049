import { createRequire } from "node:module";
import { drive, loopArguments } from "./loop.js";

/**
 * celery-node as its README shows it: createTask, applyAsync, result.get(), which asks the backend every
 * 500 ms. It lies in a folder of its own, named in the environment, as it is no dependency of ours.
 */
interface CeleryNode {
  createClient(
    broker: string,
    backend: string,
  ): { createTask(name: string): { applyAsync(args: unknown[]): { get(): Promise<unknown> } } };
}
const load = createRequire(`${process.env.BENCH_PACKAGES}/`);
const celery = load("celery-node") as CeleryNode;
const options = loopArguments();
const task = celery.createClient(options.broker, options.broker).createTask("bench.add");
const ended = drive(options, (number) => {
  task
    .applyAsync([1, 2])
    .get()
    .then(() => ended(number));
});
