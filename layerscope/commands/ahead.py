"""The engine's first questions, sent before the command line is read in full.

To load what reads it takes as long as an engine needs for its lists. Only where the words leave no doubt what will be
asked and of whom: ``report`` and options that say neither. Whatever else is typed, right or wrong, is left to
:mod:`layerscope.cli`, and is asked when that has read it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

_SAY_NOTHING = {"--json", "--csv", "--markdown", "--prometheus", "--no-cache", "--no-history"}
_SAY_WHO = {"-H": "host", "--host": "host", "-c": "context", "--context": "context"}


class Meant(NamedTuple):
    """What a report asks, and of whom."""

    host: str | None
    context: str | None
    total: bool
    """Is the engine's own total asked for?"""


def meant(words: Sequence[str]) -> Meant | None:
    """Return what the words of a command line ask for; None for all but a plain report of one engine."""
    said: dict[str, str] = {}
    total, command = True, False
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name in _SAY_WHO:
            if not equals and rest:
                value = rest.pop(0)
            if said or not value or value.startswith("-") or (equals and not name.startswith("--")):
                return None
            said[_SAY_WHO[name]] = value
        elif word == "--no-total" and command:
            total = False
        elif word == "report" and not command:
            command = True
        elif word not in _SAY_NOTHING:
            return None
    return Meant(said.get("host"), said.get("context"), total) if command else None


_INTERRUPTED = 130
"""Exit status, as a shell reports the signal INT."""


@contextmanager
def loading() -> Iterator[None]:
    """End quietly when the program is interrupted while it is still loaded; what is under way to an engine ends too."""
    try:
        yield
    except KeyboardInterrupt:
        os._exit(_INTERRUPTED)  # nothing was written; see layerscope.cli for what Python would do


def ask_ahead(words: Sequence[str]) -> None:
    """Send the first questions if it is known which; whoever opens the engine takes the answers. Raises nothing."""
    found = meant(words)
    if found is None:
        return
    with suppress(Exception):  # it is asked again, and told then
        for standard in range(3):
            os.fstat(standard)  # one that is closed would become the engine's socket
        from layerscope.engine.early import begin_ahead  # noqa: PLC0415 (nothing else is to be loaded first)

        begin_ahead(found.host, found.context, usage=found.total)
