"""A saved scan is the scan, or it is refused in one line; half a file is never left behind."""

import contextlib
import errno
import gzip
import io
import json
import os
import random
import stat
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from layerscope.inventory import Blob, Container, ContentStore, Engine, HistoryEntry, Image, Inventory
from layerscope.sources import scanread
from layerscope.sources.scanfile import ScanFileError, ScanFileNotSaved, dumps, load_inventory, loads, save_inventory
from tests.strategies import inventories

ENGINE = Engine("docker", "28.5.2", "1.51", "overlay2", "graphdriver", "unix:///var/run/docker.sock")
BASE = HistoryEntry("ADD rootfs.tar / # buildkit", 117_000_000, created=1_700_000_000)
SMALL = Inventory(
    ENGINE,
    images=(
        Image("sha256:a", tags=("a:1",), diff_ids=("sha256:1",), history=(BASE,)),
        Image("sha256:b", diff_ids=("sha256:1", "sha256:2"), history=(BASE, HistoryEntry("RUN true", 5))),
        Image("sha256:c", note="refused"),
    ),
    containers=(Container("c1", "web", "sha256:a", "a:1", "running"),),
    taken_at=1_780_000_000,
)


# --- there and back -----------------------------------------------------------


@given(inventories)
def test_scan_to_file_to_scan_is_the_identity(inventory: Inventory) -> None:
    data = dumps(inventory)
    assert loads(data) == replace(inventory, from_file=True)
    assert dumps(loads(data)) == data


def test_what_is_no_json_is_never_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps(replace(SMALL, taken_at=float("nan")))


def test_what_is_only_of_this_session_is_not_written() -> None:
    here = replace(SMALL, from_file=True, sample=True, serial=7, clock_ahead=9, only_first=True)
    assert dumps(here) == dumps(SMALL)


def test_a_scan_that_could_not_be_read_is_not_saved(tmp_path: Path) -> None:
    twice = replace(SMALL, images=(SMALL.images[0], SMALL.images[0]))
    with pytest.raises(ScanFileNotSaved) as refused:
        save_inventory(twice, tmp_path / "scan.json")
    line = str(refused.value)
    assert line.startswith(f"{tmp_path / 'scan.json'}: not a layerscope scan: images")
    assert line.endswith("; not saved")
    assert not list(tmp_path.iterdir())


def test_a_scan_without_a_name_is_told_as_scan() -> None:
    with pytest.raises(ScanFileError, match=r"^scan: "):
        loads(b"")


@given(inventories)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_gzip_by_name_or_not_by_name_it_is_read(tmp_path: Path, inventory: Inventory) -> None:
    for name in ("a.json", "a.json.gz"):
        save_inventory(inventory, tmp_path / name)
    assert (tmp_path / "a.json.gz").read_bytes()[:2] == b"\x1f\x8b"
    (tmp_path / "a.json.gz").rename(tmp_path / "b.json")
    assert load_inventory(tmp_path / "a.json") == load_inventory(str(tmp_path / "b.json"))


def test_the_same_scan_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_inventory(SMALL, tmp_path / "1.gz")
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    save_inventory(SMALL, tmp_path / "2.gz")
    assert (tmp_path / "1.gz").read_bytes() == (tmp_path / "2.gz").read_bytes()


def test_the_document_is_one_json_object_that_names_its_schema() -> None:
    document = json.loads(dumps(SMALL))
    assert next(iter(document)) == "schema"
    assert document["schema"] == "layerscope.scan/2"
    assert [image["id"] for image in document["images"]] == ["sha256:a", "sha256:b", "sha256:c"]
    assert [document["layers"][place] for place in document["images"][1]["diff_ids"]] == ["sha256:1", "sha256:2"]


def test_what_images_share_is_kept_once_on_disk_and_in_memory() -> None:
    data = dumps(SMALL)
    assert data.count(b"ADD rootfs.tar") == 1
    assert data.count(b'"sha256:1"') == 1
    first, second, _ = loads(data).images
    assert first.history is not None
    assert second.history is not None
    assert first.history[0] is second.history[0]


def test_a_scan_of_five_thousand_images_is_small() -> None:
    entries = [HistoryEntry(f"RUN step {n}", n, created=n) for n in range(40_000)]
    images = tuple(
        Image(
            f"sha256:{n:064x}",
            tags=(f"app:{n}",),
            diff_ids=tuple(f"sha256:{n % 2000 * 20 + place:064x}" for place in range(20)),
            history=tuple(entries[n % 2000 * 20 : n % 2000 * 20 + 20]),
        )
        for n in range(5000)
    )
    data = dumps(Inventory(ENGINE, images))
    assert loads(data).images == images
    assert len(data) < 10_000_000


# --- what is refused, and how -------------------------------------------------


def changed(**changes: Any) -> bytes:
    return json.dumps(json.loads(dumps(SMALL)) | changes).encode()


