"""The few protobuf messages that are read and written here, by hand: a wire format of four field types.

Messages of containerd (``api/services/content/v1/content.proto``) and BuildKit
(``api/services/control/control.proto``). A field that is not known is skipped, as
protobuf wants it; anything that is not the wire format is :class:`BadMessage`.
"""

from __future__ import annotations

from collections.abc import Iterator

Value = int | bytes
_LONGEST_VARINT = 10
"""Bytes: 64 bits in groups of seven."""


class BadMessage(ValueError):
    """Bytes that are no protobuf message."""


def fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """Yield (field number, value) in order: an int for varints, bytes for everything else. Raises BadMessage."""
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == 2:
            length, at = _varint(message, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise BadMessage(f"wire type {kind}")
        if at + length > end:
            raise BadMessage("a field reaches beyond the end of its message")
        yield number, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    result = 0
    for shift in range(_LONGEST_VARINT):
        if at >= len(message):
            raise BadMessage("cut short in a number")
        byte = message[at]
        at += 1
        result |= (byte & 127) << (7 * shift)
        if byte < 128:
            return result & (2**64 - 1), at
    raise BadMessage("a number of more than 64 bits")


def text(value: Value) -> str:
    """Return a string field. Bytes that are no UTF-8 are replaced."""
    if not isinstance(value, bytes):
        raise BadMessage("a number where text belongs")
    return value.decode("utf-8", "replace")


def number(value: Value) -> int:
    """Return an int64 field."""
    if not isinstance(value, int):
        raise BadMessage("bytes where a number belongs")
    return value - 2**64 if value >= 2**63 else value


def inner(value: Value) -> Iterator[tuple[int, Value]]:
    """Yield the fields of a message inside a message."""
    if not isinstance(value, bytes):
        raise BadMessage("a number where a message belongs")
    return fields(value)


def pair(value: Value) -> tuple[str, str]:
    """Return one entry of a ``map<string, string>``."""
    found = {1: "", 2: ""}
    for key, item in inner(value):
        if key in found:
            found[key] = text(item)
    return found[1], found[2]


def seconds(value: Value) -> int | None:
    """Return the Unix seconds of a ``google.protobuf.Timestamp``, None for Go's zero time."""
    found = next((number(item) for key, item in inner(value) if key == 1), 0)
    return None if found <= -62135596800 else found


def string_field(key: int, value: str) -> bytes:
    """Return a string field to send."""
    data = value.encode()
    return _key(key, 2) + _number(len(data)) + data


def varint_field(key: int, value: int) -> bytes:
    """Return a field of a number that is not negative, to send."""
    return _key(key, 0) + _number(value)


def _key(key: int, kind: int) -> bytes:
    return _number(key << 3 | kind)


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
