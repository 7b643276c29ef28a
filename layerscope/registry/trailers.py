"""What a few bytes of a packed layer say about its size when unpacked. Never more than a likely figure.

gzip: RFC 1952, ISIZE, the last four bytes: length modulo 4 GiB, of the last member only.
zstd: RFC 8878, Frame_Content_Size, in the first bytes, of the first frame only, often left out.

A gzip blob may have several members, and nothing in it counts them. They show where the last one is short, as that of
BGZF is, where a footer says so (eStargz), where the last one says too little, and where what it says is no length of
a tar. Two long ones of whole blocks, as ``cat a.gz b.gz`` makes them of two tars, cannot be told from one without
fetching the blob: what the last one says is then too little by the others. No builder of images is known to write
them; it is one reason why a trailer never makes more than a likely figure.
"""

from __future__ import annotations

import re
import zlib

from layerscope.core.remote import RemoteLayer

GZIP_BYTES = 4096
"""At the end. Four would do for the size; the others are for a member that begins there."""
WHOLE = 8192
"""Bytes of a blob up to which all of it is fetched: its members are counted then."""
ZSTD_BYTES = 18
_SMALLEST_GZIP = 18
_GZIP_MAGIC = b"\x1f\x8b\x08"
_MOST_STARTS = 8
"""Of what looks like the start of a member: more do not come by chance, and each costs an attempt to unpack it."""
_BLOCK = 512
"""Every tar is so many bytes long, times a whole number (POSIX, "pax Interchange Format")."""
_STARGZ = b"STARGZ"
"""In the footer of an eStargz blob (stargz-snapshotter, ``docs/estargz.md``)."""
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_DEFLATE_RATIO = 1032
"""What deflate can save at most (zlib's "Technical Details")."""


def span(layer: RemoteLayer) -> tuple[int, int] | None:
    """Return the first and last byte to fetch of a layer's blob, None where no bytes would tell."""
    if layer.packing == "gzip" and layer.packed >= _SMALLEST_GZIP:
        return 0 if layer.packed <= WHOLE else layer.packed - GZIP_BYTES, layer.packed - 1
    if layer.packing == "zstd" and layer.packed >= ZSTD_BYTES:
        return 0, ZSTD_BYTES - 1
    return None


def tar_size(layer: RemoteLayer, found: bytes) -> tuple[int, str] | None:
    """Return the likely bytes of the tar, and who says so; None where what was ``found`` in the span does not tell.

    A trailer that says less than the packed size speaks of the last of several members, or of more
    than 4 GiB; stored blocks cost five bytes in 16 KiB, which is allowed for.
    """
    size: int | None
    if layer.packing == "gzip":
        size, source = None if _has_members(layer, found) else _gzip_size(found), "gzip trailer"
    else:
        size, source = _frame_size(found), "zstd frame"
    if size is None or size % _BLOCK or size < layer.packed - layer.packed // 1000 - 64:
        return None
    if layer.packing == "gzip" and size > layer.packed * _DEFLATE_RATIO:
        return None
    return size, source


def _has_members(layer: RemoteLayer, found: bytes) -> bool:
    """Does it show that a blob is of several members, or no gzip at all?"""
    if len(found) == layer.packed:
        return not _is_member(found)
    if _STARGZ in found[-64:]:
        return True
    starts = [match.start() for match in re.finditer(_GZIP_MAGIC, found)]
    return len(starts) > _MOST_STARTS or any(_is_member(found[at:]) for at in starts)


def _is_member(data: bytes) -> bool:
    """Is ``data`` one whole member, its checksum right?"""
    member = zlib.decompressobj(wbits=31)
    try:
        member.decompress(data)
    except zlib.error:
        return False
    return member.eof and not member.unused_data


def _gzip_size(tail: bytes) -> int | None:
    return int.from_bytes(tail[-4:], "little") if len(tail) >= _SMALLEST_GZIP else None


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
