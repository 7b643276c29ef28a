"""Bytes, counts, ages, spans and lists as people read them; one rule for every place that prints them.

Counts and exact bytes (:func:`format_number`, :func:`count`, :func:`format_exact`), spans
(:func:`format_span`, :func:`format_about`) and lists in sentences (:func:`natural_list`) are in humanize's words.
This is the only module that imports it, and only when it is needed: a start that prints nothing does not pay for it.

Sizes and ages are not, because humanize is less exact than docker there:

* ``naturalsize`` has one number of decimals for all sizes: ``312.0 MB`` for 312 MB, and 1.04 GB are ``1.0 GB``;
  with significant digits instead 1.00 GB are ``1 GB``. It writes ``0 Bytes`` for ``0 B``.
* ``naturaldelta`` has no weeks and rounds: what docker calls ``3 weeks`` or ``6 weeks`` old is ``a month`` old.

Sizes are SI as ``docker`` prints them (kB, MB, GB: powers of 1000), or binary
(KiB, MiB, GiB: powers of 1024) where the user asks for that. The rule: from 100
up no decimals, below that one; from giga up a second one below 10, where a tenth
would hide a hundred megabytes. So ``820 kB``, ``6.6 MB``, ``312 MB``, ``1.14 GB``, ``38.2 GB``:
never wider than 7 cells (8 in binary), plus a sign. Plain bytes are whole.
Rounded half up in whole numbers, so a border is never crossed on the wrong
side: 999,950 bytes are ``1.0 MB``, not ``1000 kB``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache

UNKNOWN = "?"
"""What stands where a number is not known."""


class Units(Enum):
    """The two systems of units; the value is what ``--units`` takes."""

    SI = "si"
    BINARY = "binary"

    @property
    def base(self) -> int:
        """Bytes in the first unit above the byte."""
        return 1000 if self is Units.SI else 1024

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the units, bytes first."""
        return _NAMES[self]


_NAMES = {
    Units.SI: ("B", "kB", "MB", "GB", "TB", "PB", "EB"),
    Units.BINARY: ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"),
}
_GIGA = 3


def format_size(size: int | None, units: Units = Units.SI, *, signed: bool = False) -> str:
    """Return ``size`` (bytes; None when unknown) for a person: ``1.14 GB``, ``0 B``, ``?``.

    A negative one gets a minus sign (U+2212); with ``signed`` a positive one gets a plus.
    """
    if size is None:
        return UNKNOWN
    sign = "\u2212" if size < 0 else "+" if signed and size > 0 else ""
    size = abs(size)
    base, names = units.base, units.names
    power, unit = 0, 1
    while size >= unit * base and power < len(names) - 1:
        power += 1
        unit *= base
    text = _rounded(size, unit, power)
    if text == str(base) and power < len(names) - 1:  # rounding filled this unit up
        power += 1
        text = _rounded(size, unit * base, power)
    return f"{sign}{text} {names[power]}"


