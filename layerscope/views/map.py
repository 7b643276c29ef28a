"""The map: the footprint as an icicle drawn to scale, in terminal cells.

The whole rectangle is what is on disk; the area of a block is the bytes of its
run of layers, and what stands on a run is to its right, within its height: a base
is a column on the left, beside it everything that is built on it. So depth reads
from left to right, as text does, and blocks are wide enough for names.

Runs on one base lie one below the other, most bytes first. Those that would get
less than a line start another column on the right (as in a squarified treemap);
what does not fit even there is put together by repository, and what is left then
becomes one block. Each of these can be zoomed into.
Every byte is in exactly one block; a block's sides are whole cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec import Struct, field
from rich.cells import cell_len

from layerscope.text import fit
from layerscope.views.blocks import Block, name_of
from layerscope.views.forest import Forest, Run

Direction = Literal["left", "right", "up", "down"]

COLUMN = 10
"""Cells that a further column of blocks must be wide."""
WORD = 8
"""Cells in which a block can say something."""
SLIVER = 2
"""Cells that a block is wide at least; narrower than a word it must be :data:`TALL` to be a block of its own."""
TALL = 3
MANY = 6
"""Runs from which on it is worth while to put them together by repository."""


class Map(Struct):
    """A map, laid out: blocks that together cover it, from the left to the right of the forest."""

    width: int
    height: int
    root: str
    blocks: list[Block]
    size: int
    """Bytes of the whole."""
    unknown: int
    """Layers whose size is not known, and which are therefore not drawn."""
    path: tuple[tuple[str, str], ...]
    """(root, name) of what is around this one, outermost first, and at the end of this one, whose size it is."""
    _drawn: dict[Run, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Note which block a run is in."""
        self._drawn = {part: block.index for block in self.blocks for part in block.rest}
        self._drawn |= {block.run: block.index for block in self.blocks if block.run is not None}

    def at(self, x: int, y: int) -> int | None:
        """Return the index of the block at a place."""
        for block in self.blocks:
            if block.x <= x < block.x + block.width and block.y <= y < block.y + block.height:
                return block.index
        return None

    def index_of(self, run: Run) -> int | None:
        """Return the index of the block that a run is drawn as, or is part of, or stands on."""
        below: Run | None = run
        while below is not None:
            if below in self._drawn:
                return self._drawn[below]
            below = below.parent
        return None

    def where(self, room: int) -> str:
        """Return what is drawn, and what that is in, in ``room`` cells: ``everything › … › python:3.11``."""
        names = [name for _, name in self.path]
        full = names
        while len(names) > 1 and cell_len(" › ".join(names)) > room:
            full = full[:1] + full[2:] if len(full) > 2 else full[1:]
            names = [*full[:1], "…", *full[1:]] if len(full) > 1 else full
        return fit(" › ".join(names), room)

    def neighbour(self, index: int, direction: Direction) -> int | None:
        """Return the block beside one: of those that touch that side, the one that does so the longest."""
        here = self.blocks[index]
        upright = direction in {"left", "right"}
        edge = {
            "left": here.x,
            "right": here.x + here.width,
            "up": here.y,
            "down": here.y + here.height,
        }[direction]
        best, found = 0, None
        for block in self.blocks:
            side = {
                "left": block.x + block.width,
                "right": block.x,
                "up": block.y + block.height,
                "down": block.y,
            }[direction]
            if side != edge:
                continue
            if upright:
                touch = min(here.y + here.height, block.y + block.height) - max(here.y, block.y)
            else:
                touch = min(here.x + here.width, block.x + block.width) - max(here.x, block.x)
            if touch > best:
                best, found = touch, block.index
        return found


# -- laying out ----------------------------------------------------------------------------


def lay_out(forest: Forest, width: int, height: int, root: str = "") -> Map:
    """Return the map of a forest, ``width`` by ``height`` cells.

    ``root`` is the :attr:`Block.zoom` of a block to fill the map with; of one that is gone
    since, or empty, the whole forest is drawn. Time depends on what is drawn, and on the
    number of runs that stand on one base.
    """
    return _Layout(forest, max(1, width), max(1, height)).map(root)


class _Group(NamedTuple):
    """Runs that are one block, heaviest first."""

    runs: tuple[Run, ...]
    total: int
    zoom: str


