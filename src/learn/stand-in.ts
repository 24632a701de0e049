import { BROKER_VARIABLE } from "./configuration-text.js";
import type { RunTimes } from "./traffic.js";

/** A task that a stand-in takes. */
export interface StandInTask {
  readonly name: string;
  readonly queue: string;
  /** Null: not known; it returns at once. */
  readonly runTimes: RunTimes | null;
}

/**
 * A module of Python with a Celery application whose tasks have these names, take any arguments, and do nothing for as
 * long as the real ones run: log-normal between the quantiles that are known, and beyond the last one as between the
 * last two.
 *
 * @param source the configuration it is made from
 */
export function standInModule(tasks: readonly StandInTask[], source: string): string {
  const byName = new Map(tasks.map((task) => [task.name, task]));
  const queues = [...new Set(tasks.map(({ queue }) => queue))];
  return `"""Stand-ins for the tasks of ${docText(source)}, made by celery-load stand-in: names and run times, nothing else.

    ${BROKER_VARIABLE}=redis://localhost celery -A standin worker --concurrency 8

They take any arguments, sleep for as long as the real tasks run, and return None. Results go to
STAGING_RESULT_BACKEND, or through the broker.
"""

import math
import os
import random
import time

from celery import Celery
from kombu import Exchange, Queue

# Seconds that a run takes: what 50, 90 and 99 of 100 do not exceed. None: it is not known, and returns at once.
RUN_TIMES = {
${[...byName.values()].map(({ name, runTimes }) => `    ${pythonText(name)}: ${pythonTimes(runTimes)},`).join("\n")}
}
QUEUES = [${queues.map(pythonText).join(", ")}]
# Where the three lie on a normal distribution.
DEVIATES = (0.0, 1.2816, 2.3263)

broker = os.environ["${BROKER_VARIABLE}"]
over_broker = broker if broker.startswith("redis") else "rpc://"
app = Celery("standin", broker=broker, backend=os.environ.get("STAGING_RESULT_BACKEND", over_broker))
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_queues=[Queue(name, Exchange(name), routing_key=name) for name in QUEUES],
    worker_prefetch_multiplier=1,
    worker_send_task_events=True,
)


def draw(quantiles):
    """A run time: straight lines through the logarithms of the quantiles, over the normal deviate."""
    deviate = random.gauss(0, 1)
    logs = [math.log(max(seconds, 1e-6)) for seconds in quantiles]
    part = 0 if deviate < DEVIATES[1] else 1
    slope = (logs[part + 1] - logs[part]) / (DEVIATES[part + 1] - DEVIATES[part])
    return math.exp(logs[part] + slope * (deviate - DEVIATES[part]))


def stand_in(name, quantiles):
    @app.task(name=name)
    def run(*args, **kwargs):
        if quantiles is not None:
            time.sleep(draw(quantiles))

    return run


for task_name, task_quantiles in RUN_TIMES.items():
    stand_in(task_name, task_quantiles)
`;
}

/** JSON texts are Python's, but for what is escaped beyond U+FFFF. */
function pythonText(text: string): string {
  return JSON.stringify(text);
}

function pythonTimes(runTimes: RunTimes | null): string {
  if (runTimes === null) return "None";
  const { p50, p90, p99 } = runTimes;
  return `(${[p50, p90, p99].map((seconds) => String(Number(seconds.toPrecision(6)))).join(", ")})`;
}

/** In a docstring. */
function docText(text: string): string {
  return text.replace(/["\\\p{Cc}]/gu, "_");
}