def with_image(**changes: Any) -> bytes:
    document = json.loads(dumps(SMALL))
    document["images"][1] |= changes
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "not a layerscope scan: empty"),
        (b" \n", "not a layerscope scan: empty"),
        (b"\x00\xff\x00", "not a layerscope scan: not JSON: invalid char in json text. at line 1"),
        (b'{"a": "\xff"}', "not a layerscope scan: not UTF-8 text at line 1"),
        (b"hello", "not a layerscope scan: not JSON: invalid char in json text. at line 1"),
        (b"nul", "not a layerscope scan: not JSON: it is no value"),
        (b'{\n"schema": "layerscope.scan/2"} x', "not a layerscope scan: not JSON: trailing garbage at line 2"),
        (b'{"schema": "layerscope.scan/2", "schema": 2}', 'not a layerscope scan: "schema": it is there twice'),
        (b"[1, 2]", "not a layerscope scan: expected an object, got a list"),
        (b"{}", 'not a layerscope scan: no "schema" of layerscope in it'),
        (b'{"schema": "other/1"}', 'not a layerscope scan: no "schema" of layerscope in it'),
        (
            b'{"schema": "layerscope.report/1"}',
            'not a layerscope scan: its schema is "layerscope.report/1", not layerscope.scan/2; '
            "make a scan with: layerscope export",
        ),
        (
            b'{"schema": "layerscope.scan/3", "images": 1}',
            "made by a newer layerscope (layerscope.scan/3); update layerscope to read it",
        ),
        (b'{"schema": NaN}', "not a layerscope scan: not JSON: invalid char in json text. at line 1"),
        (b'{"a":' * 100_000, "not a layerscope scan: nested too deeply"),
        (b'{"schema": ' + b"9" * 5000 + b"}", "not a layerscope scan: a number in it is too long, at line 1"),
        (dumps(SMALL)[:320], "cut short: the JSON breaks off at line 8; copy or export it again"),
        (gzip.compress(dumps(SMALL))[:90], "cut short: the gzip data ends too early; copy or export it again"),
        (changed(images=5), "not a layerscope scan: images: expected a list, got 5"),
        (changed(images=[7]), "not a layerscope scan: images[0]: expected an object, got 7"),
        (changed(taken_at="now"), 'not a layerscope scan: taken_at: expected a whole number, got "now"'),
        (changed(taken_at=1.0), "not a layerscope scan: taken_at: expected a whole number, got 1.0"),
        (changed(taken_at=True), "not a layerscope scan: taken_at: expected a whole number, got true"),
        (changed(taken_at=2**63), "not a layerscope scan: taken_at: expected a whole number, got 9223372036854775808"),
        (changed(complete=None), "not a layerscope scan: complete: expected true or false, got null"),
        (changed(colour=1), 'not a layerscope scan: unknown field "colour"'),
        (
            changed(engine={"kind": "lxd"}),
            'not a layerscope scan: engine.kind: expected docker or podman, got "lxd"',
        ),
        (changed(engine={"kind": "docker"}), 'not a layerscope scan: engine: no "version" in it'),
        (
            changed(history=[{"created_by": "x", "size": "x"}]),
            'not a layerscope scan: history[0].size: expected a whole number, got "x"',
        ),
        (
            changed(history=[{"created_by": "x", "size": -2}]),
            "not a layerscope scan: history[0].size: expected a number of bytes, got -2",
        ),
        (with_image(tags=["b", None]), "not a layerscope scan: images[1].tags[1]: expected text, got null"),
        (
            with_image(history=[2]),
            "not a layerscope scan: images[1].history[0]: expected a place in a table of 2, got 2",
        ),
        (with_image(labels=[["k"]]), "not a layerscope scan: images[1].labels[0]: expected a list of 2, got a list"),
        (
            with_image(engine_size=-5),
            "not a layerscope scan: images[1].engine_size: expected a number of bytes, got -5",
        ),
        (with_image(id="sha256:a"), "not a layerscope scan: images[1].id: the same as that of images[0]"),
        (
            with_image(tags=[], note=["\x1b[2J\n" * 99]),
            "not a layerscope scan: images[1].note: expected text, got a list",
        ),
        (
            with_image(**{"\x1b[2J\n": 1}),
            'not a layerscope scan: images[1]: unknown field "\\u001b[2J\\n"',
        ),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,
)
def test_what_is_no_sound_scan_is_refused_with_what_and_where(data: bytes, line: str) -> None:
    with pytest.raises(ScanFileError) as refused:
        loads(data, "scan.json")
    assert str(refused.value) == f"scan.json: {line}"


