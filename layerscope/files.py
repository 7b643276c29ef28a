"""Files written whole or not at all, and what went wrong in words."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

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


def write_whole(path: Path, data: bytes) -> None:
    """Put ``data`` into the file ``path`` so that nobody ever sees, or is left with, a part of it.

    Written to a new file in the same folder, forced to disk, then renamed over the
    old one, which keeps its permissions (a new file gets those of the umask). A
    symbolic link is followed; a device or pipe is written to directly. Raises
    OSError, or ValueError for what is no file name, and leaves nothing behind.
    """
    try:
        old = path.stat()
    except FileNotFoundError:
        old = None
    if old is not None and not stat.S_ISREG(old.st_mode):
        with path.open("wb") as stream:
            stream.write(data)
        return
    path = Path(os.path.realpath(path))
    if old is not None and not os.access(path, os.W_OK):  # renaming over it would work, and surprise
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    # The name is short whatever the target's is. Opened like this, the kernel applies the umask.
    part = path.parent / f".layerscope-{secrets.token_hex(8)}.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with open(descriptor, "wb") as stream:  # noqa: PTH123 (a descriptor)
            if old is not None:
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
