"""The tasks that the system tests run, for Celery 5.2 and later.

CELERY_BROKER_URL, CELERY_RESULT_BACKEND: where they come from and go to.
APP_NAME: the application's name and the first part of every task's name; "tests" by default.
RECORD_FILE: every run is noted there as JSON lines, one when it starts and one when it ends.
CELERY_CONF: more of Celery's settings, as JSON.
SETTINGS_NAMESPACE: CELERY_CONF is all there is, read as Django's settings are, with this namespace; with none when it
is empty, for names of before Celery 4. The other variables about Celery count for nothing then, and must not be set.
SLEEPS: so many more names of tests.sleep, tests.sleep_0 and on, for counts of single runs.
TASK_QUEUES: the queues to consume if they are not plain ones, as a JSON list of kombu.Queue's arguments;
exchange is a list of name and type.
"""

import builtins
import json
import os
import select
import threading
import time
import uuid

from celery import Celery
from celery.exceptions import Ignore, Reject
from celery.signals import task_postrun, task_prerun
from kombu import Exchange, Queue

NAME = os.environ.get("APP_NAME", "tests")
RECORD_FILE = os.environ.get("RECORD_FILE")

settings = json.loads(os.environ.get("CELERY_CONF", "{}"))
if "SETTINGS_NAMESPACE" in os.environ:
    app = Celery(NAME)
    module = type("Settings", (), settings)
    app.config_from_object(module, namespace=os.environ["SETTINGS_NAMESPACE"] or None)
else:
    app = Celery(
        NAME,
        broker=os.environ["CELERY_BROKER_URL"],
        backend=os.environ.get("CELERY_RESULT_BACKEND", os.environ["CELERY_BROKER_URL"]),
    )
    app.conf.update(broker_connection_retry_on_startup=True)
    app.conf.update(settings)
if "TASK_QUEUES" in os.environ:
    app.conf.task_queues = [
        Queue(**{**queue, "exchange": Exchange(*queue["exchange"])})
        for queue in json.loads(os.environ["TASK_QUEUES"])
    ]


class Flaky(Exception):
    """The failure of an attempt that a later one makes good."""


@app.task(name=f"{NAME}.add")
def add(a, b):
    return a + b


@app.task(name=f"{NAME}.total")
def total(numbers):
    return sum(numbers)


@app.task(name=f"{NAME}.sleep")
def sleep(seconds):
    # Not time.sleep(), which waits for a moment: libfaketime gets that wrong.
    select.select([], [], [], seconds)
    return seconds


for number in range(int(os.environ.get("SLEEPS", "0"))):
    app.task(name=f"{NAME}.sleep_{number}")(sleep.run)


@app.task(name=f"{NAME}.fail")
def fail(exception="ValueError", message="failed on purpose"):
    """Raises a built-in exception by its name, or a new class of that name."""
    kind = getattr(builtins, exception, None)
    if kind is None:
        # Found by its name in this module, as Celery pickles it to see whether it could.
        kind = globals().setdefault(exception, type(exception, (Exception,), {}))
    raise kind(message)


@app.task(name=f"{NAME}.retry", bind=True, max_retries=None)
def retry(self, times, countdown=0):
    """Asks to be retried so many times, each after so many seconds, and then succeeds."""
    if self.request.retries < times:
        raise self.retry(exc=Flaky(f"attempt {self.request.retries + 1}"), countdown=countdown)
    return self.request.retries


@app.task(name=f"{NAME}.flaky", bind=True, max_retries=10)
def flaky(self):
    """Succeeds after none, one or two retries, in equal parts; which one, the task's id decides."""
    if self.request.retries < int(self.request.id.replace("-", ""), 16) % 3:
        raise self.retry(exc=Flaky(f"attempt {self.request.retries + 1}"), countdown=0)
    return self.request.retries


@app.task(name=f"{NAME}.never")
def never():
    """Ends without ever sending a result."""
    raise Ignore()


@app.task(name=f"{NAME}.reject", acks_late=True)
def reject():
    """Refuses the message, which then is gone. Celery 5.7 stores a failure, earlier ones no result."""
    raise Reject("rejected on purpose", requeue=False)


@app.task(name=f"{NAME}.big")
def big(n):
    """A result of n characters."""
    return "x" * n


@app.task(name=f"{NAME}.die")
def die():
    """Ends the pool process that runs it: WorkerLostError with the prefork pool."""
    os._exit(1)


@app.task(name=f"{NAME}.request", bind=True)
def request(self, *args, **kwargs):
    """What the worker sees of its message: headers, properties, arguments."""
    return {name: value for name, value in vars(self.request).items() if not name.startswith("_")}


@app.task(name=f"{NAME}.numbers", bind=True)
def numbers(self, *args, text):
    """The arguments and the header `numbers`, what Python reads in the text that they were written as, and what logs
    show of them."""
    return {
        "read": repr(list(args)),
        "header": repr(getattr(self.request, "numbers", None)),
        "meant": repr(json.loads(text)),
        "shown": self.request.argsrepr,
    }


# An id runs more than once (retry, redelivery), even twice at a time: runs are told apart by thread.
thread = threading.local()


@task_prerun.connect
def note_start(task_id=None, task=None, **_):
    thread.run = uuid.uuid4().hex
    mark = getattr(task.request, "mark", None)  # a header of the test's own
    note(run=thread.run, id=task_id, name=task.name, mark=mark, startedMs=time.time() * 1000)


@task_postrun.connect
def note_end(state=None, **_):
    note(run=thread.run, endedMs=time.time() * 1000, state=state)


def note(**fields):
    """One write of one line to a file in append mode is not torn by other processes."""
    if RECORD_FILE is None:
        return
    file = os.open(RECORD_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, (json.dumps(fields) + "\n").encode())
    finally:
        os.close(file)