def test_a_hostile_file_name_stays_on_its_line(tmp_path: Path) -> None:
    with pytest.raises(ScanFileError) as refused:
        load_inventory(tmp_path / "no\n\x1b[2J.json")
    assert str(refused.value).isprintable()


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = 0

    class Counted(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            nonlocal taken
            piece = super().read(size)
            taken += len(piece)
            return piece

    monkeypatch.setattr(scanread, "LIMITS", replace(scanread.LIMITS, bytes=1 << 20))
    packed = gzip.compress(b'{"schema":' + bytes(random.Random(1).choices(b" \n\t\r", k=4 << 20)))
    with pytest.raises(ScanFileError, match="larger than 1 MiB"):
        load_inventory(Counted(packed))
    assert taken < len(packed) / 2, "and not read to its end"


GOOD, PACKED = dumps(SMALL), gzip.compress(dumps(SMALL), mtime=0)


@given(st.sampled_from([GOOD, PACKED]), st.data())
@settings(max_examples=300)
def test_a_damaged_file_is_refused_or_sound_never_anything_else(good: bytes, data: st.DataObject) -> None:
    damaged = bytearray(good)
    for place in data.draw(st.lists(st.integers(0, len(good) - 1), max_size=4)):
        damaged[place] = data.draw(st.integers(0, 255) | st.sampled_from(b'"0-9[]{},:\\ntfe.'))
    cut = bytes(damaged[: data.draw(st.just(len(good)) | st.integers(0, len(good)))])
    with contextlib.suppress(ScanFileError):
        found = loads(cut)
        assert loads(dumps(found)) == found


# --- files --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["missing.json", "folder", "scan.json/x", "\0", "x" * 300])
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "scan.json").write_bytes(GOOD)
    with pytest.raises(ScanFileError, match=r"cannot be read: [\w ]+"):
        load_inventory(tmp_path / name)


@pytest.mark.parametrize("name", ["no-folder/scan.json", "folder", "scan.json/x", "\0", "x" * 300])
def test_a_file_that_cannot_be_written_says_why(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "scan.json").write_bytes(b"old")
    with pytest.raises(ScanFileError, match=r"not saved: [\w ]+"):
        save_inventory(SMALL, tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "scan.json"]
    assert (tmp_path / "scan.json").read_bytes() == b"old"


@pytest.mark.parametrize("step", ["permissions", "fsync", "replace", "interrupt"])
def test_a_failure_halfway_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    target = tmp_path / "scan.json"
    target.write_bytes(b"old")

    def fail(*_: object) -> None:
        if step == "interrupt":
            raise KeyboardInterrupt
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if step == "replace":
        monkeypatch.setattr(Path, "replace", fail)
    elif step == "permissions":
        monkeypatch.setattr(os, "fchmod", fail)
    else:
        monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(KeyboardInterrupt if step == "interrupt" else ScanFileError):
        save_inventory(SMALL, target)
    assert [path.name for path in tmp_path.iterdir()] == ["scan.json"]
    assert target.read_bytes() == b"old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_line() -> None:
    with pytest.raises(ScanFileError) as refused:
        save_inventory(SMALL, Path("/dev/full"))
    assert str(refused.value) == "/dev/full: not saved: the disk is full; make room, or save elsewhere"


def test_permissions_and_links_are_those_of_the_target(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        save_inventory(SMALL, tmp_path / "new.json")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "new.json").stat().st_mode) == 0o640
    (tmp_path / "new.json").chmod(0o604)
    (tmp_path / "link").symlink_to("new.json")
    save_inventory(SMALL, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert stat.S_IMODE((tmp_path / "new.json").stat().st_mode) == 0o604


def test_what_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    twice = replace(SMALL, images=(SMALL.images[0], SMALL.images[0]))
    with pytest.raises(ScanFileError, match="images: two have the same id; not saved"):
        save_inventory(twice, tmp_path / "scan.json")
    assert not list(tmp_path.iterdir())


def test_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO()
    save_inventory(SMALL, stream)
    stream.seek(0)
    assert load_inventory(stream) == replace(SMALL, from_file=True)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PACKED)))
    assert load_inventory("-") == replace(SMALL, from_file=True)


# --- versions -----------------------------------------------------------------


def test_a_scan_of_version_1_is_read_and_saved_as_version_2() -> None:
    document = json.loads(dumps(SMALL)) | {"schema": "layerscope.scan/1"}
    del document["folders"]
    old = loads(json.dumps(document).encode())
    assert old == replace(SMALL, from_file=True)
    assert json.loads(dumps(old))["schema"] == "layerscope.scan/2"


def test_a_scan_of_version_2_without_its_folders_is_not_whole() -> None:
    document = json.loads(dumps(SMALL))
    del document["folders"]
    with pytest.raises(ScanFileError, match='no "folders" in it'):
        loads(json.dumps(document).encode())


def test_folders_are_kept_once_and_a_blob_is_there_once() -> None:
    image = replace(SMALL.images[0], cache_ids=("f1", "f2"))
    container = replace(SMALL.containers[0], cache_ids=("f1", "f2"))
    data = dumps(replace(SMALL, images=(image,), containers=(container,)))
    assert data.count(b'"f1"') == 1
    assert loads(data).containers == (container,)
    twice = ContentStore((Blob("sha256:x", 1), Blob("sha256:x", 2)))
    with pytest.raises(ScanFileError, match=r"content.blobs\[1\].digest: the same as that of content.blobs\[0\]"):
        loads(dumps(replace(SMALL, content=twice)))
