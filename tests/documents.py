"""Every document that a test sees is held to its JSON Schema: those made in this process by ``hold_all``.

``held`` is for those that another process printed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from jsonschema import Draft202012Validator

from layerscope.output import before_after, check, keep, plan_json, pull_cost, report
from layerscope.output.schemas import schema
from layerscope.sources import scanfile

_MANY = 300
"""Items of a list that are looked at: of a longer one so many, from all of it."""


@cache
def validator(name: str) -> Draft202012Validator:
    """Return what holds a document to the schema of this name."""
    return Draft202012Validator(schema(name))


def hold(document: Any) -> None:
    """Fail unless a parsed document is what the schema says that it names."""
    name = document["schema"].removeprefix("layerscope.").partition("/")[0]
    if (wrong := next(validator(name).iter_errors(_thinned(document)), None)) is not None:
        raise AssertionError(f"{document['schema']}: {wrong.json_path}: {wrong.message[:300]}")


def held(text: str | bytes) -> Any:
    """Return the document that was printed, held to its schema."""
    document = json.loads(text)
    hold(document)
    return document


def hold_all() -> None:
    """From now on every document made in this process is held to its schema."""
    made = (
        *((report, "report_dict"), (plan_json, "plan_dict"), (plan_json, "free_dict")),
        *((before_after, "diff_dict"), (keep, "keep_dict"), (check, "check_dict")),
    )
    for module, name in made:
        setattr(module, name, _holding(getattr(module, name), hold))
    scanfile.dumps = _holding(scanfile.dumps, held)
    pull_cost._text = _holding(pull_cost._text, held)  # its documents all go through it


def _holding(make: Callable[..., Any], check: Callable[[Any], object]) -> Callable[..., Any]:
    @wraps(make)
    def made(*args: Any, **settings: Any) -> Any:
        document = make(*args, **settings)
        check(document)
        return document

    return made


def _thinned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _thinned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_thinned(item) for item in value[:: 1 + len(value) // _MANY]]
    return value
