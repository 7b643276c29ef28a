"""Clean text broken into lines."""

from __future__ import annotations

from rich.cells import cell_len, get_character_cell_size


def wrapped(text: str, width: int) -> list[str]:
    """Break clean ``text`` into lines of at most ``width`` cells, after a blank where there is one."""
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
