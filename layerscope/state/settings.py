"""What is kept from one session to the next: theme, units, order and columns, in one small JSON file.

The file is a convenience. It can be deleted, damaged or unwritable without harm:
what cannot be read from it has its default, and what is wrong is said once, in a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import fields, replace

from layerscope.state.files import cause, locked, private_folder, read_small, write_whole
from layerscope.state.paths import state_path
from layerscope.text import clean
from layerscope.units import Units


class Settings(Struct, frozen=True):
    """What the user chose. None, or nothing, where they chose nothing."""

    theme: str | None = None
    units: Units | None = None
    sort: str | None = None
    """Key of the column that images are sorted by."""
    reverse: bool = False
    hidden: tuple[str, ...] = ()
    """Keys of the columns of images that are not shown, sorted."""
    history: bool = True
    """Are scans of live engines kept? In the file as ``"history": false``, written there by hand."""


PATIENCE = 2.0
"""Seconds to wait for another session that is writing."""


def _fields(settings: Settings) -> Iterator[tuple[str, Any]]:
    return ((field.name, getattr(settings, field.name)) for field in fields(settings))


class SettingsFile:
    """The file that settings are kept in. ``SettingsFile(None)`` keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._told = False
        self._known = Settings()
        """What is in the file, as far as this session knows: only what differs from it was chosen here."""

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
        self._known = _settings(found)
        return self._known, ""

    def save(self, settings: Settings) -> str:
        """Keep what of ``settings`` was chosen in this session, beside what others chose since.

        Returns a line on why that failed, the first time it does, else ``""``.
        """
        if self.path is None:
            return ""
        try:
            private_folder(self.path.parent)
            with locked(self.path.with_name("settings.lock"), PATIENCE):
                mine = {name: value for name, value in _fields(settings) if value != getattr(self._known, name)}
                self._write(replace(self._there(), **mine))
                self._known = settings
        except TimeoutError:
            return self._tell("not written, settings last for this session only: another session is writing them")
        except (OSError, ValueError) as error:
            return self._tell(f"not written, settings last for this session only: {cause(error)}")
        return ""

    def _there(self) -> Settings:
        """What is in the file now; nothing where it cannot be read."""
        assert self.path is not None
        try:
            found = json.loads(read_small(self.path))
        except (OSError, ValueError, RecursionError):
            return Settings()
        return _settings(found) if isinstance(found, dict) else Settings()

    def _write(self, settings: Settings) -> None:
        assert self.path is not None
        document: dict[str, Any] = {
            "theme": settings.theme,
            "units": settings.units.value if settings.units else None,
            "sort": settings.sort,
            "reverse": settings.reverse,
            "hidden": list(settings.hidden),
        }
        document = {key: value for key, value in document.items() if value}
        if not settings.history:
            document["history"] = False
        data = json.dumps(document, indent=2) + "\n"
        write_whole(self.path, data.encode("ascii"), private=True)

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
    settings = replace(settings, history=found.get("history") is not False)
    return replace(settings, reverse=found.get("reverse") is True)
