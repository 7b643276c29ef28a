"""What can go wrong between us and an engine, as the rest of the program sees it."""

from __future__ import annotations

from typing import NamedTuple


class Elsewhere(NamedTuple):
    """An engine that does answer."""

    host: str
    """Its address, as ``--host`` takes it."""
    name: str
    """What people call it: ``Colima``, ``rootless Podman``."""


class BackendError(Exception):
    """Nothing came. ``cause`` says why and ``hint`` what to do next, one line each, safe to show.

    ``elsewhere``: engines that do answer on this machine.
    """

    wrong_use = False
    """Is it what the user gave that is wrong (exit status 2), and not the engine that failed (3)?"""

    def __init__(self, cause: str, hint: str = "", elsewhere: tuple[Elsewhere, ...] = ()) -> None:
        super().__init__(f"{cause}; {hint}" if hint else cause)
        self.cause = cause
        self.hint = hint
        self.elsewhere = elsewhere


class WrongInputError(ValueError):
    """What was given cannot be used; the message is one printable line with the cause and the next step."""