def _rounded(size: int, unit: int, power: int) -> str:
    if power == 0:
        return str(size)
    if power >= _GIGA and (hundredths := (size * 200 + unit) // (2 * unit)) < 1000:
        return f"{hundredths // 100}.{hundredths % 100:02}"
    tenths = (size * 20 + unit) // (2 * unit)
    if tenths < 1000:
        return f"{tenths // 10}.{tenths % 10}"
    return str((size * 2 + unit) // (2 * unit))


_SIZE = re.compile(r"\s*(\d{1,18}(?:\.\d{1,18})?|\.\d{1,18})\s*([kmgtpe]?)(i?)b?\s*", re.ASCII | re.IGNORECASE)
_PREFIXES = ("", "k", "m", "g", "t", "p", "e")


def parse_size(text: str) -> int:
    """Return the bytes that ``text`` means: ``5G``, ``500MB``, ``1.5 GiB``, ``20 GB``, ``1000``.

    Any case. Without an ``i`` the unit is SI, as sizes are printed: ``5G`` is 5,000,000,000.
    A part of a byte is rounded up. Raises ValueError, its message fit for a person, for anything else.
    """
    found = _SIZE.fullmatch(text)
    if found is None or (found[3] and not found[2]):
        raise ValueError(f"not a size: {text!a}; write it like 500MB, 5G or 1.5GiB")
    base = 1024 if found[3] else 1000
    whole, _, fraction = found[1].partition(".")
    unit: int = base ** _PREFIXES.index(found[2].lower())
    scale: int = 10 ** len(fraction)
    return -(-int(whole + fraction) * unit // scale)


@lru_cache(maxsize=4096)
def format_number(number: int) -> str:
    """Return a whole number with a comma before each three digits: ``1,234``."""
    if -1000 < number < 1000:
        return str(number)
    from humanize import intcomma  # noqa: PLC0415 (only when there is a number that needs it)

    return intcomma(number)


def count(number: int, one: str, many: str = "") -> str:
    """Return how many there are: ``1 image``, ``1,234 images``; ``many`` where the plural is not ``one`` and an s."""
    return f"{format_number(number)} {one if number == 1 else many or one + 's'}"


def part_of(part: int, whole: int, one: str = "", many: str = "") -> str:
    """Return how many of how many: ``14 of 36``, ``1 of 1,234 images``; words are as in :func:`count`."""
    return f"{format_number(part)} of {count(whole, one, many) if one else format_number(whole)}"


def format_exact(size: int | None) -> str:
    """Return every byte of a size: ``572,201,450 B``; ``?`` for None."""
    return UNKNOWN if size is None else f"{format_number(size)} B"


def natural_list(items: Sequence[str], most: int | None = None, *, more: int = 0, word: str = "and") -> str:
    """Return items as a sentence has them: ``a``, ``a and b``, ``a, b and c``; ``""`` for none. ``word``: or ``or``.

    Of more than ``most`` the rest is counted: ``a, b and 12 more``; so are ``more`` that are not among the items.
    Items are taken as they are: clean them before.
    """
    shown = list(items[:most])
    if (more := more + len(items) - len(shown)) > 0:
        shown.append(f"{format_number(more)} more")
    if len(shown) < 2:
        return "".join(shown)
    if word != "and":
        return f"{', '.join(shown[:-1])} {word} {shown[-1]}"
    from humanize import natural_list as joined  # noqa: PLC0415

    return joined(shown)


_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_AGES = (
    (_MINUTE, 1, "second"),
    (_HOUR, _MINUTE, "minute"),
    (2 * _DAY, _HOUR, "hour"),
    (14 * _DAY, _DAY, "day"),
    (60 * _DAY, 7 * _DAY, "week"),
    (730 * _DAY, 30 * _DAY, "month"),
)


_SHORT_AGES = (
    (_MINUTE, 1, "s"),
    (_HOUR, _MINUTE, "min"),
    (2 * _DAY, _HOUR, "h"),
    (60 * _DAY, _DAY, "d"),
    (730 * _DAY, 30 * _DAY, "mo"),
)


def size_width(units: Units) -> int:
    """Return the cells that a size takes at most, with a sign before it (``≥``, ``~``): ``≥99.9 MiB``."""
    return len("≥99.9 MiB" if units is Units.BINARY else "≥99.9 MB")


def format_age(created: int | None, now: int) -> str:
    """Return how long before ``now`` something was ``created`` (both Unix seconds): ``3 days``, ``5 months``.

    Thresholds are docker's (``docker images``: hours up to two days, days up to two
    weeks, weeks up to 60 days, months up to two years). None is ``?``; a time that is
    still to come, as a wrong clock makes it, is ``in 3 days``.
    """
    if created is None:
        return UNKNOWN
    seconds = abs(now - created)
    unit, name = next(((unit, name) for limit, unit, name in _AGES if seconds < limit), (365 * _DAY, "year"))
    age = count(seconds // unit, name)
    return f"in {age}" if created > now else age


def short_age(created: int | None, now: int) -> str:
    """Return an age in at most five cells, whole units: ``40s``, ``12min``, ``5h``, ``40d``, ``7mo``, ``3y``.

    Days up to two months, months up to two years. ``–`` for None: there is no age.
    """
    if created is None:
        return "–"
    seconds = max(0, now - created)
    for limit, unit, name in _SHORT_AGES:
        if seconds < limit:
            return f"{seconds // unit}{name}"
    return f"{seconds // (365 * _DAY)}y"


def format_span(seconds: float) -> str:
    """Return how long something took or lasts, never more than it was: ``14 seconds``, ``2 hours and 5 minutes``.

    Whole seconds below a minute, minutes below a day, then days and hours; no months, which differ in length.
    """
    whole = max(0, int(seconds))
    unit = "seconds" if whole < _MINUTE else "minutes" if whole < _DAY else "hours"
    from humanize import precisedelta  # noqa: PLC0415

    return precisedelta(whole, minimum_unit=unit, suppress=("months", "years"), format="%d")


def format_about(seconds: float) -> str:
    """Return about how long something took, as one number: ``a moment``, ``14 seconds``, ``an hour``, ``21 days``."""
    if seconds >= 2 * _DAY:  # naturaldelta calls 21 days a month
        return count(int(seconds) // _DAY, "day")
    from humanize import naturaldelta  # noqa: PLC0415

    return naturaldelta(max(0.0, seconds))


def format_ratio(whole: int | None, part: int | None) -> str:
    """Return how many times ``part`` goes into ``whole``, ``4.7×``; ``?`` when either is unknown or ``part`` is 0."""
    if whole is None or not part:
        return UNKNOWN
    tenths = (whole * 20 + part) // (2 * part)
    return f"{tenths // 10}.{tenths % 10}×" if tenths < 1000 else f"{(whole * 2 + part) // (2 * part)}×"
