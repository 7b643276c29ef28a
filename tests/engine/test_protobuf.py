"""The protobuf decoder takes what encoders write, skips what it does not know, and ends on anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.engine import protobuf as pb


@given(st.integers(1, 2**28), st.integers(0, 2**63 - 1), st.text(st.characters(exclude_categories=("Cs",))))
def test_what_is_written_is_read(key: int, number: int, text: str) -> None:
    message = pb.varint_field(key, number) + pb.string_field(key + 1, text)
    assert list(pb.fields(message)) == [(key, number), (key + 1, text.encode())]


def test_a_negative_number_is_read_as_such() -> None:
    ((_, value),) = pb.fields(b"\x08" + b"\xff" * 9 + b"\x01")
    assert pb.number(value) == -1


def test_fixed_fields_are_passed_over_whole() -> None:
    message = b"\x09" + b"12345678" + b"\x15" + b"1234" + pb.varint_field(3, 7)
    assert list(pb.fields(message)) == [(1, b"12345678"), (2, b"1234"), (3, 7)]


def test_a_date_of_year_one_is_none() -> None:
    assert pb.seconds(pb.varint_field(1, 1_700_000_000)) == 1_700_000_000
    assert pb.seconds(b"\x08" + pb.varint_field(1, 2**64 - 62135596800)[1:]) is None


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_a_bad_message(data: bytes) -> None:
    try:
        found = list(pb.fields(data))
    except pb.BadMessage:
        return
    assert sum(len(value) if isinstance(value, bytes) else 1 for _, value in found) <= len(data)


@pytest.mark.parametrize("data", [b"\x0a\x05abc", b"\x08", b"\x08" + b"\xff" * 11, b"\x0b", b"\x0d123"])
def test_what_is_cut_short_or_no_wire_type_is_a_bad_message(data: bytes) -> None:
    with pytest.raises(pb.BadMessage):
        list(pb.fields(data))


def test_a_field_of_the_wrong_kind_is_a_bad_message() -> None:
    for read, value in ((pb.text, 1), (pb.number, b"x"), (pb.pair, 1), (pb.seconds, 1)):
        with pytest.raises(pb.BadMessage):
            read(value)  # type: ignore[operator]
