"""The Celery client alone: send_task, and get() where MODE says so.

BENCH_MODE: gevent or threads (BENCH_USERS of them wait for their results side by side), or send (no results).
BENCH_BROKER, BENCH_BACKEND: where tasks go and results come from.
BENCH_RATE: tasks a second of all together; 0: as fast as they can.
"""

import os

MODE = os.environ["BENCH_MODE"]
if MODE == "gevent":
    from gevent import monkey

    monkey.patch_all()

import itertools
import threading
import time

from celery import Celery

RATE = float(os.environ["BENCH_RATE"])
app = Celery(broker=os.environ["BENCH_BROKER"], backend=os.environ["BENCH_BACKEND"])
began = time.perf_counter()
numbers = itertools.count(1)


def send_for_ever():
    while True:
        if RATE:
            time.sleep(max(0, began + next(numbers) / RATE - time.perf_counter()))
        result = app.send_task("bench.add", args=[1, 2], ignore_result=MODE == "send")
        if MODE != "send":
            result.get(timeout=30)


clients = [
    threading.Thread(target=send_for_ever)
    for _ in range(1 if MODE == "send" else int(os.environ["BENCH_USERS"]))
]
for client in clients:
    client.start()
for client in clients:
    client.join()
