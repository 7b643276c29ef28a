"""Text of an engine made fit for one line of a terminal: shown as data, never obeyed.

Names, labels and instructions come from images that anybody may have built.
What a terminal or a layout would *act* on is replaced by something that can be
seen, in one of two ways:

* C0 control characters and DEL become their Unicode control pictures, one cell
  each: newline ``␊``, tab ``␉``, escape ``␛``. Not ``\\n``, because instructions are
  full of a backslash and an n that are just that.
* every other character that is invisible, reorders its neighbours, or is
  measured differently by different terminals becomes its code in hexadecimal,
  ``\\u202e``: C1 controls, bidirectional controls, zero-width characters,
  variation selectors, private use, unassigned, lone surrogates.

Square brackets are left alone: whoever hands text to Rich or Textual must hand
it over as plain text (``rich.text.Text``, ``markup=False``), not as markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

ELLIPSIS = "…"

_MARKS_IN_A_ROW = 4
"""Combining marks that real writing puts on one letter; what is piled above that is shown as codes."""

# Printable as Python sees it, yet invisible, or of a width on which terminals disagree.
_HIDDEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # joiners and fillers that show nothing
    "\ufe00-\ufe0f\U000e0100-\U000e01ef"  # variation selectors
    "\U0001f3fb-\U0001f3ff]"  # skin tones: one emoji with the one before, or a second one
)
_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"


class _Visible(dict[int, str]):
    """``str.translate`` table that works out each character once, when it is first met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        shown = char if char.isprintable() and not _HIDDEN.match(char) else _code(char)
        self[code] = shown
        return shown


