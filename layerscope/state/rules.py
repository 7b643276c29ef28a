"""Reading a file of keep rules and budgets."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from layerscope.search.rules import MOST_BYTES, RulesError, RulesFile, read_rules
from layerscope.state.files import cause, read_small
from layerscope.text import clean


def load_rules(path: str) -> Callable[[int], RulesFile]:
    """Return the rules in the file ``path`` (``-``: standard input), to be counted from a moment in Unix seconds.

    Raises RulesError, in one line, before there is one.
    """
    try:
        data = _standard_input() if path == "-" else read_small(Path(path).expanduser(), MOST_BYTES)
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RulesError(f"{clean(path, 200)}: not UTF-8 text (byte {error.start})") from None
    except (OSError, ValueError, RuntimeError) as error:
        raise RulesError(f"{clean(path, 200)}: cannot be read: {cause(error)}") from None
    name = "standard input" if path == "-" else path
    read_rules(text, name, int(time.time()))
    return lambda now: read_rules(text, name, now)


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise ValueError("it is closed; name a file")
    data = sys.stdin.buffer.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"longer than {MOST_BYTES:,} bytes")
    return data
