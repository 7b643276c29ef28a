"""Markdown as GitHub and GitLab show it: text of images is data there too, and makes no link, table or tag."""

from __future__ import annotations

import re
from collections.abc import Sequence

from layerscope.text import clean

_LIVE = re.compile(r"([\\`*_\[\]#|~@:])")
"""What may begin something in GitHub Flavored Markdown, a mention (``@``) and an address (``:``) too."""
_LONGEST = 200


def plain(text: str, limit: int = _LONGEST) -> str:
    """Return text of an image as Markdown that shows just that, in one line of at most ``limit`` characters."""
    escaped = _LIVE.sub(r"\\\1", clean(text, limit))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(text: str, limit: int = _LONGEST) -> str:
    """Return text as code in a cell of a table; a pipe in it is escaped, which tables want even there."""
    inner = clean(text, limit).replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", inner)), default=0) + 1)
    blank = " " if inner.startswith("`") or inner.endswith("`") else ""
    return f"{fence}{blank}{inner}{blank}{fence}" if inner else ""


def md_table(titles: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Return a table, a line each; the columns of ``right`` have their cells to the right. Cells are Markdown."""
    line = ["---:" if at in right else "---" for at in range(len(titles))]
    return [f"| {' | '.join(cells)} |" for cells in (titles, line, *rows)]
