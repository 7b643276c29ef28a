"""What is kept from one session to the next: theme, units, order and columns, in one small JSON file.

The file is a convenience. It can be deleted, damaged or unwritable without harm:
what cannot be read from it has its default, and what is wrong is said once, in a line.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from layerscope.state.files import cause, private_folder, read_small, write_whole
from layerscope.state.paths import state_path
from layerscope.text import clean
from layerscope.units import Units


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user chose. None, or nothing, where they chose nothing."""

    theme: str | None = None
    units: Units | None = None
    sort: str | None = None
    """Key of the column that images are sorted by."""
    reverse: bool = False
    hidden: tuple[str, ...] = ()
    """Keys of the columns of images that are not shown, sorted."""


class SettingsFile:
    """The file that settings are kept in. ``SettingsFile(None)`` keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._told = False

    def load(self) -> tuple[Settings, str]:
        """Return what is kept, and a line on what is wrong with the file (``""``: nothing is, or there is no file)."""
        if self.path is None:
            return Settings(), ""
        try:
            data = read_small(self.path)
        except FileNotFoundError:
            return Settings(), ""
        except (OSError, ValueError) as error:
            return Settings(), self._tell(f"not read: {cause(error)}")
        try:
            found = json.loads(data)
            if not isinstance(found, dict):
                raise ValueError("no object")
        except (ValueError, RecursionError):
            return Settings(), self._tell("damaged, so it is not used; it is written anew when you change a setting")
        return _settings(found), ""

    def save(self, settings: Settings) -> str:
        """Keep ``settings``; return a line on why that failed, the first time it does, else ``""``."""
        if self.path is None:
            return ""
        document: dict[str, Any] = {
            "theme": settings.theme,
            "units": settings.units.value if settings.units else None,
            "sort": settings.sort,
            "reverse": settings.reverse,
            "hidden": list(settings.hidden),
        }
        data = json.dumps({key: value for key, value in document.items() if value}, indent=2) + "\n"
        try:
            private_folder(self.path.parent)
            write_whole(self.path, data.encode("ascii"), private=True)
        except (OSError, ValueError) as error:
            return self._tell(f"not written, settings last for this session only: {cause(error)}")
        return ""

    def _tell(self, what: str) -> str:
        if self._told:
            return ""
        self._told = True
        return f"{clean(str(self.path), 200)}: {clean(what, 300)}"


def default_path() -> Path | None:
    """Return where settings are kept; None when there is no home."""
    return state_path("settings.json")


def _settings(found: dict[str, Any]) -> Settings:
    """Take what is sound; values that this version does not know count as not chosen."""
    settings = Settings()
    if isinstance(found.get("theme"), str):
        settings = replace(settings, theme=found["theme"])
    if found.get("units") in [unit.value for unit in Units]:
        settings = replace(settings, units=Units(found["units"]))
    if isinstance(found.get("sort"), str):
        settings = replace(settings, sort=found["sort"])
    if isinstance(found.get("hidden"), list):
        hidden = {key for key in found["hidden"] if isinstance(key, str)}
        settings = replace(settings, hidden=tuple(sorted(hidden)))
    return replace(settings, reverse=found.get("reverse") is True)
