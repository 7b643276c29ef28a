"""Where the program keeps what outlasts a session."""

from __future__ import annotations

import os
from pathlib import Path


def state_path(name: str) -> Path | None:
    """Return the path of one of our files by the XDG Base Directory Specification; None when there is no home.

    ``$XDG_STATE_HOME/layerscope/NAME``, with ``~/.local/state`` for the variable where
    that is not set, or is a relative path, which the specification says to ignore.
    """
    return _ours("XDG_STATE_HOME", (".local", "state"), name)


def cache_path(name: str) -> Path | None:
    """Return the path of a file of ours that may be deleted at any time; None when there is no home.

    ``$XDG_CACHE_HOME/layerscope/NAME``, with ``~/.cache`` for the variable; otherwise as :func:`state_path`.
    """
    return _ours("XDG_CACHE_HOME", (".cache",), name)


def _ours(variable: str, at_home: tuple[str, ...], name: str) -> Path | None:
    base = Path(os.environ.get(variable, ""))
    if not base.is_absolute():
        try:
            base = Path.home().joinpath(*at_home)
        except RuntimeError:
            return None
    return base / "layerscope" / name
