"""A log of what was removed: what, when, and how to get it back.

``$XDG_STATE_HOME/layerscope/removals.jsonl``, one JSON object a line, only ever appended to. Each image has two
lines: one with ``"state": "removing"`` (``"untagging"`` where only its names are to go), which is on disk before
the engine is asked, so that nothing goes unrecorded whatever happens; and one with what became of it. Not being
able to write is a warning, and no reason not to do what the user confirmed.

An image is pulled again by digest (``pull_again``), for its tag may mean another one by then. A containerd store has a
digest also for what was never pushed: whether a registry has it, no engine tells.
"""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from layerscope.inventory import Engine, Image
from layerscope.state.files import cause
from layerscope.state.paths import state_path
from layerscope.text import clean


class RemovalLog:
    """The log of one engine's removals. ``RemovalLog(None, …)`` writes nothing."""

    def __init__(self, path: Path | None, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.engine = engine
        self.clock = clock
        self.problem = ""
        """Why the last line could not be written, in a line for a person; empty when it could."""

    @classmethod
    def of_user(cls, engine: Engine) -> RemovalLog:
        """Return the log of whoever runs the program."""
        return cls(state_path("removals.jsonl"), engine)

    def removing(self, image: Image, size: int) -> None:
        """Write that ``image``, of ``size`` bytes of layers, is about to be removed."""
        again = [f"{self.engine.kind} pull {shlex.quote(digest)}" for digest in image.digests]
        self._append(
            {
                "state": "removing",
                "image": image.id,
                "tags": list(image.tags),
                "digests": list(image.digests),
                "size_bytes": size,
                "pull_again": again[0] if again else None,
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

    def became(self, image: Image, state: str, words: str) -> None:
        """Write what became of it, with the engine's words where it had any."""
        self._append({"state": state, "image": image.id, "words": words})

    def _append(self, record: dict[str, Any]) -> None:
        if self.path is None:
            return
        moment = datetime.fromtimestamp(int(self.clock()), UTC).isoformat().replace("+00:00", "Z")
        line = json.dumps({"time": moment, "engine": self.engine.host, **record}) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # One write to a file opened for appending: two sessions never mix their lines.
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                end = os.lseek(descriptor, 0, os.SEEK_END)
                torn = end > 0 and os.pread(descriptor, 1, end - 1) != b"\n"  # a full disk cut the last one off
                os.write(descriptor, (b"\n" if torn else b"") + line.encode("ascii"))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except (OSError, ValueError) as error:
            self.problem = f"{clean(str(self.path), 200)}: removals are not logged: {cause(error)}"
        else:
            self.problem = ""
