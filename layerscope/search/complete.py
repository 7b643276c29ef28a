"""Complete a term of the filter language while it is typed."""

from __future__ import annotations

from msgspec import Struct

from layerscope.search.comparisons import FIELDS
from layerscope.search.terms import AGES, EXAMPLES, FLAGS, KEYS


class Completion(Struct, frozen=True):
    """What the term under the caret may become: ``text[start:end]`` is to be replaced by one of ``choices``."""

    start: int
    end: int
    choices: tuple[str, ...]
    """A whole term ends in a blank; one that wants a value does not."""


def complete(text: str, caret: int) -> Completion:
    """Return how the term that ends at ``caret`` may go on; what is right of the caret stays."""
    start = len(text[:caret].rstrip()) if text[:caret].endswith(" ") else text.rfind(" ", 0, caret) + 1
    start = caret if text[:caret].endswith(" ") else start
    while start < caret and text[start] in "-!":
        start += 1
    typed = text[start:caret].lower()
    known = [f"{flag} " for flag in FLAGS]
    known += [f"{key}:" for key in (*KEYS, *AGES)]
    known += [f"{field}>" for field in FIELDS]
    choices = tuple(term for term in known if term.startswith(typed) and term.rstrip() != typed)
    return Completion(start, caret, choices if typed else ())


def example(choice: str) -> str:
    """Return how a term that wants a value is written in full; a whole term is its own example."""
    name = choice.rstrip(":> ")
    if choice.endswith(":"):
        return EXAMPLES[name]
    if choice.endswith(">"):
        return choice + {"age": "30d", "layers": "20", "tags": "1", "containers": "0"}.get(name, "500MB")
    return name
