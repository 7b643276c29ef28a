"""What can go wrong between us and an engine, as the rest of the program sees it."""

from __future__ import annotations


class BackendError(Exception):
    """Nothing came. ``cause`` says why and ``hint`` what to do next, one line each, safe to show."""

    wrong_use = False
    """Is it what the user gave that is wrong (exit status 2), and not the engine that failed (3)?"""

    def __init__(self, cause: str, hint: str = "") -> None:
        super().__init__(f"{cause}; {hint}" if hint else cause)
        self.cause = cause
        self.hint = hint


class WrongInputError(ValueError):
    """What was given cannot be used; the message is one printable line with the cause and the next step."""
