"""Files of ours: private, whole, and none left over."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from layerscope.inventory import Engine
from layerscope.state.files import MAX_BYTES, private_folder, read_small, sweep, write_whole
from layerscope.state.removal_log import RemovalLog

ENGINE = Engine("docker", "1", "1.41", "overlay2", "graphdriver", "tcp://bob:hunter2@box:1", name="box")


def test_private_files_are_for_this_user_alone_whatever_they_were(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    private_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    path = folder / "file"
    path.write_text("old")
    path.chmod(0o644)
    write_whole(path, b"new", private=True)
    assert path.stat().st_mode & 0o777 == 0o600
    folder.chmod(0o755)
    private_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_what_a_killed_writer_left_is_swept_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    left, held, other = (
        tmp_path / name for name in (f".layerscope-{'0' * 16}.part", f".layerscope-{'1' * 16}.part", "x.part")
    )
    for path in (left, held, other):
        path.write_text("")
        os.utime(path, (time.time() - 60,) * 2)
    with held.open("r+") as living:
        fcntl.flock(living, fcntl.LOCK_EX)
        sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([held.name, other.name])


def test_only_regular_files_of_a_stated_size_are_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * MAX_BYTES)
    assert len(read_small(path)) == MAX_BYTES
    path.write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(ValueError, match="longer than"):
        read_small(path)
    os.mkfifo(tmp_path / "pipe")
    for odd in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ValueError, match="not a regular file"):
            read_small(odd)


def test_a_line_that_is_written_short_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = RemovalLog(tmp_path / "log", ENGINE, engine_id="the engine")
    log.stopped([], "told to end")
    assert "hunter2" not in (tmp_path / "log").read_text()
    assert '"engine_id": "the engine", "host": "box"' in (tmp_path / "log").read_text()
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:5]))
    log.stopped([], "told to end")
    assert "the disk is full" in log.problem
