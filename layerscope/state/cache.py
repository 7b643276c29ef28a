"""What cannot change of an image, kept from one run to the next: a file that may be deleted at any time.

``$XDG_CACHE_HOME/layerscope/images.db`` (SQLite), for this user alone: a row for each engine and image ID, with
whatever bytes :mod:`layerscope.engine.memory` makes of it. Nothing here ever fails or waits long: what cannot be read
is not known, what cannot be written is not kept. SQLite rolls back what a writer left that was killed; its checksum
ties each row to its engine and its image, so that a row is what was written, or is not used. The file is not forced
to disk: after a power cut it may be damaged, which costs one slow start.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
import zlib
from collections.abc import Callable, Collection, Mapping
from contextlib import closing, suppress
from pathlib import Path

from layerscope.state.files import private_folder
from layerscope.state.paths import cache_path

VERSION = 1
"""Of the file and of the bytes in it. A file of any other version is not read, and made anew at the next writing."""
MOST_ROWS = 50_000
MOST_BYTES = 96 << 20
"""Of the file; the images that were asked for longest ago go first."""
MOST_ROW = 1 << 20
"""Bytes of one row; a longer one is neither written nor read."""
READ_SECONDS, WRITE_SECONDS = 2.0, 5.0
"""After which reading or writing is given up."""
WAIT = 0.25
"""Seconds to wait for another session that is writing."""
DAY = 86_400
"""Seconds after which a row that is used is marked as used again."""
MAGIC = b"SQLite format 3\x00"

_TABLE = (
    "CREATE TABLE image (engine TEXT NOT NULL, id TEXT NOT NULL, used INTEGER NOT NULL, crc INTEGER NOT NULL, "
    "data BLOB NOT NULL, PRIMARY KEY (engine, id)) WITHOUT ROWID"
)
_STEPS = 20_000
"""Steps of SQLite's machine between two looks at the clock."""


