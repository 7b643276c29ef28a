"""Scans at the edges of what is allowed: what is missing, there twice, one too many, or only just right."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from layerscope.inventory import Container, Engine, HistoryEntry, Image, Inventory
from layerscope.sources import scanread
from layerscope.sources.scanfile import ScanFileError, check_target, dumps, load_inventory, loads, save_inventory

ENGINE = Engine("docker", "28.5.2", "1.51", "overlay2", "graphdriver", "unix:///var/run/docker.sock")
BASE = HistoryEntry("ADD rootfs.tar /", 117_000_000, created=1_700_000_000)
SMALL = Inventory(
    ENGINE,
    images=(Image("sha256:a", tags=("a:1",), diff_ids=("sha256:1",), history=(BASE,)),),
    containers=(Container("c1", "web", "sha256:a", "a:1", "running"), Container("c2", "db", "sha256:a", "a:1", "dead")),
)


def document(**changes: Any) -> dict[str, Any]:
    return json.loads(dumps(SMALL)) | changes  # type: ignore[no-any-return]


def complaint(data: bytes | dict[str, Any]) -> str:
    with pytest.raises(ScanFileError) as refused:
        loads(data if isinstance(data, bytes) else json.dumps(data).encode(), "scan.json")
    return str(refused.value)


@pytest.mark.parametrize("table", ["layers", "history", "images"])
def test_a_table_that_is_missing_is_named(table: str) -> None:
    found = document()
    del found[table]
    assert complaint(found) == f'scan.json: not a layerscope scan: no "{table}" in it'


@pytest.mark.parametrize("table", ["layers", "history"])
def test_a_table_that_is_none_is_named(table: str) -> None:
    assert complaint(document(**{table: {}})) == (
        f"scan.json: not a layerscope scan: {table}: expected a list, got an object"
    )


def test_containers_that_are_there_twice_are_refused() -> None:
    found = document()
    found["containers"][1]["id"] = "c1"
    line = "containers[1].id: the same as that of containers[0]"
    assert complaint(found) == f"scan.json: not a layerscope scan: {line}"


@pytest.mark.parametrize(
    ("value", "fits"), [(2**63 - 1, True), (2**63, False), (-(2**63), True), (-(2**63) - 1, False)]
)
def test_a_number_fits_in_64_bits(value: int, fits: bool) -> None:
    data = json.dumps(document(taken_at=value)).encode()
    if fits:
        assert loads(data).taken_at == value
    else:
        assert "expected a whole number" in complaint(data)


@pytest.mark.parametrize(("place", "fits"), [(-1, False), (0, True), (1, False), (True, False), (0.0, False)])
def test_a_place_is_one_in_the_table(place: object, fits: bool) -> None:
    found = document()
    found["images"][0]["diff_ids"] = [place]
    if fits:
        assert loads(json.dumps(found).encode()).images == SMALL.images
    else:
        assert "images[0].diff_ids[0]: expected a place in a table of 1, got " in complaint(found)


def test_sizes_may_be_nothing_and_not_less() -> None:
    found = document()
    found["images"][0]["engine_size"] = 0
    assert loads(json.dumps(found).encode()).images[0].engine_size == 0
    found["images"][0]["engine_size"] = None
    assert loads(json.dumps(found).encode()).images[0].engine_size is None
    found["images"][0]["engine_size"] = -1
    assert "expected a number of bytes, got -1" in complaint(found)


def test_none_and_no_layers_are_told_apart() -> None:
    images = (Image("sha256:a", diff_ids=(), history=()), Image("sha256:b"))
    back = loads(dumps(Inventory(ENGINE, images))).images
    assert (back[0].diff_ids, back[0].history) == ((), ())
    assert (back[1].diff_ids, back[1].history) == (None, None)


def test_what_has_its_default_is_not_written_and_a_loaded_scan_is_saved_like_a_fresh_one() -> None:
    text = dumps(SMALL).decode()
    assert "from_file" not in text
    assert "note" not in text
    assert dumps(loads(dumps(SMALL))) == dumps(SMALL)
    assert loads(dumps(SMALL)).from_file


def test_one_record_a_line_so_that_scans_can_be_compared_with_diff() -> None:
    lines = dumps(SMALL).decode().splitlines()
    assert lines[0] == '{"schema":"layerscope.scan/2",'
    assert [line for line in lines if line.startswith('{"id":"c')] == [
        '{"id":"c1","name":"web","image_id":"sha256:a","image":"a:1","state":"running"},',
        '{"id":"c2","name":"db","image_id":"sha256:a","image":"a:1","state":"dead"}]}',
    ]
    assert dumps(SMALL).endswith(b"]}\n")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("layerscope.scan/3", "made by a newer layerscope (layerscope.scan/3)"),
        ("layerscope.scan/10", "made by a newer layerscope (layerscope.scan/10)"),
        ("layerscope.scan/0", 'its schema is "layerscope.scan/0"'),
        ("layerscope.scan/01", 'its schema is "layerscope.scan/01"'),
        ("layerscope.scan/x", 'its schema is "layerscope.scan/x"'),
        ("layerscopexscan/1", 'no "schema" of layerscope'),
        (7, 'no "schema" of layerscope'),
        (None, 'no "schema" of layerscope'),
    ],
)
def test_another_schema_is_told_for_what_it_is(schema: object, words: str) -> None:
    assert words in complaint(document(schema=schema))


@pytest.mark.parametrize(("length", "shown"), [(38, '"' + "x" * 38 + '"'), (39, '"' + "x" * 38 + "…")])
def test_a_long_value_is_cut_where_it_is_shown(length: int, shown: str) -> None:
    assert complaint(document(taken_at="x" * length)).endswith(f"got {shown}")


def test_a_document_may_have_a_byte_order_mark_and_space_around_it() -> None:
    assert loads(b"\xef\xbb\xbf \n" + dumps(SMALL) + b" \n\n") == loads(dumps(SMALL))


def test_text_that_is_cut_is_told_from_text_that_is_wrong() -> None:
    data = dumps(SMALL)
    assert complaint(data[:-2]).startswith("scan.json: cut short: the JSON breaks off at line ")
    assert complaint(data[:-3] + b"x}\n").startswith("scan.json: not a layerscope scan: not JSON: ")
    assert complaint(b'{"a":1,,').startswith("scan.json: not a layerscope scan: not JSON: ")


def test_gzip_that_is_damaged_is_told_as_that() -> None:
    packed = bytearray(gzip.compress(dumps(SMALL)))
    assert "the gzip data ends too early" in complaint(bytes(packed[:-1]))
    packed[-5] ^= 255
    assert complaint(bytes(packed)).startswith("scan.json: damaged gzip data (")
    packed = bytearray(gzip.compress(dumps(SMALL)))
    packed[12] ^= 255
    assert "gzip data" in complaint(bytes(packed))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("more", [0, 1])
def test_the_largest_document_is_read_and_no_larger_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, packed: bool, more: int
) -> None:
    data = dumps(SMALL)
    monkeypatch.setattr(scanread, "LIMITS", replace(scanread.LIMITS, bytes=len(data) - more))
    (tmp_path / "scan.json").write_bytes(gzip.compress(data) if packed else data)
    if more:
        with pytest.raises(ScanFileError, match="larger than 0 MiB"):
            load_inventory(tmp_path / "scan.json")
    else:
        assert load_inventory(tmp_path / "scan.json").images == SMALL.images


def test_an_endless_file_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(io.RawIOBase):
        taken = 0

        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= 1 << 20
            self.taken += size
            return b" " * size

    stream = Endless()
    with pytest.raises(ScanFileError, match="no value is complete within 4 MiB"):
        load_inventory(stream)  # type: ignore[arg-type]
    assert stream.taken < 5 << 20


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_a_device_is_no_scan(path: str) -> None:
    with pytest.raises(ScanFileError, match=f"^{path}: cannot be read: neither a regular file nor a pipe"):
        load_inventory(path)


def test_a_pipe_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(dumps(SMALL),))
    writer.start()
    assert load_inventory(tmp_path / "pipe").images == SMALL.images
    writer.join()


# --- streams ------------------------------------------------------------------


def test_standard_output_and_input(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", out)
    save_inventory(SMALL, "-")
    assert out.buffer.getvalue() == dumps(SMALL)  # type: ignore[attr-defined]
    check_target("-")


def test_standard_output_is_no_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "-").mkdir()
    monkeypatch.chdir(tmp_path)
    check_target("-")


def test_a_keyboard_is_no_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    class Keyboard(io.BytesIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Keyboard(dumps(SMALL))))
    with pytest.raises(ScanFileError) as refused:
        load_inventory("-")
    assert str(refused.value) == ("standard input: cannot be read: it is the keyboard; redirect a scan into it")


def test_streams_that_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(ScanFileError, match=r"^standard input: cannot be read: it is closed; redirect it to or from a"):
        load_inventory("-")
    with pytest.raises(ScanFileError, match=r"^standard output: not saved: it is closed; redirect it to or from a"):
        save_inventory(SMALL, "-")


def test_a_reader_that_has_gone_is_not_hidden() -> None:
    class Gone(io.BytesIO):
        def write(self, data: object) -> int:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        save_inventory(SMALL, Gone())


def test_what_is_written_is_flushed() -> None:
    class Flushed(io.BytesIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1

    stream = Flushed()
    save_inventory(SMALL, stream)
    assert stream.flushed


def test_a_target_that_must_fail_is_told_before(tmp_path: Path) -> None:
    check_target(tmp_path / "new.json")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ScanFileError, match="not saved: "):
        check_target(tmp_path / "nowhere" / "new.json")


def test_a_long_name_is_cut(tmp_path: Path) -> None:
    with pytest.raises(ScanFileError) as refused:
        loads(b"", "n" * 300)
    assert str(refused.value) == "n" * 199 + "…: not a layerscope scan: empty"
    with pytest.raises(ScanFileError) as refused:
        load_inventory("n" * 300)
    assert str(refused.value).startswith("n" * 199 + "…: cannot be read: ")
    with pytest.raises(ScanFileError) as refused:
        save_inventory(SMALL, "n" * 300)
    assert str(refused.value).startswith("n" * 199 + "…: not saved: ")


def test_gzip_by_name_whatever_the_case_and_without_a_date(tmp_path: Path) -> None:
    save_inventory(SMALL, tmp_path / "a.JSON.GZ")
    data = (tmp_path / "a.JSON.GZ").read_bytes()
    assert data[:2] == b"\x1f\x8b"
    assert data[4:8] == b"\0\0\0\0"
    assert gzip.decompress(data) == dumps(SMALL)
