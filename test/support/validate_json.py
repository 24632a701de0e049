"""Validates JSON values with the JSON Schema that check-jsonschema and others use in Python.

stdin: {"schema": …, "values": […]}; stdout: a list with an entry for each value: null, or where
and why it is refused.
"""

import json
import sys

from jsonschema import validators

given = json.load(sys.stdin)
validator_class = validators.validator_for(given["schema"])
validator_class.check_schema(given["schema"])
validator = validator_class(given["schema"])


def refusal(value):
    for error in validator.iter_errors(value):
        return f"{error.json_path}: {error.message}"[:300]
    return None


json.dump([refusal(value) for value in given["values"]], sys.stdout)
