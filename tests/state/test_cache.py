"""The file of what is remembered of images: whatever happens to it, it says what was written, or nothing."""

from __future__ import annotations

import hashlib
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

import layerscope.state.cache as module
from layerscope.state.cache import DAY, VERSION, ImageCache

ROWS = 300


def data_of(name: str) -> bytes:
    """What belongs to an image, so that a reader can tell: some 2 kB."""
    return hashlib.sha256(name.encode()).digest() * 64


def names(count: int = ROWS, first: int = 0) -> dict[str, bytes]:
    return {f"sha256:{number}": data_of(f"sha256:{number}") for number in range(first, first + count)}


@pytest.fixture
def cache(tmp_path: Path) -> ImageCache:
    return ImageCache(tmp_path / "cache" / "images.db")


def sound(cache: ImageCache) -> int:
    """Return how many rows there are; each is what was written."""
    found = cache.load("one")
    assert all(data == data_of(name) for name, data in found.items())
    return len(found)


def test_what_was_kept_is_there_for_this_engine_alone(cache: ImageCache) -> None:
    assert cache.load("one") == {}
    assert cache.keep("one", names())
    assert cache.load("one") == names()
    assert cache.load("two") == {}
    assert cache.keep("two", names(5))
    assert len(cache.load("two")) == 5
    assert cache.path is not None
    assert cache.path.stat().st_mode & 0o777 == 0o600
    assert cache.path.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in cache.path.parent.iterdir()] == ["images.db"]


def test_none_knows_and_keeps_nothing() -> None:
    assert not ImageCache(None).keep("one", names())
    assert ImageCache(None).load("one") == {}


def test_of_user_is_in_the_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert ImageCache.of_user().path == tmp_path / "layerscope" / "images.db"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/x")
    assert ImageCache.of_user().path == Path("/home/x/.cache/layerscope/images.db")


# room


def test_rows_are_bounded_and_the_longest_unused_go_first(cache: ImageCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 100)
    now = 1_000_000_000
    cache.clock = lambda: now
    cache.keep("one", names(60))
    now += 2 * DAY
    cache.keep("one", {}, list(names(10)))  # ten of them are there still
    cache.keep("one", names(60, 1000))
    found = cache.load("one")
    assert len(found) == 80
    assert names(10).keys() | names(60, 1000).keys() <= found.keys()


def test_bytes_are_bounded(cache: ImageCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 400_000)
    for first in range(0, 2000, 100):
        assert cache.keep("one", names(100, first))
    assert cache.path is not None
    assert cache.path.stat().st_size < 800_000
    assert 20 < sound(cache) < 300


