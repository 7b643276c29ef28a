"""What the engine side raises."""

from __future__ import annotations

from layerscope.errors import BackendError, Elsewhere
from layerscope.text import clean, mask_address

_LIMIT = 600
"""Characters of a cause or a hint: the words of an engine may be any length, a line for a person may not."""


class EngineError(BackendError):
    """No engine, or the engine failed. ``str()`` is one printable line: what happened, and what to do next.

    ``cause`` and ``hint`` may hold text of an engine; both are made harmless here
    (see :func:`layerscope.text.clean`), and secrets in addresses are masked. Exit status 3 on the command line.
    """

    def __init__(self, cause: str, hint: str = "", elsewhere: tuple[Elsewhere, ...] = ()) -> None:
        cause = clean(mask_address(" ".join(cause.split())), _LIMIT).rstrip(".")
        super().__init__(cause, clean(mask_address(" ".join(hint.split())), _LIMIT).rstrip("."), elsewhere)


class UsageError(EngineError):
    """The engine was named in a way that cannot be meant: no address, no such context, two engines. Exit status 2."""

    wrong_use = True


class NoHttp(Exception):
    """What came is no answer of HTTP/1.1. Inside this package only, as those below."""


class CutOff(NoHttp):
    """The connection ended within an answer."""


class Disconnected(NoHttp, ConnectionResetError):
    """The connection ended before an answer began."""


class Cancelled(Exception):
    """A scan was cancelled before the engine had answered anything that could be shown."""


class Refused(Exception):
    """The engine answered one request with an error status. Inside this package only; callers say what it means."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = " ".join(message.split())
        super().__init__(f"{status}: {self.message}")

    @property
    def is_gone(self) -> bool:
        """True when the engine says that the image itself does not exist (any more).

        Not every 404 does: an image in a containerd store whose blob or snapshot is
        missing answers 404 too ("content digest … not found").
        """
        return self.status == 404 and "no such image" in self.message.lower()
