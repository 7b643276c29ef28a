"""A shell script that removes a set of images by name, each line only if the name still means the same image.

It ends at its first line where the shell's docker speaks to another engine than was asked.

Names come from images that anybody may have built: only what is a reference by the grammar of distribution, or a
digest, is ever put on a line (:mod:`layerscope.views.rmi`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from layerscope.core.graph import ImageNode
from layerscope.core.removal.plan import RemovalPlan
from layerscope.inventory import Engine
from layerscope.units import Units, count, format_exact, format_size
from layerscope.views.rmi import references


def removal_script(plan: RemovalPlan, units: Units = Units.SI) -> str:
    """Return the script, a newline at its end: POSIX shell, in an order that works.

    An image that a container has come to use since is refused by the engine itself: nothing is forced.
    """
    nodes = [*plan.removed, *(one.image for one in plan.untagged)]
    engine = plan.graph.inventory.engine
    frees = f"{plan.bound}{format_size(plan.frees, units)}" if plan.bound != "?" else "?"
    exactly = f" ({format_exact(plan.frees)})" if plan.exact else ""
    lines = [
        "#!/bin/sh",
        f"# layerscope keep: {count(len(plan.removed), 'image')}, frees {frees}{exactly}.",
        "# A line does nothing where its name means another image by now.",
    ]
    lines += _right_engine(engine) if nodes else ()
    left_out = 0
    for node in nodes:
        found = guarded(engine, node)
        lines += found
        left_out += not found
    if left_out:
        lines.append(f"# {count(left_out, 'image')} left out: no name and no ID that {engine.kind} takes.")
    if not nodes:
        lines.append("# Nothing goes by these rules.")
    return "\n".join(lines) + "\n"


def _right_engine(engine: Engine) -> Sequence[str]:
    """Return what ends the script where ``docker`` speaks to another engine, as after ``--host``: IDs may be the same.

    Docker alone has an ID that stays the same.
    """
    if engine.kind != "docker" or not _ENGINE_ID.fullmatch(engine.id):
        return ()
    told = "layerscope: docker speaks to another engine than was asked; set DOCKER_HOST or DOCKER_CONTEXT"
    ask = "docker info --format '{{.ID}}' 2>/dev/null"
    return [f'[ "$({ask})" = {shlex.quote(engine.id)} ] || {{ echo {shlex.quote(told)} >&2; exit 1; }}']


_ENGINE_ID = re.compile(r"[A-Za-z0-9:_-]{1,200}")


def guarded(engine: Engine, node: ImageNode) -> Sequence[str]:
    """Return a line for each name of an image: ``[ "$(… inspect …)" = ID ] && docker rmi NAME``.

    An image without a name is called by its ID, and only goes while it has none.
    """
    names, _ = references([node])
    tool = engine.kind
    shown = node.id if tool == "docker" else node.id.removeprefix("sha256:")
    lines = []
    for name in names:
        what, expected = "{{.Id}}", shown
        if name == node.id:
            what, expected = "{{.Id}} {{len .RepoTags}}", f"{shown} {len(node.image.tags)}"
        ask = f"{tool} image inspect --format {shlex.quote(what)} {shlex.quote(name)} 2>/dev/null"
        lines.append(f'[ "$({ask})" = {shlex.quote(expected)} ] && {tool} rmi {shlex.quote(name)}')
    return lines
