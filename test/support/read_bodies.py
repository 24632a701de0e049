"""Reads bodies as a worker does, and prints the lines of those that are not what they should be.

The argument is a file of JSON lines: type, encoding and body (base64) of a message, and the JSON text that
it should be read as; null for any value. With repr, that is what Python must show of it.
"""

import base64
import json
import sys

from kombu.serialization import loads


def rounded(value):
    """With doubles for whole numbers beyond 2^53, which JSON texts of other programs round."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    is_exact = isinstance(value, bool) or not isinstance(value, int) or abs(value) < 2**53
    return value if is_exact else float(value)


with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        case = json.loads(line)
        try:
            body = base64.b64decode(case["body"])
            value = loads(body, case["type"], case["encoding"], accept=[case["type"]])
            assert case["text"] is None or rounded(value) == rounded(json.loads(case["text"]))
            assert repr(value) == case.get("repr", repr(value)), repr(value)
        except Exception as exc:
            print(type(exc).__name__, exc, line)
