"""A log of what was removed: what, when, and how to get it back.

``$XDG_STATE_HOME/layerscope/removals.jsonl``, one JSON object a line, only ever appended to. Each image has two
lines: one with ``"state": "removing"`` (``"untagging"`` where only its names are to go), which is on disk before
the engine is asked, so that nothing goes unrecorded whatever happens; and one with what became of it. Not being
able to write is a warning, and no reason not to do what the user confirmed.

An image is pulled again by digest (``pull_again``), for its tag may mean another one by then; null where no registry
is known to have had it. ``pullable`` is what is known of that: see :mod:`layerscope.core.origin`.
"""

from __future__ import annotations

import errno
import json
import os
import shlex
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from layerscope.core.origin import Origin
from layerscope.inventory import Engine, Image
from layerscope.state.files import cause, private_folder
from layerscope.state.paths import state_path
from layerscope.text import clean, mask_address


class RemovalLog:
    """The log of one engine's removals. ``RemovalLog(None, …)`` writes nothing."""

    def __init__(
        self, path: Path | None, engine: Engine, clock: Callable[[], float] = time.time, engine_id: str = ""
    ) -> None:
        """``engine_id`` is the engine's own, from ``/info``."""
        self.path = path
        self.engine_id = engine_id
        self.engine = engine
        self.clock = clock
        self.problem = ""
        """Why the last line could not be written, in a line for a person; empty when it could."""

    @classmethod
    def of_user(cls, engine: Engine, engine_id: str = "") -> RemovalLog:
        """Return the log of whoever runs the program."""
        return cls(state_path("removals.jsonl"), engine, engine_id=engine_id)

    def removing(self, image: Image, size: int, origin: Origin) -> None:
        """Write that ``image``, of ``size`` bytes of layers, is about to be removed; ``origin``: where from to pull."""
        again = f"{self.engine.kind} pull {shlex.quote(origin.reference)}" if origin.reference else None
        self._append(
            {
                "state": "removing",
                "image": image.id,
                "tags": list(image.tags),
                "digests": list(image.digests),
                "size_bytes": size,
                "pullable": origin.again,
                "pull_again": again,
            }
        )

    def untagging(self, image: Image) -> None:
        """Write that the names of ``image``, which stays, are about to be taken away."""
        self._append(
            {
                "state": "untagging",
                "image": image.id,
                "tags": list(image.tags),
                "digests": list(image.digests),
                "name_again": [f"{self.engine.kind} tag {image.id} {shlex.quote(tag)}" for tag in image.tags],
            }
        )

    def became(self, image: Image, state: str, words: str, answered: Sequence[str] = ()) -> None:
        """Write what became of it, with the engine's words where it had any.

        ``answered``: what the engine said that went at each request by name, which may have moved a moment before.
        """
        told = {"answered": [clean(line, 300) for line in answered]} if answered else {}
        self._append({"state": state, "image": image.id, "words": words, **told})

    def stopped(self, left: Sequence[Image], why: str) -> None:
        """Write that the images ``left`` were to be removed and were not asked for."""
        self._append({"state": "stopped", "left": [image.id for image in left], "words": why})

    def _append(self, record: dict[str, Any]) -> None:
        if self.path is None:
            return
        moment = datetime.fromtimestamp(int(self.clock()), UTC).isoformat().replace("+00:00", "Z")
        where = {"engine": mask_address(self.engine.host), "engine_id": self.engine_id, "host": self.engine.name}
        line = json.dumps({"time": moment, **where, **record}) + "\n"
        try:
            private_folder(self.path.parent)
            # One write to a file opened for appending: two sessions never mix their lines.
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                end = os.lseek(descriptor, 0, os.SEEK_END)
                torn = end > 0 and os.pread(descriptor, 1, end - 1) != b"\n"  # a full disk cut the last one off
                data = (b"\n" if torn else b"") + line.encode("ascii")
                if os.write(descriptor, data) != len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except (OSError, ValueError) as error:
            self.problem = f"{clean(str(self.path), 200)}: removals are not logged: {cause(error)}"
        else:
            self.problem = ""