class ImageCache:
    """The file of whoever runs the program; ``ImageCache(None)`` knows and keeps nothing. Safe to use from threads."""

    def __init__(self, path: Path | None, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.clock = clock
        self.aged = False
        """Has something that was loaded not been marked as used for a day? Then it is time to :meth:`keep` again."""

    @classmethod
    def of_user(cls) -> ImageCache:
        """Return the cache of whoever runs the program."""
        return cls(cache_path("images.db"))

    def load(self, engine: str) -> dict[str, bytes]:
        """Return what is kept of the images of an engine, by image ID; nothing where the file cannot be used."""
        if self.path is None:
            return {}
        try:
            with closing(self._open()) as db:
                if not _is_ours(db):
                    return {}
                rows = db.execute(
                    "SELECT id, used, crc, data FROM image WHERE engine = ? AND length(data) <= ? LIMIT ?",
                    (engine, MOST_ROW, MOST_ROWS),
                ).fetchall()
        except (sqlite3.Error, OSError, ValueError, MemoryError):
            return {}
        found = {
            name: data
            for name, _, crc, data in rows
            if isinstance(name, str) and isinstance(data, bytes) and crc == _checksum(engine, name, data)
        }
        now = int(self.clock())
        self.aged = any(not isinstance(used, int) or not now - DAY <= used <= now for _, used, _, _ in rows)
        return found

    def keep(self, engine: str, rows: Mapping[str, bytes], there: Collection[str] = ()) -> bool:
        """Keep ``rows`` by image ID, beside those that are there; return whether that could be done.

        ``there``: all images that the engine has now, so that those go last that are still of use.
        """
        if self.path is None:
            return False
        now = int(self.clock())
        fresh = [
            (engine, name, now, _checksum(engine, name, data), data)
            for name, data in rows.items()
            if len(data) <= MOST_ROW
        ]
        try:
            self._write(fresh, engine, there, now)
        except sqlite3.OperationalError:  # locked, a full disk, a read-only one: another time
            return False
        except (sqlite3.DatabaseError, ValueError):  # damaged, foreign, or of another version: begun anew
            with suppress(sqlite3.Error, OSError, ValueError):
                self.clear()
                self._write(fresh, engine, there, now)
                return True
            return False
        except OSError:
            return False
        return True

    def clear(self) -> None:
        """Forget everything. Raises OSError."""
        if self.path is not None:
            for name in (self.path.name, f"{self.path.name}-journal"):
                self.path.with_name(name).unlink(missing_ok=True)

    # -- the file --------------------------------------------------------------------------

    def _open(self, *, write: bool = False) -> sqlite3.Connection:
        """Open the file, which must be there. Raises OSError, ValueError, sqlite3.Error."""
        assert self.path is not None
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode) or about.st_size > 2 * MOST_BYTES:
                raise ValueError("no file of ours")
            if about.st_size and os.read(descriptor, len(MAGIC)) != MAGIC:
                raise ValueError("no file of ours")
        finally:
            os.close(descriptor)
        # Also for reading: what a writer left that was killed has to be rolled back first.
        mode = "rw" if write or os.access(self.path, os.W_OK) else "ro"
        where = f"{self.path.absolute().as_uri()}?mode={mode}"
        db = sqlite3.connect(where, timeout=WAIT, isolation_level=None, uri=True, check_same_thread=False)
        until = time.monotonic() + (WRITE_SECONDS if write else READ_SECONDS)
        db.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
        try:
            for setting in ("trusted_schema = OFF", "synchronous = OFF", "cell_size_check = ON", "cache_size = -8000"):
                db.execute(f"PRAGMA {setting}")
        except BaseException:
            db.close()
            raise
        return db

    def _write(
        self, rows: list[tuple[str, str, int, int, bytes]], engine: str, there: Collection[str], now: int
    ) -> None:
        assert self.path is not None
        private_folder(self.path.parent)
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(self._open(write=True)) as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                if not _is_ours(db):
                    if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                        raise ValueError("not ours, or of another version")
                    db.execute(_TABLE)
                    db.execute(f"PRAGMA user_version = {VERSION}")
                db.executemany("INSERT OR REPLACE INTO image VALUES (?, ?, ?, ?, ?)", rows)
                old = db.execute(
                    "SELECT id FROM image WHERE engine = ? AND used NOT BETWEEN ? AND ?", (engine, now - DAY, now)
                )
                again = {name for (name,) in old.fetchall()}.intersection(there)
                db.executemany(
                    "UPDATE image SET used = ? WHERE engine = ? AND id = ?", [(now, engine, name) for name in again]
                )
                _prune(db)
                db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    db.execute("ROLLBACK")
                raise


def _is_ours(db: sqlite3.Connection) -> bool:
    """Is it a file of this version, and nothing but a table in it? A view or a trigger would be somebody else's."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version != VERSION:
        return False
    found = db.execute("SELECT type, name, sql FROM sqlite_master LIMIT 2").fetchall()
    return found == [("table", "image", _TABLE)]


def _checksum(engine: str, name: str, data: bytes) -> int:
    return zlib.crc32(data, zlib.crc32(f"{engine}\n{name}\n".encode("utf-8", "surrogatepass")))


def _prune(db: sqlite3.Connection) -> None:
    """Let those go that were not asked for longest, until a good part of the room is free again."""
    (number,) = db.execute("SELECT count(*) FROM image").fetchone()
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    (free,) = db.execute("PRAGMA freelist_count").fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
    if number <= MOST_ROWS and (pages - free) * size <= MOST_BYTES:
        return
    share = min(MOST_ROWS / number, MOST_BYTES / ((pages - free) * size))
    db.execute(
        "DELETE FROM image WHERE (engine, id) IN (SELECT engine, id FROM image ORDER BY used, id LIMIT ?)",
        (number - int(number * share * 0.8),),
    )
