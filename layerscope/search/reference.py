"""The parts of an image's name."""

from __future__ import annotations


def split_reference(reference: str) -> tuple[str, str]:
    """Return (repository, tag) of a reference: ``localhost:5000/api:1`` gives ``localhost:5000/api`` and ``1``.

    A digest is taken off; without a tag the second is empty.
    """
    name = reference.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (name, "")
