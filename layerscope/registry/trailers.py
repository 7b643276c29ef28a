"""What a few bytes of a packed layer say about its size when unpacked. Never more than a likely figure.

gzip: RFC 1952, ISIZE, the last four bytes: length modulo 4 GiB, of the last member only.
zstd: RFC 8878, Frame_Content_Size, in the first bytes, of the first frame only, often left out.
"""

from __future__ import annotations

from layerscope.core.remote import RemoteLayer

GZIP_BYTES = 64
"""Eight would do for the size; an eStargz footer, which says that there are many members, takes 51."""
ZSTD_BYTES = 18
_SMALLEST_GZIP = 18
_STARGZ = b"STARGZ"
"""In the footer of an eStargz blob (stargz-snapshotter, ``docs/estargz.md``)."""
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_DEFLATE_RATIO = 1032
"""What deflate can save at the most (zlib's "Technical Details")."""


def span(layer: RemoteLayer) -> tuple[int, int] | None:
    """Return the first and last byte to fetch of a layer's blob, None where no bytes would tell."""
    if layer.packing == "gzip" and layer.packed >= _SMALLEST_GZIP:
        return max(0, layer.packed - GZIP_BYTES), layer.packed - 1
    if layer.packing == "zstd" and layer.packed >= ZSTD_BYTES:
        return 0, ZSTD_BYTES - 1
    return None


def tar_size(layer: RemoteLayer, found: bytes) -> tuple[int, str] | None:
    """Return the likely bytes of the tar, and who says so; None where that cannot be so.

    A trailer that says less than the packed size speaks of the last of several members, or of more
    than 4 GiB; stored blocks cost five bytes in 16 KiB, which is allowed for.
    """
    size: int | None
    if layer.packing == "gzip":
        size, source = _gzip_size(found), "gzip trailer"
    else:
        size, source = _frame_size(found), "zstd frame"
    if size is None or size < layer.packed - layer.packed // 1000 - 64:
        return None
    if layer.packing == "gzip" and size > layer.packed * _DEFLATE_RATIO:
        return None
    return size, source


def _gzip_size(tail: bytes) -> int | None:
    if len(tail) < _SMALLEST_GZIP or _STARGZ in tail:
        return None
    return int.from_bytes(tail[-4:], "little")


def _frame_size(head: bytes) -> int | None:
    if len(head) < ZSTD_BYTES or not head.startswith(_ZSTD_MAGIC):
        return None
    flags = head[4]
    single = bool(flags & 0x20)
    width = (1 if single else 0, 2, 4, 8)[flags >> 6]
    at = 5 + (0 if single else 1) + (0, 1, 2, 4)[flags & 3]
    if not width:
        return None
    return int.from_bytes(head[at : at + width], "little") + (256 if width == 2 else 0)
