"""The usual recipe: a Locust User wraps the Celery client, sends a task, waits for its result and reports it.

BENCH_BROKER, BENCH_BACKEND: where tasks go and results come from.
BENCH_RATE, BENCH_USERS: tasks a second of all users together; 0: each user as fast as it can.
BENCH_WAIT: instead of a rate the shortest and the longest wait after a task, in seconds: 0.1,0.5.
BENCH_TASK, BENCH_ARGS: what is sent, if it is not bench.add with 1 and 2.
BENCH_LATENCIES: a file that is written at the end, the latencies in milliseconds as JSON.
"""

import json
import os
import time

from celery import Celery
from locust import User, between, constant, constant_throughput, events, task

NAME = os.environ.get("BENCH_TASK", "bench.add")
ARGS = json.loads(os.environ.get("BENCH_ARGS", "[1, 2]"))
RATE = float(os.environ["BENCH_RATE"])
USERS = int(os.environ["BENCH_USERS"])
WAIT = os.environ.get("BENCH_WAIT")
app = Celery(broker=os.environ["BENCH_BROKER"], backend=os.environ["BENCH_BACKEND"])
latencies = []


def wait_time():
    if WAIT:
        return between(*map(float, WAIT.split(",")))
    return constant_throughput(RATE / USERS) if RATE else constant(0)


class CeleryUser(User):
    wait_time = wait_time()

    @task
    def ask(self):
        started = time.perf_counter()
        error = None
        try:
            app.send_task(NAME, args=ARGS).get(timeout=30)
        except Exception as raised:  # whatever it was, Locust is to count it
            error = raised
        response_time = (time.perf_counter() - started) * 1000
        latencies.append(response_time)
        self.environment.events.request.fire(
            request_type="celery",
            name=NAME,
            response_time=response_time,
            response_length=0,
            exception=error,
            context={},
        )


@events.quitting.add_listener
def write_latencies(**_):
    if "BENCH_LATENCIES" in os.environ:
        with open(os.environ["BENCH_LATENCIES"], "w") as file:
            json.dump(latencies, file)
