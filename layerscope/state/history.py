"""The scans of live engines that are kept: what was on disk, which images were there, and which were in use.

``$XDG_STATE_HOME/layerscope/history.db`` (SQLite), for this user alone. For each engine at most one record an hour, and
one of the last look beside. A record holds the footprint and, as what differs from the record before, the images by
ID with their names and whether a container used them: some 200 bytes. Every :data:`WHOLE`-th record is whole, so that
damage costs no more than what is between two of these. Records have a checksum; one that is damaged is skipped. SQLite
sees to it that a writer that is killed leaves what was there before, and that two sessions do not mix.

Which engine it is: Docker's own ID and the storage driver; Podman, which makes up an ID for every answer, by host name,
root folder and driver. Of an engine that tells none of these nothing is kept.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from layerscope.core.graph import LayerGraph
from layerscope.core.past import Look, Point, Record, point_of
from layerscope.core.seen import ScanStep, Seen, watch
from layerscope.inventory import Engine
from layerscope.state.files import cause, private_folder
from layerscope.state.history_bytes import State, applied, delta_bytes, state_of, whole_bytes
from layerscope.state.paths import state_path
from layerscope.text import clean

HOUR = 3600
WHOLE = 100
MOST_AGE = 400 * 86_400
"""Seconds after which records go, :data:`WHOLE` at a time: a clock that runs ahead does not take all at once."""
MOST_RECORDS = 10_000
"""Of one engine."""
MOST_BYTES = 32 << 20
"""Of the whole file, in pages that are used."""
PATIENCE = 2.0
"""Seconds to wait for another session that is writing."""
LINE = 2_000
"""Records that a sparkline is drawn from."""

VERSION = 1
"""Of the file, as SQLite keeps it (``user_version``)."""

_TABLES = """
CREATE TABLE IF NOT EXISTS engine (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS scan (
  id INTEGER PRIMARY KEY, engine INTEGER NOT NULL, at INTEGER NOT NULL, footprint INTEGER NOT NULL,
  most INTEGER, content INTEGER, whole INTEGER NOT NULL, data BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS scan_of ON scan (engine, id);
CREATE TABLE IF NOT EXISTS look (
  engine INTEGER PRIMARY KEY, at INTEGER NOT NULL, footprint INTEGER NOT NULL,
  most INTEGER, content INTEGER, whole INTEGER NOT NULL, data BLOB NOT NULL, crc INTEGER NOT NULL);
"""
_COLUMNS = "at, footprint, most, content, whole, data, crc"
Row = tuple[Any, ...]


class HistoryError(Exception):
    """History could not be read or kept; the message is one printable line."""


def engine_key(engine: Engine) -> str | None:
    """Return what tells an engine from all others, and stays the same; None where nothing does."""
    if engine.kind == "docker":
        parts = [engine.id, engine.driver or engine.store]
    else:
        parts = [engine.name, engine.root_dir, engine.driver or engine.store]
    return json.dumps([engine.kind, *parts]) if all(parts) else None


class ScanHistory:
    """The records of whoever runs the program; ``ScanHistory(None)`` keeps nothing. Nothing is opened before that."""

    def __init__(self, path: Path | None, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.clock = clock

    @classmethod
    def of_user(cls) -> ScanHistory:
        """Return the history of whoever runs the program."""
        return cls(state_path("history.db"))

    # -- writing ---------------------------------------------------------------------------

    def keep(self, graph: LayerGraph, *, look: bool = False) -> bool:
        """Keep a finished scan of a live engine; ``look``: somebody looked at it. Return whether a record came of it.

        None does within an hour of the one before, of an unfinished scan, or of an engine that cannot be told from
        others. Raises HistoryError.
        """
        inventory = graph.inventory
        key = engine_key(inventory.engine)
        if self.path is None or key is None or inventory.from_file or not inventory.complete:
            return False
        at = inventory.taken_at or int(self.clock())
        point, state = point_of(graph, at), state_of(graph)

        def write(db: sqlite3.Connection) -> bool:
            engine = _number(db, key)
            if look:
                _put(db, "look", engine, point, True, whole_bytes(state))
            last = db.execute("SELECT id, at FROM scan WHERE engine = ? ORDER BY id DESC LIMIT 1", (engine,)).fetchone()
            if last is not None and abs(at - last[1]) < HOUR:
                return False
            since, before = _latest(db, engine)
            whole = before is None or since >= WHOLE - 1
            _put(db, "scan", engine, point, whole, whole_bytes(state) if whole else delta_bytes(before or {}, state))
            _prune(db, engine, int(self.clock()))
            return True

        return bool(self._with(write, writing=True))

    def clear(self) -> None:
        """Forget everything. Raises HistoryError."""
        if self.path is None:
            return
        try:
            for name in (self.path.name, f"{self.path.name}-journal", f"{self.path.stem}.damaged.db"):
                self.path.with_name(name).unlink(missing_ok=True)
        except OSError as error:
            raise HistoryError(f"{self._file}: history cannot be deleted: {cause(error)}") from None

    # -- reading ---------------------------------------------------------------------------

    def line(self, engine: Engine) -> list[Point]:
        """Return the last :data:`LINE` points of an engine, oldest first: quick. Raises HistoryError."""

        def read(db: sqlite3.Connection, number: int) -> list[Point]:
            rows = _rows(db, number, LINE)
            return [point for row in rows if (point := _point(row)) is not None]

        return self._read(engine, read) or []

    def last_look(self, engine: Engine) -> Look | None:
        """Return what was there when somebody looked last; None where nobody did. Raises HistoryError."""

        def read(db: sqlite3.Connection, number: int) -> Look | None:
            row = db.execute(f"SELECT {_COLUMNS} FROM look WHERE engine = ?", (number,)).fetchone()
            point = None if row is None else _point(row)
            state = None if point is None else applied({}, row[4], row[5])
            return None if point is None or state is None else Look(point, frozenset(state))

        found: Look | None = self._read(engine, read)
        return found

    def records(self, engine: Engine) -> list[Record]:
        """Return everything that was kept of an engine, oldest first. Raises HistoryError."""

        def read(db: sqlite3.Connection, number: int) -> list[Record]:
            return list(_records(_rows(db, number)))

        return self._read(engine, read) or []

    def seen(self, engine: Engine) -> Seen:
        """Return what was seen of the images of an engine. Raises HistoryError."""
        return watch(record.step for record in self.records(engine) if record.step is not None)

    # -- the file --------------------------------------------------------------------------

    def _read(self, engine: Engine, read: Callable[[sqlite3.Connection, int], Any]) -> Any:
        key = engine_key(engine)
        if self.path is None or key is None or not self.path.exists():
            return None

        def found(db: sqlite3.Connection) -> Any:
            if _check_version(db) < VERSION:
                return None  # a writer was killed before it had written anything
            row = db.execute("SELECT id FROM engine WHERE key = ?", (key,)).fetchone()
            return None if row is None else read(db, row[0])

        return self._with(found, writing=False)

    def _with(self, act: Callable[[sqlite3.Connection], Any], *, writing: bool) -> Any:
        assert self.path is not None
        try:
            if writing:
                private_folder(self.path.parent)
                with suppress(FileExistsError):
                    os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            try:
                return self._once(act, writing)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError) or not writing:
                    raise
                self.path.replace(self.path.with_name(f"{self.path.stem}.damaged.db"))
                os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
                self._once(act, writing)
                raise HistoryError(
                    f"{self._file}: was damaged and is begun anew; what was there is in {self.path.stem}.damaged.db"
                ) from None
        except sqlite3.Error as error:
            what = "written" if writing else "read"
            raise HistoryError(f"{self._file}: history cannot be {what}: {clean(str(error), 100)}") from None
        except (OSError, ValueError) as error:
            raise HistoryError(f"{self._file}: history cannot be kept: {cause(error)}") from None

    def _once(self, act: Callable[[sqlite3.Connection], Any], writing: bool) -> Any:
        # Also for reading: what a writer left that was killed has to be rolled back first.
        where = f"{Path(str(self.path)).absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(where, timeout=PATIENCE, isolation_level=None, uri=True)) as db:
            if not writing:
                return act(db)
            db.execute("BEGIN IMMEDIATE")
            try:
                if _check_version(db) < VERSION:
                    for table in ("scan", "look"):
                        db.execute(f"DROP TABLE IF EXISTS {table}")
                    db.execute(f"PRAGMA user_version = {VERSION}")
                for statement in _TABLES.split(";"):
                    db.execute(statement)
                found = act(db)
                db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    db.execute("ROLLBACK")
                raise
            return found

    @property
    def _file(self) -> str:
        return clean(str(self.path), 200)


# -- rows ----------------------------------------------------------------------------------


def _check_version(db: sqlite3.Connection) -> int:
    """Return the version of a file, 0 for a new one. Raises ValueError for one of a later layerscope."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise ValueError("a newer layerscope made it; `layerscope history --clear` forgets what is in it")
    return int(version)


def _number(db: sqlite3.Connection, key: str) -> int:
    db.execute("INSERT OR IGNORE INTO engine (key) VALUES (?)", (key,))
    number: int = db.execute("SELECT id FROM engine WHERE key = ?", (key,)).fetchone()[0]
    return number


def _put(db: sqlite3.Connection, table: str, engine: int, point: Point, whole: bool, data: bytes) -> None:
    row = (point.at, point.footprint, point.most, point.content, int(whole), data)
    db.execute(
        f"INSERT OR REPLACE INTO {table} (engine, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (engine, *row, _checksum(row)),
    )


def _checksum(row: Row) -> int:
    return zlib.crc32(row[5], zlib.crc32(repr(row[:5]).encode()))


def _rows(db: sqlite3.Connection, engine: int, last: int = -1) -> list[Row]:
    """Return the last records of an engine, oldest first; where pages of the file are damaged, those on the others."""
    try:
        query = f"SELECT {_COLUMNS} FROM scan WHERE engine = ? ORDER BY id DESC LIMIT ?"
        return db.execute(query, (engine, last)).fetchall()[::-1]
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
    found = []
    for number in range(1, db.execute("SELECT max(id) FROM scan").fetchone()[0] + 1):
        with suppress(sqlite3.DatabaseError):
            query = f"SELECT {_COLUMNS} FROM scan NOT INDEXED WHERE id = ? AND engine = ?"
            found += db.execute(query, (number, engine)).fetchall()
    return found


def _point(row: Row) -> Point | None:
    """Return the point of a row; None where the row is not what was written."""
    try:
        if _checksum(row) != row[6]:
            return None
    except TypeError:
        return None
    return Point(row[0], row[1], row[2], row[3])


def _latest(db: sqlite3.Connection, engine: int) -> tuple[int, State | None]:
    """Return how many records there are since the last whole one, and what was there last; None: not known."""
    rows = _rows(db, engine, WHOLE)
    first = max((at for at, row in enumerate(rows) if row[4]), default=None)
    if first is None:
        return 0, None
    state: State | None = {}
    for row in rows[first:]:
        state = None if state is None or _point(row) is None else applied(state, row[4], row[5])
    return len(rows) - first - 1, state


def _records(rows: list[Row]) -> Iterator[Record]:
    state: State | None = None
    for row in rows:
        point = _point(row)
        if point is None:
            state = None
            continue
        before = state
        state = applied(before or {}, row[4], row[5]) if row[4] or before is not None else None
        if state is None:
            yield Record(point, None, {})
            continue
        old = {} if before is None else before
        came = {i: used for i, (used, _) in state.items() if i not in old or old[i][0] is not used}
        gone = [i for i in old if i not in state]
        names = {i: state[i][1] for i in state if i not in old} | {i: old[i][1] for i in gone}
        yield Record(point, ScanStep(point.at, came, gone, whole=before is None), names if before is not None else {})


def _prune(db: sqlite3.Connection, engine: int, now: int) -> None:
    """Let the oldest go, from one whole record to the next."""
    (number,) = db.execute("SELECT count(*) FROM scan WHERE engine = ?", (engine,)).fetchone()
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    (free,) = db.execute("PRAGMA freelist_count").fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
    if number > MOST_RECORDS:
        _drop_oldest(db, engine)
    if (pages - free) * size > MOST_BYTES:
        _drop_oldest(db, db.execute("SELECT engine FROM scan ORDER BY at LIMIT 1").fetchone()[0])
    for (old,) in db.execute("SELECT DISTINCT engine FROM scan WHERE at < ?", (now - MOST_AGE,)).fetchall():
        _drop_oldest(db, old)


def _drop_oldest(db: sqlite3.Connection, engine: int) -> None:
    query = "SELECT id FROM scan WHERE engine = ? AND whole = 1 ORDER BY id LIMIT 1 OFFSET 1"
    after = db.execute(query, (engine,)).fetchone()
    if after is not None:
        db.execute("DELETE FROM scan WHERE engine = ? AND id < ?", (engine, after[0]))