class _Layout:
    def __init__(self, forest: Forest, width: int, height: int) -> None:
        self.forest = forest
        self.whole = _Box(0, 0, width, height)
        self.blocks: list[Block] = []

    def map(self, root: str) -> Map:
        # A root is the key of a run and what to take of the runs that stand on it, step by step, one a line.
        key, *steps = root.split("\n")
        run = next((run for run in self.forest.run_of.values() if run.key == key), None) if key else None
        path: list[tuple[str, str]] = [("", "everything")]
        above: list[tuple[str, str]] = []
        below = run
        while below is not None:
            above.append((below.key, name_of(self.forest, below, ())[0]))
            below = below.parent
        path += reversed(above)
        shown = list(self.forest.roots) if run is None else [run]
        if steps:
            shown = list(self.forest.roots if run is None else run.children)
            at = key
            for step, then in zip(steps, [*steps[1:], ""], strict=True):
                shown, at = self._take(shown, step), f"{at}\n{step}"
                if shown and not (step.isdecimal() and then):  # what was put together is put together by repository
                    path.append((at, "".join(name_of(self.forest, None, shown))))
        if not shown or (key and run is None):  # gone since
            return self.map("") if root else Map(self.whole.width, self.whole.height, "", [], 0, 0, tuple(path))
        if run is not None and not steps:
            self._run(run, self.whole, 0, False, (0.0, 1.0))
        else:
            self._place(shown, self.whole, 0, (0.0, 1.0), root)
        size, unknown = sum(one.total for one in shown), sum(one.missing for one in shown)
        return Map(self.whole.width, self.whole.height, root, self.blocks, size, unknown, tuple(path))

    def _take(self, runs: list[Run], step: str) -> list[Run]:
        """Return some of the runs: from a number on, those of a repository, or of the repositories from a number on."""
        kind, name = step[:1], step[1:]
        if kind == "=":
            return [run for run in runs if self.forest.repository_of(run) == name]
        if kind == "+" and name.isdecimal():
            taken = {run for group in self._groups(runs, "")[int(name) :] for run in group.runs}
            return [run for run in runs if run in taken]
        return runs[int(step) :] if step.isdecimal() else []

    def _groups(self, runs: Sequence[Run], key: str) -> list[_Group]:
        """Put runs together by repository, most bytes first."""
        found: dict[str, list[Run]] = {}
        for run in runs:
            found.setdefault(self.forest.repository_of(run), []).append(run)
        groups = [_Group(tuple(of), sum(run.total for run in of), f"{key}\n={name}") for name, of in found.items()]
        return sorted(groups, key=lambda group: (-group.total, group.zoom))

    def _place(self, parts: Sequence[Run | _Group], box: _Box, depth: int, hues: tuple[float, float], key: str) -> None:
        """Fill a box with what stands on one base; ``key`` is the root that shows just these."""
        parts = [part for part in parts if part.total]
        left = whole = sum(part.total for part in parts)
        x, width, begin, seen = box.x, box.width, 0, 0
        while begin < len(parts):
            end, weight = _column(parts, begin, box.height)
            share = round(width * weight / left)
            if min(share, width - share) < COLUMN:  # no room for another column: what is left goes below this one
                share = width
                while end > begin and end < len(parts) and 3 * box.height * parts[end - 1].total < 2 * left:
                    end -= 1  # a line for each, and the rest to scale
                if end < len(parts) and end - begin == box.height:
                    end -= 1
                if len(parts) - end == 1:
                    end += 1
            rest = parts[end:] if share == width else []
            weights = [part.total for part in parts[begin:end]] + ([sum(part.total for part in rest)] if rest else [])
            y = box.y
            for nth, rows in enumerate(_rows(weights, box.height)):
                place, odd, part = _Box(x, y, share, rows), nth % 2 == 1, _part(hues, seen, weights[nth], whole)
                seen += weights[nth]
                if begin + nth == end:
                    self._rest(rest, place, depth, odd, part, key, end)
                else:
                    self._one(parts[begin + nth], place, depth, odd, part)
                y += rows
            if rest:
                return
            x, width, left, begin = x + share, width - share, left - weight, end

    def _one(self, part: Run | _Group, box: _Box, depth: int, odd: bool, hues: tuple[float, float]) -> None:
        before = len(self.blocks)
        if isinstance(part, Run):
            self._run(part, box, depth, odd, hues)
        elif len(part.runs) == 1:
            self._run(part.runs[0], box, depth, odd, hues)
        else:
            tint = hues if self.forest.repository_of(part.runs[0]) else None
            self._block(box, None, part.runs, depth, odd, tint, part.zoom)
        if not depth:
            for block in self.blocks[before:]:
                right, low = block.x + block.width, block.y + block.height
                block.outer = right == box.x + box.width, low == box.y + box.height

    def _rest(
        self,
        rest: Sequence[Run | _Group],
        box: _Box,
        depth: int,
        odd: bool,
        hues: tuple[float, float],
        key: str,
        at: int,
    ) -> None:
        """Draw what has no room of its own: by repository, or all as one."""
        runs = [part for part in rest if isinstance(part, Run)]
        if len(runs) == len(rest):
            key = f"{key}\n{at}"
            groups = self._groups(runs, key) if len(runs) >= MANY and box.width >= WORD and box.height > 1 else []
            if 1 < len(groups) < len(runs):
                self._place(groups, box, depth, hues, key)
                return
        else:
            runs = [run for part in rest for run in (part.runs if isinstance(part, _Group) else (part,))]
            key = f"{key}\n+{at}"
        self._block(box, None, tuple(runs), depth, odd, None, key)
        if not depth:
            self.blocks[-1].outer = True, True

    def _run(self, run: Run, box: _Box, depth: int, odd: bool, hues: tuple[float, float]) -> None:
        above = run.total - run.own
        beside = round(box.width * above / run.total) if run.total else 0
        if run.own and box.width - beside < SLIVER < box.width:
            beside = box.width - SLIVER  # anything above zero is seen
        if run.own and beside == box.width:
            beside = 0  # too narrow for two: both are in one block
        tall = box.height >= TALL
        if not _readable(beside, tall) or (beside < box.width and not _readable(box.width - beside, tall)):
            self._block(box, run, tuple(run.children) if above else (), depth, odd, hues, run.key)
            return
        if beside < box.width:
            own = _Box(box.x, box.y, box.width - beside, box.height)
            self._block(own, run, (), depth, odd, hues, run.key)
            depth += 1
        right = _Box(box.x + box.width - beside, box.y, beside, box.height)
        self._place(run.children, right, depth, hues, run.key)

    def _block(
        self,
        box: _Box,
        run: Run | None,
        rest: tuple[Run, ...],
        depth: int,
        odd: bool,
        hues: tuple[float, float] | None,
        zoom: str,
    ) -> None:
        size = (run.own if run is not None else 0) + sum(one.total for one in rest)
        hue = (hues[0] + hues[1]) / 2 if hues is not None else None
        name, more = name_of(self.forest, run, rest)
        self.blocks.append(
            Block(len(self.blocks), *box, size, self.forest.total, run, rest, name, more, depth, odd, hue, zoom)
        )


