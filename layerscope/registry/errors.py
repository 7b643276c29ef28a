"""What goes wrong with a registry, as one line for a person."""

from __future__ import annotations

from typing import Literal

from layerscope.text import clean

_LIMIT = 400
"""Characters of a cause or a hint: a registry's words may be any length, a line for a person may not."""

Kind = Literal["name", "not found", "platform", "login", "refused", "limited", "unreachable", "odd", "cancelled"]


class RegistryError(Exception):
    """A question that a registry did not answer. ``str()`` is one printable line: the cause, and what to do.

    ``cause`` and ``hint`` may hold a registry's own text; both are made harmless here.
    """

    def __init__(self, kind: Kind, cause: str, hint: str = "") -> None:
        self.kind: Kind = kind
        self.cause = clean(" ".join(cause.split()), _LIMIT).rstrip(".")
        self.hint = clean(" ".join(hint.split()), _LIMIT).rstrip(".")
        super().__init__(f"{self.cause}; {self.hint}" if self.hint else self.cause)

    @property
    def wrong_use(self) -> bool:
        """Is it the question that is wrong (exit status 2), and not the registry that failed (3)?"""
        return self.kind in {"name", "not found", "platform"}


def odd(host: str, said: str) -> RegistryError:
    """Return the error for an answer that no registry should give; ``said`` goes on after "answered"."""
    return RegistryError(
        "odd", f"{host} answered {said}", "look at it with `docker manifest inspect`, or ask its owner"
    )
