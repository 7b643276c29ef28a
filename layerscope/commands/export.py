"""``layerscope export``: save a scan."""

from __future__ import annotations

import sys

from layerscope.commands.common import OutputError, take_inventory
from layerscope.commands.remembering import history_of_user, remember
from layerscope.core.build import build_graph
from layerscope.sources.open import Source
from layerscope.sources.scanfile import ScanFileNotSaved, check_target, save_inventory
from layerscope.text import clean
from layerscope.units import count


def run(source: Source, target: str, *, history: bool = False) -> None:
    """Save the inventory of ``source`` in the file ``target``; ``-`` is standard output.

    ``history``: keep a record of the scan of a live engine.
    """
    try:
        check_target(target)  # a mistyped path is reported before a scan that may take a while
        inventory = take_inventory(source, whole=True)
        save_inventory(inventory, target)
        if source.live and history:
            remember(history_of_user(), build_graph(inventory))
    except ScanFileNotSaved as error:
        raise OutputError(str(error)) from None
    if target != "-" and sys.stderr is not None and sys.stderr.isatty():
        images = sum(image.listed for image in inventory.images)
        sys.stderr.write(f"{clean(target, 200)}: saved, {count(images, 'image')}\n")
