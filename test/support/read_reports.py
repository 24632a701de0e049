"""Reads the reports of runs as those do who show them.

stdin: {"xsd": path, "junit": [XML, …], "markdown": [text, …]}; stdout: {"junit": [null, or why the schema refuses it, …],
"html": [the text as HTML, …]}.
"""

import json
import sys

import xmlschema
from markdown_it import MarkdownIt

given = json.load(sys.stdin)
schema = xmlschema.XMLSchema(given["xsd"])


def refusal(text):
    try:
        schema.validate(text.encode("utf-8"))
    except Exception as error:
        return str(error)[:500]
    return None


markdown = MarkdownIt("commonmark").enable("table")
json.dump(
    {
        "junit": [refusal(text) for text in given["junit"]],
        "html": [markdown.render(text) for text in given["markdown"]],
    },
    sys.stdout,
)
