"""A small shop's background tasks: fast, slow, CPU-bound, flaky and failing ones.

    celery -A app worker --concurrency 4 -E
"""

import hashlib
import os
import random
import time

from celery import Celery

BROKER = os.environ.get("CELERY_BROKER_URL", "redis://127.0.0.1:6379/0")

app = Celery(
    "demo",
    broker=BROKER,
    backend=os.environ.get("CELERY_RESULT_BACKEND", BROKER),
)
app.conf.update(
    broker_connection_retry_on_startup=True,
    result_expires=600,
    task_track_started=False,
    timezone="UTC",
)


class MailServerBusy(Exception):
    """The mail server asked us to come back later."""


class CardDeclined(Exception):
    """The bank said no. Trying again does not help."""


class PaymentTimeout(Exception):
    """The bank did not answer in time."""


@app.task(name="demo.add")
def add(a, b):
    """Does next to nothing: what remains is the price of a task as such."""
    return a + b


@app.task(name="demo.resize_image")
def resize_image(width, height):
    """Waits 80 to 250 ms, mostly near 120 ms, with a long tail."""
    seconds = min(0.080 + random.lognormvariate(-3.2, 0.7), 0.250)
    time.sleep(seconds)
    return {"width": width, "height": height, "ms": round(seconds * 1000)}


@app.task(name="demo.report")
def report(rows):
    """Keeps one core busy for about 50 ms, on any machine."""
    digest = b""
    until = time.process_time() + 0.050
    while time.process_time() < until:
        for _ in range(200):
            digest = hashlib.sha256(digest).digest()
    return {"rows": rows, "digest": digest.hex()}


@app.task(
    name="demo.send_email",
    autoretry_for=(MailServerBusy,),
    default_retry_delay=1,
    max_retries=3,
)
def send_email(to):
    """Every sixth attempt fails and is tried again one second later, three times at most."""
    time.sleep(random.uniform(0.010, 0.050))
    if random.random() < 1 / 6:
        raise MailServerBusy("450 mailbox busy, try again later")
    return {"to": to}


@app.task(name="demo.charge_card")
def charge_card(order, cents):
    """One card in 20 is declined; one request in 300 gets no answer from the bank."""
    time.sleep(random.uniform(0.030, 0.090))
    chance = random.random()
    if chance < 0.05:
        raise CardDeclined(f"order {order}: insufficient funds")
    if chance < 0.05 + 1 / 300:
        time.sleep(0.4)
        raise PaymentTimeout(f"order {order}: no answer within 400 ms")
    return {"order": order, "charged": cents}
