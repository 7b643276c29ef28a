"""Completion of what is typed in a shell: contexts and images. It never complains, and is quick or silent."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

from layerscope.sources.open import Source

PATIENCE = 0.5
"""Seconds that an engine has to name its images; a shell waits for no more."""
_MOST = 400


def images(source: Source, typed: str) -> list[str]:
    """Return the tags that begin with what is typed, with ``docker.io/library/`` left out; none in case of doubt."""
    found: list[str] = []

    def ask() -> None:
        with suppress(Exception):
            from layerscope.commands.opening import names_of  # noqa: PLC0415 (imports count in the time too)

            tags = {tag for node in names_of(source).images for tag in node.image.tags if tag.isprintable()}
            found.extend(sorted(tag for tag in tags if tag.startswith(typed)))

    if not source.live:
        ask()
        return found[:_MOST]
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return [] if thread.is_alive() else found[:_MOST]


def contexts(typed: str) -> list[str]:
    """Return the docker contexts whose names begin with what is typed."""
    with suppress(Exception):
        from layerscope.engine.endpoint import context_names  # noqa: PLC0415 (docker-py: only when it is asked for)

        return [name for name in context_names(os.environ) if name.startswith(typed)]
    return []
