"""Where the program keeps what outlasts a session."""

from __future__ import annotations

import os
from pathlib import Path


def state_path(name: str) -> Path | None:
    """Return the path of one of our files by the XDG Base Directory Specification; None when there is no home.

    ``$XDG_STATE_HOME/layerscope/NAME``, with ``~/.local/state`` for the variable where
    that is not set, or is a relative path, which the specification says to ignore.
    """
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not base.is_absolute():
        try:
            base = Path.home() / ".local" / "state"
        except RuntimeError:
            return None
    return base / "layerscope" / name
