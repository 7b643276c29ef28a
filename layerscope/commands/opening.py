"""``layerscope IMAGE``: is there such an image? Asked before the interface opens, so that a slip is a line."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from msgspec.structs import replace

from layerscope.commands.common import ANSWER, patience
from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.errors import BackendError
from layerscope.inventory import Inventory
from layerscope.search.select import SelectionError, select
from layerscope.sources.open import Source
from layerscope.units import format_number


def check(source: Source, word: str, commands: Sequence[str]) -> None:
    """Raise SelectionError unless ``word`` means one image of ``source``; it names the nearest of ``commands``.

    Raises ScanFileError, and BackendError where there is no engine to ask and the word is like no command.
    """
    near = get_close_matches(word, commands, 1, 0.6)
    command = f"the nearest command is `layerscope {near[0]}`" if near else ""
    try:
        graph = names_of(source)
    except BackendError as error:
        if not near:
            raise
        raise SelectionError(f"{word!r} is no command, and no engine says whether it is an image; {command}") from error
    try:
        found = select(graph, [word])
    except SelectionError as error:
        if "may be any of" in str(error):
            raise
        if command:
            raise SelectionError(f"{word!r} is neither a command nor an image here; {command}") from None
        raise SelectionError(f"{word!r} is no command, and {error}" if commands else str(error)) from None
    if len(found) > 1:
        raise SelectionError(f"{word!r} means {format_number(len(found))} images; the interface opens on one")


def names_of(source: Source) -> LayerGraph:
    """Return the images of a source, of a live engine by their names and IDs alone: one question."""
    if not source.live:
        return build_graph(source.load())
    from layerscope.engine.lists import list_images  # noqa: PLC0415 (docker-py: only where it is needed)

    with patience(ANSWER), source.connect() as connection:
        images = [image for image in list_images(connection) if image.listed]
        return build_graph(Inventory(connection.engine, tuple(replace(image, diff_ids=()) for image in images)))
