"""Which images are compared, what they are called, and the matrix of what each pair of them shares.

They are called A, B, C … in the order of the comparison. Their layers are in :mod:`.aligned`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import Literal

from msgspec import Struct

from layerscope.core.compare import Comparison, relatives
from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.text import fit, fit_name
from layerscope.units import UNKNOWN, Units, count, format_number, size_width
from layerscope.views.names import bounded, image_label

COMPANY = 5
"""Images that are compared with one when no set is marked: those that share most with it."""
LETTERS = ascii_uppercase + ascii_lowercase
"""What images are called; more than that have no column, and are rows of the matrix only."""
MOST_NAMED = 8
"""Letters in a line of words; of more images the number is given."""

Piece = tuple[str, str]
"""A run of text and the name of its style."""


# -- what is compared ----------------------------------------------------------------------


class Chosen(Struct, frozen=True):
    """A set to compare."""

    images: tuple[ImageNode, ...]
    words: str
    """Which set it is; ``{}`` stands for the name of its first image."""
    name: str = ""
    by_marks: bool = False

    def title(self, room: int) -> str:
        """Return which set it is, in that many cells: the name is cut, not what is said of it."""
        before, _, after = self.words.partition("{}")
        left = room - len(before) - len(after)
        return fit(before + fit_name(self.name, max(8, left)) + after, room)


def choose(
    graph: LayerGraph, marked: Collection[str], here: ImageNode | None, among: Collection[str] | None = None
) -> Chosen:
    """Return what to compare: the marked images, if they are two or more; else one with its closest relatives.

    ``marked`` are IDs of images of the graph. The one is that marked, else that ``here``; its relatives
    are of ``among`` (IDs; None: all).
    """
    nodes = tuple(sorted((graph.image_by_id[image_id] for image_id in marked), key=lambda node: node.index))
    if len(nodes) > 1:
        return Chosen(nodes, f"{format_number(len(nodes))} marked images", by_marks=True)
    node = nodes[0] if nodes else here
    if node is None:
        return Chosen((), "no images")
    name = image_label(node)
    found = relatives(node, COMPANY, among)
    start = "only {} is marked: it" if nodes else "nothing marked: {}"
    if found:
        those = "the one that shares" if len(found) == 1 else f"the {len(found)} that share"
        return Chosen((node, *found), f"{start} and {those} most with it", name)
    single = "only {} is marked" if nodes else "nothing marked: {}"
    why = "shares no layer with any other" if node.known else "has layers that are not known"
    return Chosen((node,), f"{single}, and it {why}", name)


# -- what they are called ------------------------------------------------------------------


def letter(image: int) -> str:
    """Return what an image is called: ``A``; nothing when there are no letters left."""
    return LETTERS[image] if image < len(LETTERS) else ""


def called(images: Sequence[int]) -> str:
    """Return what some images are called together: ``A B C``, or ``31 images``."""
    if len(images) > MOST_NAMED or any(image >= len(LETTERS) for image in images):
        return count(len(images), "image")
    return " ".join(map(letter, images))


class Lanes(Struct, frozen=True):
    """The images that have a narrow column each."""

    images: int
    """How many of them, from the first."""
    step: int
    """Cells from one to the next."""
    more: int
    """How many have none."""

    @property
    def width(self) -> int:
        """Cells that they take together."""
        return max(1, self.images * self.step - (self.step - 1)) + 2 * bool(self.more)

    @property
    def heading(self) -> str:
        """Their letters."""
        return (" " * (self.step - 1)).join(LETTERS[: self.images]) + " …" * bool(self.more)

    def joined(self, signs: Iterator[Piece]) -> list[Piece]:
        """Return one sign for each, with the gaps between; those of one style that follow each other are one piece."""
        pieces: list[Piece] = []
        gap = " " * (self.step - 1)
        for sign, style in signs:
            if pieces and pieces[-1][1] == style:
                pieces[-1] = pieces[-1][0] + gap + sign, style
            else:
                pieces.append(((gap if pieces else "") + sign, style))
        return pieces


def lanes(images: int, room: int) -> Lanes:
    """Return the columns for a number of images in that many cells: with gaps where there is room for them."""
    step = 2 if images * 2 - 1 <= room and images <= len(LETTERS) else 1
    drawn = min(images, len(LETTERS), max(1, room))
    if drawn < images:
        drawn = min(drawn, max(1, room - 2))
    return Lanes(drawn, step, images - drawn)


# -- the matrix ----------------------------------------------------------------------------

Form = Literal["block and bytes", "bytes", "block and part", "block"]
FORMS: Mapping[Form, int] = {"block and bytes": 10, "bytes": 8, "block and part": 6}
"""Cells that one of the matrix takes, the fullest form first; a block alone takes what is left."""
BLOCKS = "░▒▓█"
LEGEND = "of the row's image: ░ to a quarter ▒ to half ▓ to three quarters █ more"


def width_of(form: Form, units: Units) -> int:
    """Return the cells that one of the matrix takes in a form."""
    return FORMS[form] + (size_width(units) - size_width(Units.SI) if form in {"block and bytes", "bytes"} else 0)


def form_for(images: int, room: int, units: Units) -> Form:
    """Return the fullest form in which the matrix of that many images fits ``room`` cells beside the other columns."""
    return next((form for form in FORMS if images * (width_of(form, units) + 1) <= room), "block")


def block(part: int, whole: int) -> str:
    """Return a part of a whole as a shade: up to a quarter ``░``, a half ``▒``, three quarters ``▓``, more ``█``."""
    if part <= 0 or whole <= 0:
        return " "
    return BLOCKS[min(3, max(0, (part * 4 - 1) // whole))]


def percent(part: int, whole: int) -> str:
    """Return a part in percent of a whole, rounded down, so that only all of it is ``100%``; ``<1%`` is not nothing."""
    if whole <= 0:
        return ""
    whole_percent = min(100, part * 100 // whole)
    return "<1%" if part > 0 and not whole_percent else f"{whole_percent}%"


def pair(comparison: Comparison, row: int, column: int, form: Form, units: Units) -> list[Piece]:
    """Return what the image of a row shares with that of a column, as a cell of the matrix."""
    amount = comparison.shared(row, column)
    beside = "  " if form in {"block and bytes", "block and part"} else ""  # where the others have their shade
    if amount is None or amount.bound == "?":
        return [(UNKNOWN + beside, "warn")]
    if not amount.size and not amount.bound:
        return [(("·" if form == "block" else "–") + beside, "dim")]
    whole, itself = comparison.size(row), row == column
    shade = block(amount.size, whole.size)
    if form == "block":
        return [(shade, "dim" if itself else "shared")]
    if form == "block and part":
        sign = "~" if amount.bound or whole.bound else ""
        figure = sign + percent(amount.size, whole.size)
    else:
        figure = bounded(amount.size, amount.bound, units)
    if len(figure) + len(beside) > width_of(form, units):
        beside = ""
    if itself or not beside:
        return [(figure + beside, "dim" if itself else "")]
    return [(f"{figure} ", ""), (shade, "shared")]


def alone(comparison: Comparison, image: int, units: Units) -> tuple[str, bool]:
    """Return the bytes that only one of the images has, and whether there are any."""
    amount = comparison.alone(image)
    return bounded(amount.size, amount.bound, units), amount.size > 0


def sums(comparison: Comparison, units: Units) -> str:
    """Return what the images come to together: listed, on disk, saved."""
    totals = comparison.totals
    if not totals.images:
        return ""
    bound = "" if totals.exact else "≥"
    listed, disk, saved = (bounded(size, bound, units) for size in (totals.listed, totals.footprint, totals.saved))
    return f"listed {listed} · on disk {disk} · sharing saves {saved}"