def _code(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


_VISIBLE = _Visible({code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421"})
_VISIBLE.update({ord(space): " " for space in _SPACES})


def clean(text: str, limit: int | None = None) -> str:
    """Return ``text`` as one line that is safe to print, whatever it holds.

    ``limit`` is the most characters of the answer (not cells: see :func:`fit`);
    a longer one ends in ``…``, and no more of the text is looked at than needed.
    Printable ASCII is returned as it is.
    """
    if limit is not None and len(text) > limit:
        shown = clean(text[: limit + 1])
        return shown[: max(limit - 1, 0)] + ELLIPSIS[:limit]
    if not text.isascii():
        text = _tame_marks(text.translate(_VISIBLE))
    elif not text.isprintable():
        text = text.translate(_VISIBLE)
    if limit is not None and len(text) > limit:  # a code is longer than the character it stands for
        return text[: max(limit - 1, 0)] + ELLIPSIS[:limit]
    return text


def _tame_marks(text: str) -> str:
    """Show as codes those combining marks that have no letter to stand on, or that are piled up."""
    if text.isascii():
        return text
    from rich.cells import get_character_cell_size  # noqa: PLC0415

    marks = "".join(sorted(c for c in set(text) if c >= "\u0300" and get_character_cell_size(c) == 0))
    if not marks:
        return text
    mark = f"[{re.escape(marks)}]"
    loose = f"\\A{mark}+|(?<=\\s){mark}+|(?<={mark}{{{_MARKS_IN_A_ROW}}}){mark}+"
    return re.sub(loose, lambda found: "".join(map(_code, found[0])), text)


COPIED = 50_000
"""Characters that are copied at most: terminals take some 74,000 bytes in base64, and drop what is longer."""


def copied(text: str) -> str:
    """Return ``text`` as the one printable line that goes to a clipboard: pasted into a shell, no line of it is run."""
    lines = (line.strip() for line in text.splitlines())
    return clean(" · ".join(filter(None, lines)), COPIED)


_PASSWORD = re.compile(r"(?<=://)([^/?#\s:@]*):[^/?#\s]*@")
_TOKEN = re.compile(r"\b((?:https?|tcp|socks5h?)://)[^/?#\s:@*]+@")
_QUERY = re.compile(r"(?<=://)([^\s?#'\"]*\?)([^\s#'\"]+)")


def mask_address(text: str) -> str:
    """Return ``text`` with what is secret in the addresses (``scheme://…``) in it replaced by ``***``.

    Secret are passwords, the user of ``https://token@host``, and the values of a query. The user of
    ``ssh://user@host`` stays: it tells engines apart.
    """
    if "://" not in text:
        return text
    text = _TOKEN.sub(r"\1***@", _PASSWORD.sub(r"\1:***@", text))
    return _QUERY.sub(lambda found: found[1] + "&".join(map(_without_value, found[2].split("&"))), text)


def _without_value(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    return f"{name}=***" if equals else "***"


def fit(text: str, width: int) -> str:
    """Cut clean ``text`` to at most ``width`` terminal cells, ending in ``…`` where something was cut.

    Measured as Textual measures: a wide character takes two cells and is never
    split, so the answer may be a cell narrower than ``width``.
    """
    if width <= 0:
        return ""
    if text.isascii():
        return text if len(text) <= width else text[: width - 1] + ELLIPSIS
    from rich.cells import cell_len, get_character_cell_size  # noqa: PLC0415 (not before an engine is asked)

    # A character is at least a sixth of a cell here (four marks and their letter), so this is always enough.
    whole, text = text, text[: width * (_MARKS_IN_A_ROW + 2)]
    if len(whole) == len(text) and cell_len(text) <= width:
        return text
    used = 0
    for index, char in enumerate(text):
        used += get_character_cell_size(char)
        if used > width - 1:
            return text[:index].rstrip(ELLIPSIS) + ELLIPSIS
    return text.rstrip(ELLIPSIS) + ELLIPSIS


def fit_first(texts: Iterable[str], width: int) -> str:
    """Return the first of some clean ``texts``, the longest first, that fits ``width`` cells; else the last, cut."""
    text = ""
    for text in texts:
        if _cells(text) <= width:
            return text
    return fit(text, width)


def fit_name(name: str, width: int) -> str:
    """Cut the clean ``name`` of an image to ``width`` cells, in its middle: the end tells versions apart.

    ``registry.example/team/shop/api:2.4.1`` becomes ``registry.example/…/api:2.4.1`` while there is room for that.
    Of ``<none> 3f2a9c…`` the beginning tells.
    """
    if len(name) <= width or width < 8 or not name.isascii() or name.startswith("<none> "):
        return fit(name, width)
    slash = name.rfind("/")
    start = width - 1 - len(name[slash:])
    if slash > 0 and start >= 0:
        start = name.rfind("/", 0, start) + 1 or start
    else:
        start = (width - 1) // 3
        slash = len(name) - (width - 1 - start)
    return name[:start] + ELLIPSIS + name[slash:]


def wrapped(text: str, width: int) -> list[str]:
    """Break clean ``text`` into lines of at most ``width`` cells, after a blank where there is one."""
    from rich.cells import cell_len, get_character_cell_size  # noqa: PLC0415

    lines: list[str] = []
    start = used = 0
    blank = -1
    for at, char in enumerate(text):
        size = get_character_cell_size(char)
        if used + size > width:
            cut = blank + 1 if blank >= start else at
            lines.append(text[start:cut])
            start, blank = cut, -1
            used = cell_len(text[start:at])
        used += size
        if char == " ":
            blank = at
    lines.append(text[start:])
    return lines


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return clean ``text`` in exactly ``width`` cells: cut, or filled up with spaces (in front if ``right``)."""
    text = fit(text, width)
    space = " " * (width - _cells(text))
    return space + text if right else text + space


def _cells(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415

    return cell_len(text)


_SHELL = "/bin/sh -c "
_NOP = "#(nop)"
_CHECKSUM = re.compile(r"\b((?:file|dir|multi):[0-9a-f]{12})[0-9a-f]{52}\b")
_GAP = re.compile(r"[ \t]{2,}|\t")


@lru_cache(maxsize=8192)  # the same few lines are drawn again and again
def fold_instruction(created_by: str, limit: int | None = None) -> str:
    """Return ``created_by`` of a history entry as the line that was in the Dockerfile, cleaned like :func:`clean`.

    Takes away only what builders add to it: the shell in front of a RUN (with the
    build arguments that the classic builder and BuildKit list as ``|2 A=1 B=2``),
    the ``#(nop)`` of the classic builder and Podman, BuildKit's ``# buildkit``, and all but
    12 digits of a checksum. Text of other tools is left as it is. Runs of blanks
    become one; a newline (a here-document) stays visible as ``␊``.
    """
    text = created_by
    if limit is not None:
        text = text[: limit + 4096]  # room for what is taken away; a cut there still ends in an ellipsis
    text = text.strip().removesuffix("# buildkit").rstrip()
    run = text.startswith("RUN ")
    rest = text[4:].lstrip() if run else text
    if rest.startswith("|"):
        rest = rest[max(rest.find(_SHELL), 0) :]
    if rest.startswith(_SHELL):
        rest = rest[len(_SHELL) :].lstrip()
        text = rest[len(_NOP) :].lstrip() if rest.startswith(_NOP) and not run else f"RUN {rest}"
    return clean(_GAP.sub(" ", _CHECKSUM.sub(rf"\1{ELLIPSIS}", text)), limit)