def _readable(width: int, tall: bool) -> bool:
    return width >= WORD or (tall and width >= SLIVER)


class _Box(NamedTuple):
    x: int
    y: int
    width: int
    height: int


def _column(runs: Sequence[Run | _Group], begin: int, height: int) -> tuple[int, int]:
    """Return (end, bytes) of the runs from ``begin`` on that fill a column with a line or more for each."""
    weight, end = 0, begin
    while end < len(runs) and (end == begin or height * runs[end].total >= weight + runs[end].total):
        weight += runs[end].total
        end += 1
    return end, weight


def _rows(weights: Sequence[int], height: int) -> list[int]:
    """Share out lines in proportion to ``weights``, one at least to each; there are no more of them than lines."""
    whole = sum(weights)
    rows = [max(1, height * weight // whole) for weight in weights]
    spare = height - sum(rows)
    while spare > 0:  # to whom it is owed most
        at = max(range(len(rows)), key=lambda i: height * weights[i] - rows[i] * whole)
        rows[at] += 1
        spare -= 1
    while spare < 0:  # from whom it hurts least
        at = max((i for i in range(len(rows)) if rows[i] > 1), key=lambda i: rows[i] * whole - height * weights[i])
        rows[at] -= 1
        spare += 1
    return rows


def _part(hues: tuple[float, float], before: int, part: int, whole: int) -> tuple[float, float]:
    """Return the hues for a part of a whole that has some hues."""
    low, high = hues
    return low + (high - low) * before / whole, low + (high - low) * (before + part) / whole
