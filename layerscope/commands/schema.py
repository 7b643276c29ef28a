"""``layerscope schema``: the JSON Schema of a document that the program prints."""

from __future__ import annotations

import json

from layerscope.commands.common import write_out
from layerscope.output.schemas import schema


def run(name: str) -> None:
    """Print the schema of the document ``name``, one of :func:`layerscope.output.schemas.names`."""
    write_out(json.dumps(schema(name), indent=2, ensure_ascii=True) + "\n")
