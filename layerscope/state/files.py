"""Files written whole or not at all, and what went wrong in words."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from layerscope.units import count

MAX_BYTES = 1 << 20
"""The longest file of settings that is read, ours or docker's."""

_PART = re.compile(r"\.layerscope-[0-9a-f]{16}\.part")
_MOMENT = 1.0
"""Seconds that a file may be there before its writer has locked it."""

_NEXT = {
    errno.ENOSPC: "the disk is full; make room, or save elsewhere",
    errno.EDQUOT: "the disk quota is used up; make room, or save elsewhere",
    errno.EACCES: "permission denied; choose a file that you have access to",
    errno.EPERM: "not permitted; choose a file that you have access to",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.ENOENT: "no such file or folder; check the path",
    errno.ENOTDIR: "a part of the path is no folder; check the path",
    errno.EISDIR: "it is a folder; name a file",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}


def cause(error: Exception) -> str:
    """Return why a file could not be read or written and what to do, on one line."""
    number = error.errno if isinstance(error, OSError) else None
    if number in _NEXT:
        return _NEXT[number]
    return (error.strerror if isinstance(error, OSError) else None) or " ".join(str(error).split())


def read_small(path: Path, most: int = MAX_BYTES) -> bytes:
    """Return what is in the regular file ``path``, of at most ``most`` bytes; a pipe or a device is not waited for.

    Raises OSError, or ValueError that says why not.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as stream:  # noqa: PTH123 (a descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a regular file")
        data = stream.read(most + 1)
    if len(data) > most:
        raise ValueError(f"longer than {count(most, 'byte')}")
    return data


def check_writable(path: Path) -> os.stat_result | None:
    """Return what is at ``path`` now, None for nothing. Raises OSError if a file cannot be put there."""
    try:
        found = path.stat()
    except FileNotFoundError:
        found = None
    if found is not None and stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    folder = Path(os.path.realpath(path)).parent
    if found is None and not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    # A file without write permission could be replaced all the same, which would surprise.
    replaceable = found is None or stat.S_ISREG(found.st_mode)
    if not os.access(path if found else folder, os.W_OK) or (replaceable and not os.access(folder, os.W_OK)):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return found


def private_folder(folder: Path) -> None:
    """Make a folder of ours, and those above it where they are missing, for this user alone. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:  # made by an earlier version
        folder.chmod(0o700)


def sweep(folder: Path | None) -> None:
    """Remove the unfinished files in ``folder`` of writers that were killed; those of living ones are locked."""
    if folder is None:
        return
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _PART.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    _remove_unfinished(entry)


def _remove_unfinished(entry: os.DirEntry[str]) -> None:
    if time.time() - entry.stat(follow_symlinks=False).st_mtime < _MOMENT:
        return  # perhaps not locked yet
    descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if _lock(descriptor):
            os.unlink(entry.path)  # noqa: PTH108 (an entry of a folder)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Take the lock of a file; False where another process has it."""
    try:
        import fcntl  # noqa: PLC0415 (not everywhere)

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        return False
    except OSError:
        return False
    return True


@contextlib.contextmanager
def locked(path: Path, patience: float) -> Iterator[None]:
    """Hold the lock ``path`` against other sessions, waiting ``patience`` seconds for it.

    Raises TimeoutError, or OSError where there can be none.
    """
    try:
        import fcntl  # noqa: PLC0415 - not everywhere
    except ImportError:  # no locks here: as it was, the last one writes
        yield
        return
    with path.open("ab") as lock:
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise TimeoutError from None
                time.sleep(0.01)
        yield  # closing it lets go


def write_whole(path: Path, data: bytes, *, private: bool = False) -> None:
    """Put ``data`` into the file ``path`` so that nobody ever sees, or is left with, a part of it.

    Written to a new file in the same folder, forced to disk, then renamed over the
    old one, which keeps its permissions (a new file gets those of the umask). A
    ``private`` file is for this user alone, whatever it was. A
    symbolic link is followed; a device or pipe is written to directly. Raises
    OSError, or ValueError for what is no file name, and leaves nothing behind.
    """
    old = check_writable(path)
    if old is not None and not stat.S_ISREG(old.st_mode):
        with path.open("wb") as stream:
            stream.write(data)
        return
    path = Path(os.path.realpath(path))
    sweep(path.parent)
    # The name is short whatever the target's is. Opened like this, the kernel applies the umask.
    part = path.parent / f".layerscope-{os.urandom(8).hex()}.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600 if private else 0o666)
    _lock(descriptor)
    try:
        with open(descriptor, "wb") as stream:  # noqa: PTH123 (a descriptor)
            if old is not None and not private:
                os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename last through a power cut, on file systems that can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
