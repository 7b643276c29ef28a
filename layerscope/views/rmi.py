"""The command line that removes images, for a person to paste into a shell: no text of an image is ever obeyed there.

Names come from images that anybody may have built, and saved scans from anybody.
Only what is a reference by the grammar of distribution (``reference/regexp.go``) or a digest
is put on the line; an image whose name is neither is named by its ID.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from layerscope.core.graph import ImageNode
from layerscope.core.origin import Origin
from layerscope.core.stores import RUNNING
from layerscope.inventory import Container, Engine
from layerscope.text import clean

_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?)+(?::[0-9]+)?"
_PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:(?:{_DOMAIN}|\[[0-9A-Fa-f:]+\](?::[0-9]+)?)/)?{_PATH}(?:/{_PATH})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?"
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
"""A name by moby's rule (``daemon/names``), or an ID."""
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{12,64}")
_LONGEST = 512


def sound_id(text: str) -> str:
    """Return an ID as it may be pasted into a shell: as it is where it is a digest, else one clean word in quotes."""
    return text if _ID.fullmatch(text) else shlex.quote(clean(text, 200))


def remove_line(engine: Engine, images: Iterable[ImageNode]) -> tuple[str, int]:
    """Return ``docker rmi app:1 sha256:…`` and how many of ``images`` it leaves out because they have no sound name.

    In the order of ``images``: those made from another one should come before it. All tags of an
    image are named, since removing one tag of several only untags it.
    """
    words, left_out = references(images)
    return " ".join(shlex.quote(word) for word in (engine.kind, "rmi", *words)) if words else "", left_out


def references(images: Iterable[ImageNode]) -> tuple[list[str], int]:
    """Return what ``docker rmi`` takes to remove ``images``, and how many of them it leaves out; see remove_line."""
    names = [_names(node) for node in images]
    return [name for several in names for name in several], sum(not several for several in names)


def pull_line(engine: Engine, origin: Origin) -> str:
    """Return ``docker pull name@sha256:…``; empty where the image cannot be had again, or its name is not sound."""
    name, _, digest = origin.reference.partition("@")
    sound = len(name) <= _LONGEST and _REFERENCE.fullmatch(name) and _DIGEST.fullmatch(digest)
    return " ".join(shlex.quote(word) for word in (engine.kind, "pull", origin.reference)) if sound else ""


def remove_containers_line(engine: Engine, containers: Iterable[Container]) -> str:
    """Return ``docker stop web && docker rm web old``: those that run are stopped before; empty for none."""
    named = [(_container(one), one.state in RUNNING) for one in containers]
    words = [name for name, _ in named if name]
    running = [name for name, runs in named if name and runs]
    lines = [shlex.join([engine.kind, what, *those]) for what, those in (("stop", running), ("rm", words)) if those]
    return " && ".join(lines)


def _container(container: Container) -> str:
    return next((name for name in (container.name, container.id) if _CONTAINER.fullmatch(name)), "")


def _names(node: ImageNode) -> list[str]:
    tags = list(node.image.tags)
    if tags and all(len(tag) <= _LONGEST and _REFERENCE.fullmatch(tag) for tag in tags):
        return tags
    return [node.id] if _DIGEST.fullmatch(node.id) else []
