"""Prints what Celery's Redis backend stores for some results, by serializer and compression, as JSON of base64.

Made with Celery 5.7 and what is in requirements.txt: python result_bytes.py > ../unit/celery/results.fixture.json
"""

import base64
import collections
import datetime
import decimal
import json

import kombu.serialization
from celery import Celery
from celery.app.task import Context
from celery.exceptions import Retry, TaskRevokedError


class Custom(Exception):
    """Cannot be made anew from its arguments, so that Celery wraps it."""

    def __init__(self, one, two):
        super().__init__(one)


class Plain(ValueError):
    class Inner(Exception):
        pass


def raised(exc):
    exc.note = {"more": [1, exc.args]}
    return exc


SHARED = [1, 2]
RESULTS = {
    "none": None,
    "true": True,
    "small": 3,
    "negative": -70000,
    "large": 2**40,
    "negative large": -(2**62),
    "float": 2.5,
    "text": "h\u00e9llo \U0001f600 'quoted' \"twice\"\nstatus: FAILURE\n  exc_type: No\n",
    "long text": "exc_type: x " * 100,
    "list": [1, [2, []], {"a": {"b": None}}],
    "tuple": (1, 2, 3, (4,), ()),
    "shared": [SHARED, SHARED],
    "dict": {"status": "FAILURE", "date_done": "2001-01-01T00:00:00", "n": {}, "yes": "no"},
    "number keys": {1: "one"},
    "bytes": b"\x00\xff",
    "set": {1, 2},
    "decimal": decimal.Decimal("1.5"),
    "time": datetime.datetime(2026, 1, 2, 3, 4, 5),
    "ordered": collections.OrderedDict(a=1),
    "nan": float("nan"),
    "many": list(range(1500)),
}
FAILURES = {
    "ValueError": ValueError("no", {"exc_type": "Other"}),
    "raised": raised(KeyError("x")),
    "no arguments": RuntimeError(),
    "Plain": Plain("a"),
    "Inner": Plain.Inner("a"),
    "Custom": Custom(1, 2),
    "OSError": FileNotFoundError(2, "missing"),
    "long": ValueError("y" * 300 + "\n  exc_type: Other\n"),
    "Unicode": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
}
WAYS = [("json", None, 4), ("msgpack", None, 4), ("yaml", None, 4)]
WAYS += [("pickle", None, protocol) for protocol in (2, 3, 4, 5)]
COMPRESSIONS = [
    (serializer, compression, 4)
    for serializer in ("json", "msgpack", "yaml", "pickle")
    for compression in ("gzip", "zlib", "bzip2", "lzma", "brotli", "zstd")
]


def stored(way, state, result):
    """The bytes, or None where the serializer cannot write them."""
    serializer, compression, protocol = way
    app = Celery(broker="memory://", backend="redis://", set_as_current=False)
    app.conf.update(result_serializer=serializer, result_compression=compression)
    app.conf.result_extended = state == "FAILURE"
    kombu.serialization.pickle_protocol = protocol
    backend = app.backend
    request = Context(id="id", task="tests.add", args=[1], kwargs={"result": 1}, retries=0)
    try:
        value = backend.encode_result(result, state)
        traceback = "Traceback:\n  exc_type: No\nstatus: SUCCESS\n" if state == "FAILURE" else None
        meta = backend._get_result_meta(value, state, traceback, request)
        meta["date_done"] = "2026-11-24T10:15:42.890180+00:00" if meta["date_done"] else None
        meta["task_id"] = "9f0c1a52-9f3a-4f5e-8a53-4d1e8c1f0001"
        payload = backend.encode(meta)
    except Exception:
        return None
    return payload.encode() if isinstance(payload, str) else payload


def rows(way, state, results):
    for name, result in results.items():
        payload = stored(way, state, result)
        if payload is None:
            continue
        serializer, compression, protocol = way
        yield {
            "serializer": serializer + (str(protocol) if serializer == "pickle" else ""),
            "compression": compression,
            "name": name,
            "state": state,
            "bytes": base64.b64encode(payload).decode(),
        }


table = []
for way in WAYS:
    table += rows(way, "SUCCESS", RESULTS)
    table += rows(way, "FAILURE", FAILURES)
    table += rows(way, "REVOKED", {"revoked": TaskRevokedError("revoked")})
    table += rows(way, "RETRY", {"retry": Retry("again", ValueError("x"), 3)})
    table += rows(way, "STARTED", {"started": {"pid": 1, "hostname": "w"}})
    table += rows(way, "PROGRESS", {"custom": {"percent": 5}})
for way in COMPRESSIONS:
    table += rows(way, "SUCCESS", {"small": 3})
    table += rows(way, "FAILURE", {"ValueError": ValueError("no")})
print("[\n" + ",\n".join(json.dumps(row) for row in table) + "\n]")
