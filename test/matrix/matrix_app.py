"""The tests' application, with further tasks whose end differs between versions or is easily got wrong."""

import math
import re
import uuid
from datetime import datetime, timezone
from decimal import Decimal

from tasks import NAME, Flaky, app

__all__ = ["app"]


@app.task(name=f"{NAME}.letters")
def letters(line, number, *, größe, order):
    """Fails unless the arguments are what kinds.ts sends, templates filled in."""
    if re.fullmatch(r'Grüße aus 東京, "Zürich" \\ 🚀 № [1-9]', line) is None:
        raise ValueError(f"line is {line!a}")
    if type(number) is not int or not 1 <= number <= 9:
        raise ValueError(f"number is {number!a}")
    if größe not in ("ä", "日本", "🚀"):
        raise ValueError(f"größe is {größe!a}")
    return str(uuid.UUID(order))


class PaymentDeclined(Exception):
    """The application's own. A prefork worker's main process has to find it by its name."""


@app.task(name=f"{NAME}.decline")
def decline():
    raise PaymentDeclined("Zahlung abgelehnt: 5 €")


@app.task(name=f"{NAME}.exhausted", bind=True, max_retries=1)
def exhausted(self):
    """Asks for one retry more than it has, and so ends with the failure of its last attempt."""
    raise self.retry(exc=Flaky(f"attempt {self.request.retries + 1}"), countdown=1)


@app.task(name=f"{NAME}.progress", bind=True, track_started=True)
def progress(self):
    """Stores STARTED, and a state that Celery does not know, before its end."""
    for done in (1, 2):
        self.update_state(state="PROGRESS", meta={"done": done, "of": 2})
    return 2


@app.task(name=f"{NAME}.odd")
def odd():
    """Values that Python writes as JSON and JSON does not know, or that versions write differently."""
    return {
        "numbers": [math.nan, math.inf, -math.inf, 2**70],
        "when": datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
        "price": Decimal("1.50"),
    }


@app.task(name=f"{NAME}.unserialisable")
def unserialisable():
    """A result that no serialiser takes: the worker stores a failure instead."""
    return object()


@app.task(name=f"{NAME}.quiet", ignore_result=True)
def quiet():
    """Succeeds, and says so to nobody."""
    return 1
