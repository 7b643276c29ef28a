"""What changed on a live engine, in one short line."""

from __future__ import annotations

from layerscope.core.changes import Changes
from layerscope.units import Units, format_size


def describe(changes: Changes, units: Units) -> str:
    """Return what changed, ``+1 image, +31 MB on disk``; empty when nothing that is shown did."""
    parts = []
    count = len(changes.added) - len(changes.removed)
    if changes.added and changes.removed:
        parts.append(f"+{_images(len(changes.added))}, −{len(changes.removed):,}")
    elif count:
        parts.append(f"{'+' if count > 0 else '−'}{_images(abs(count))}")
    if changes.footprint:
        parts.append(f"{format_size(changes.footprint, units, signed=True)} on disk")
    elif count:
        parts.append("nothing more or less on disk")
    if changes.retagged:
        parts.append(f"tags of {_images(len(changes.retagged))}")
    if changes.containers:
        s = "" if abs(changes.containers) == 1 else "s"
        parts.append(f"{'+' if changes.containers > 0 else '−'}{abs(changes.containers):,} container{s}")
    elif changes.reused and not parts:
        parts.append("a container changed")
    return ", ".join(parts)


def _images(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"