def test_a_row_that_is_too_long_is_not_kept(cache: ImageCache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.keep("one", names(3) | {"long": b"x" * (module.MOST_ROW + 1)})
    assert len(cache.load("one")) == 3
    monkeypatch.setattr(module, "MOST_ROW", 100)
    assert cache.load("one") == {}


def test_what_is_used_is_marked_once_a_day(cache: ImageCache) -> None:
    now = 1_000_000_000
    cache.clock = lambda: now
    cache.keep("one", names(3))
    cache.load("one")
    assert not cache.aged
    now += DAY + 1
    cache.load("one")
    assert cache.aged
    cache.keep("one", {}, names(3))
    cache.load("one")
    assert not cache.aged
    now -= 10 * DAY  # a clock that was set back
    cache.load("one")
    assert cache.aged


# a file that is not ours, or no longer what it was


def _sql(text: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.unlink()
        with closing(sqlite3.connect(path)) as db:
            db.executescript(text)

    return make


def _zeros(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 3)
        file.write(b"\0" * (size // 3))


def _noise(path: Path) -> None:
    chance = random.Random(5)
    with path.open("r+b") as file:
        for _ in range(200):
            file.seek(chance.randrange(path.stat().st_size))
            file.write(chance.randbytes(7))


def _replaced(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def replace(path: Path) -> None:
        path.unlink()
        make(path)

    return replace


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 'one', i, 0, 0, x'00' FROM n"
DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "cut in the first page": lambda path: os.truncate(path, 700),
    "empty": lambda path: os.truncate(path, 0),
    "zeros": _zeros,
    "noise": _noise,
    "text": lambda path: path.write_text("not a database, but quite long " * 1000),
    "a header alone": lambda path: path.write_bytes(module.MAGIC + b"\xff" * 9000),
    "another database": _sql("CREATE TABLE image (a, b); INSERT INTO image VALUES (1, 2)"),
    "our version, other tables": _sql(f"CREATE TABLE x (a); PRAGMA user_version = {VERSION}"),
    "another version": _sql("CREATE TABLE image (a); PRAGMA user_version = 99"),
    "a view without an end": _sql(
        f"CREATE VIEW image (engine, id, used, crc, data) AS {ENDLESS}; PRAGMA user_version = {VERSION}"
    ),
    "a folder": _replaced(Path.mkdir),
    "a pipe": _replaced(os.mkfifo),
    "a link to nowhere": _replaced(lambda path: path.symlink_to("/no/such/file")),
    "a link to itself": _replaced(lambda path: path.symlink_to(path)),
    "a device": _replaced(lambda path: path.symlink_to("/dev/zero")),
    "a journal of somebody else": lambda path: path.with_name("images.db-journal").write_bytes(os.urandom(5000)),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_or_foreign_file_is_passed_over_and_made_anew(name: str, cache: ImageCache) -> None:
    cache.keep("one", names())
    assert cache.path is not None
    DAMAGE[name](cache.path)
    sound(cache)
    kept = cache.keep("one", names(5, 9000))
    sound(cache)
    if kept:
        assert names(5, 9000).items() <= cache.load("one").items()
    else:
        assert name in {"a folder", "a link to itself", "a link to nowhere", "cut", "zeros", "noise"}


def test_a_file_of_the_user_that_a_link_leads_to_is_left_alone(cache: ImageCache, tmp_path: Path) -> None:
    cache.keep("one", names())
    assert cache.path is not None
    own = tmp_path / "own.txt"
    own.write_text("mine")
    cache.path.unlink()
    cache.path.symlink_to(own)
    assert cache.keep("one", names(3))
    assert own.read_text() == "mine"


# a disk that is full, or cannot be written


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "images.db", Path("/proc/nothing/images.db")):
        assert not ImageCache(path).keep("one", names())
        assert ImageCache(path).load("one") == {}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["-t", "tmpfs", "-o", "size=256k", "none", str(disk)]
    if os.geteuid() or subprocess.run(["mount", *options], check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    cache = ImageCache(small_disk / "images.db")
    assert cache.keep("one", names(20))
    assert not cache.keep("one", names(1000, 100))
    assert cache.load("one") == names(20)
    with (small_disk / "rest").open("wb") as rest, pytest.raises(OSError, match="space"):
        rest.write(b"\0" * 400_000)
    assert not cache.keep("one", names(30, 100))
    assert cache.load("one") == names(20)


def test_a_read_only_home(small_disk: Path) -> None:
    cache = ImageCache(small_disk / "images.db")
    assert cache.keep("one", names(20))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert not cache.keep("one", names(5, 100))
    assert cache.load("one") == names(20)
    assert not ImageCache(small_disk / "new" / "images.db").keep("one", names(5))


# others who use it at the same time, and who are killed

WRITER = """
import hashlib, sys
from itertools import count
from pathlib import Path
from layerscope.state.cache import ImageCache
cache = ImageCache(Path(sys.argv[1]))
print("on", flush=True)
for first in count(int(sys.argv[2]), 40):
    names = [f"sha256:{number % 3000}" for number in range(first, first + 40)]
    cache.keep("one", {name: hashlib.sha256(name.encode()).digest() * 64 for name in names})
"""


def _kills(cache: ImageCache, count: int) -> None:
    chance = random.Random(count)
    command = [sys.executable, "-c", WRITER, str(cache.path)]
    for number in range(count):
        with subprocess.Popen([*command, str(number * 97)], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "on\n"
            time.sleep(chance.random() * 0.03)  # anywhere in its work
            writer.kill()
        sound(cache)
        assert cache.keep("one", names(1, 5000 + number))
        assert f"sha256:{5000 + number}" in cache.load("one")
    assert sound(cache) > 40


def test_a_writer_may_be_killed_at_any_moment(cache: ImageCache) -> None:
    _kills(cache, 12)


@pytest.mark.long
def test_two_hundred_kills(cache: ImageCache) -> None:
    _kills(cache, 200)


SESSION = """
import hashlib, sys
from pathlib import Path
from layerscope.state.cache import ImageCache
cache, mine = ImageCache(Path(sys.argv[1])), int(sys.argv[2])
for run in range(int(sys.argv[3])):
    print(run, flush=True)
    sys.stdin.readline()  # both go on at once
    for name, data in cache.load("one").items():
        assert data == hashlib.sha256(name.encode()).digest() * 64, name
    names = [f"sha256:{(run % 5) * 20 + number * 2 + mine % 3}" for number in range(40)]
    cache.keep("one", {name: hashlib.sha256(name.encode()).digest() * 64 for name in names}, names)
"""


def test_fifty_pairs_of_sessions_at_once(cache: ImageCache) -> None:
    command = [sys.executable, "-c", SESSION, str(cache.path)]
    sessions = [
        subprocess.Popen([*command, str(mine), "50"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for mine in range(2)
    ]
    for run in range(50):
        for session in sessions:
            assert session.stdout is not None
            assert session.stdout.readline() == f"{run}\n"
        if run % 10 == 9:  # and begun anew under both
            cache.clear()
        for session in sessions:
            assert session.stdin is not None
            session.stdin.write("\n")
            session.stdin.flush()
    assert [session.wait() for session in sessions] == [0, 0]
    assert sound(cache) > 20


def test_a_writer_that_hangs_is_not_waited_for(cache: ImageCache) -> None:
    cache.keep("one", names(5))
    assert cache.path is not None
    with closing(sqlite3.connect(cache.path, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        assert not cache.keep("one", names(5, 50))
        assert cache.load("one") == {}
        db.execute("ROLLBACK")
    assert cache.load("one") == names(5)
