"""The first rows of a saved scan: what reading it gives later, or nothing at all."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from layerscope.inventory import Image, Inventory
from layerscope.sources import open as opening
from layerscope.sources import scanbytes
from layerscope.sources.backend import READING, SavedBackend
from layerscope.sources.open import Source, load_sample
from layerscope.sources.scanfile import ScanFileError, dumps, loads, save_inventory
from layerscope.sources.scanrows import first_rows
from tests.hosts import SMALL
from tests.replay import NAMES, recorded_inventory


def bare(image: Image) -> Image:
    return replace(image, diff_ids=None, history=None, cache_ids=None)


def rows(data: bytes, most: int = 400) -> Inventory | None:
    return first_rows(io.BytesIO(data), most)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("most", [1, 3, 400])
def test_they_are_the_first_of_those_that_are_read_later(name: str, most: int) -> None:
    data = dumps(recorded_inventory(name))
    whole, found = loads(data), rows(data, most)
    if not whole.images:
        assert found is None
        return
    assert found is not None
    assert found.images == tuple(bare(image) for image in whole.images if image.listed)[:most]
    assert found.containers == tuple(replace(one, cache_ids=None) for one in whole.containers)
    assert (found.engine, found.taken_at) == (whole.engine, whole.taken_at)
    assert found.from_file
    assert found.only_first
    assert not found.complete


@pytest.mark.parametrize("chunk", [2, 7, 64, 4096])
def test_it_does_not_matter_how_the_bytes_come(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = dumps(load_sample())
    wanted = rows(data)
    assert wanted is not None
    assert len(wanted.images) == 58
    monkeypatch.setattr(scanbytes, "CHUNK", chunk)
    assert rows(data) == wanted
    assert rows(gzip.compress(data)) == wanted


def test_of_a_part_of_a_document_there_are_rows_of_it_or_none() -> None:
    data = dumps(SMALL)
    wanted = rows(data)
    assert wanted is not None
    seen = set()
    for end in range(0, len(data), 3):
        found = rows(data[:end])
        seen.add(found is None)
        if found is not None:
            assert found.images == wanted.images[: len(found.images)]
            assert set(found.containers) <= set(wanted.containers)
    assert seen == {True, False}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        b'{"schema":"layerscope.scan/99",\n' + dumps(SMALL).partition(b"\n")[2],
        b'{"schema":"other/1",\n' + dumps(SMALL).partition(b"\n")[2],
        json.dumps(json.loads(dumps(SMALL))).encode(),
        json.dumps(json.loads(dumps(SMALL)), indent=1).encode(),
        dumps(SMALL).replace(b'"images":[\n{"id":', b'"images":[\n{"other":'),
        gzip.compress(dumps(SMALL))[:-20],
        b'{"schema":"layerscope.scan/2",\n"engine":' + b"[" * 100_000,
    ],
    ids=["empty", "no json", "newer", "foreign", "one line", "other lines", "no ID", "cut", "deep"],
)
def test_of_what_is_written_otherwise_or_wrong_there_are_none(data: bytes) -> None:
    assert rows(data) is None


# -- as the interface gets them -----------------------------------------------------------


def scanned(backend: SavedBackend) -> tuple[list[Inventory], list[str], Inventory]:
    parts: list[Inventory] = []
    phases: list[str] = []
    return parts, phases, backend.scan(lambda _done, _total, phase: phases.append(phase), parts.append, lambda: False)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan.json.gz"
    save_inventory(SMALL, path)
    return path


def test_a_big_file_is_read_when_it_is_scanned_and_only_then(scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BIG", 1)
    backend = Source("file", path=str(scan)).open_saved(late=True)
    assert backend.at_once() is None
    (part,), phases, found = scanned(backend)
    assert phases == [READING]
    assert part.only_first
    assert found == replace(SMALL, from_file=True)
    assert backend.at_once() is found
    assert scanned(backend) == ([], [], found)  # it is read once


def test_a_small_file_and_one_for_a_command_are_read_at_once(scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source("file", path=str(scan))
    assert scanned(source.open_saved(late=True))[:2] == ([], [])
    monkeypatch.setattr(opening, "BIG", 1)
    assert scanned(source.open_saved())[:2] == ([], [])


def test_what_is_wrong_with_a_big_file_is_raised_by_its_scan(scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BIG", 1)
    scan.write_bytes(scan.read_bytes()[:-20])
    backend = Source("file", path=str(scan)).open_saved(late=True)
    with pytest.raises(ScanFileError, match="cut short"):
        scanned(backend)
    backend = Source("file", path=str(scan)).open_saved(late=True)
    scan.unlink()
    with pytest.raises(ScanFileError, match="no such file"):
        scanned(backend)
