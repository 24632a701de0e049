"""The usual recipe: a Locust User wraps the Celery client, sends a task, waits for its result and reports it.

BENCH_BROKER, BENCH_BACKEND: where tasks go and results come from.
BENCH_RATE, BENCH_USERS: tasks a second of all users together; 0: each user as fast as it can.
"""

import os
import time

from celery import Celery
from locust import User, constant, constant_throughput, task

NAME = "bench.add"
RATE = float(os.environ["BENCH_RATE"])
USERS = int(os.environ["BENCH_USERS"])
app = Celery(broker=os.environ["BENCH_BROKER"], backend=os.environ["BENCH_BACKEND"])


class CeleryUser(User):
    wait_time = constant_throughput(RATE / USERS) if RATE else constant(0)

    @task
    def add(self):
        started = time.perf_counter()
        error = None
        try:
            app.send_task(NAME, args=[1, 2]).get(timeout=30)
        except Exception as raised:  # whatever it was, Locust is to count it
            error = raised
        self.environment.events.request.fire(
            request_type="celery",
            name=NAME,
            response_time=(time.perf_counter() - started) * 1000,
            response_length=0,
            exception=error,
            context={},
        )
