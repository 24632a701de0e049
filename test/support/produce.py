"""Sends tasks as a Celery producer with task_send_sent_event does, at times that follow a pattern.

produce.py BROKER PATTERN: PATTERN is JSON with
  arrival: even, poisson, or a number of tasks that are sent at once
  rate: tasks a second in the mean
  seconds: for how long
  tasks: a list of {name, queue, weight, args, andThen}; `andThen` is the name of a task that takes the result
Prints JSON lines: {"unixMs", "name"} of each task that it sent.
"""

import json
import random
import sys
import time

from celery import Celery

broker, pattern = sys.argv[1], json.loads(sys.argv[2])
app = Celery("producer", broker=broker)
app.conf.update(task_send_sent_event=True, task_ignore_result=True)
choices = [task for task in pattern["tasks"] for _ in range(task["weight"])]
drawn = random.Random(7)


def gaps():
    """From each task to the next one, in means."""
    arrival = pattern["arrival"]
    number = 0
    while True:
        number += 1
        if arrival == "poisson":
            yield drawn.expovariate(1)
        elif arrival == "even":
            yield 1
        else:
            yield arrival if number % arrival == 0 else 0


def send(task):
    options = {"args": task["args"], "kwargs": {}, "queue": task["queue"]}
    if "andThen" in task:
        first = app.signature(task["name"], **{k: options[k] for k in ("args", "kwargs")}).set(queue=task["queue"])
        (first | app.signature(task["andThen"], args=["!"]).set(queue=task["queue"])).apply_async()
    else:
        app.send_task(task["name"], **options)


begin = time.time()
due = begin
for number, gap in enumerate(gaps()):
    task = choices[number % len(choices)]
    wait = due - time.time()
    if wait > 0:
        time.sleep(wait)
    unix_ms = time.time() * 1000
    send(task)
    print(json.dumps({"unixMs": unix_ms, "name": task["name"]}), flush=True)
    due += gap / pattern["rate"]
    if due - begin > pattern["seconds"]:
        break
