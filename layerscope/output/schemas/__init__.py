"""JSON Schemas (draft 2020-12) of the documents that the program prints, a file each.

They are strict about the fields that are there and open to more: fields are added to a
document without a new version. A document that is new here gets a file, and is known by that.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

_REFERS = {"diff": ("report",), "free": ("plan",), "keep": ("plan",)}
"""Documents that hold others; what is printed has the schemas of those in it, so that it can be used alone."""


def names() -> list[str]:
    """Return the names of all schemas, sorted: ``free``, ``plan``, ``report``, ``scan``."""
    files = (entry.name for entry in resources.files(__name__).iterdir())
    return sorted(name.removesuffix(".json") for name in files if name.endswith(".json"))


def schema(name: str) -> dict[str, Any]:
    """Return the schema of a document, whole in itself. Raises KeyError for a name that is not one of :func:`names`."""
    if name not in names():
        raise KeyError(name)
    found: dict[str, Any] = json.loads((resources.files(__name__) / f"{name}.json").read_text(encoding="utf-8"))
    for other in _REFERS.get(name, ()):
        found["$defs"][other] = schema(other)
    return found
