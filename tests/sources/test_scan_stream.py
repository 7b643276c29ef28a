"""Scans are read as a stream: in any order, in any pieces, within limits that are numbers, in little memory."""

from __future__ import annotations

import gc
import gzip
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from layerscope.inventory import Container, HistoryEntry, Image, Inventory
from layerscope.sources import scanread
from layerscope.sources.jsonstream import Limits, NotJson, read_json
from layerscope.sources.scanfile import ScanFileError, dumps, loads
from tests.hosts import ENGINE
from tests.replay import recorded_inventory
from tests.strategies import inventories

ANY = Limits(bytes=1 << 30, nesting=32, text=1 << 20, values=1 << 30, loose=1 << 30)
SMALL = Inventory(
    ENGINE,
    images=tuple(
        Image(f"sha256:{n}", diff_ids=(f"d{n}", "d0"), history=(HistoryEntry(f"RUN {n}", n),)) for n in range(6)
    ),
    containers=(Container("c", "web", "sha256:1", "a:1", "running", cache_ids=("f",)),),
    from_file=True,
)


def parsed(data: bytes, size: int, limits: Limits = ANY) -> Any:
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    return read_json(pieces, limits, {}, lambda name, document: None)


# --- the same whatever the order and the pieces ----------------------------------


@given(inventories, st.randoms(use_true_random=False))
def test_the_order_of_fields_does_not_matter(inventory: Inventory, random: Any) -> None:
    document = json.loads(dumps(inventory))
    names = list(document)
    random.shuffle(names)
    mixed = json.dumps({name: document[name] for name in names}, indent=random.choice([None, 0, 2]))
    assert loads(mixed.encode()) == replace(inventory, from_file=True)


TEXT = st.text(st.sampled_from('\\ud8"a\n\ud800\ud83d\udc00\udfff\uffff\ufffe\U0001f600é'), max_size=12)


@given(st.dictionaries(TEXT, TEXT, max_size=3), st.integers(1, 9), st.booleans())
def test_every_text_comes_back_in_whatever_pieces(document: dict[str, str], size: int, ascii_only: bool) -> None:
    data = json.dumps(document, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        with pytest.raises(NotJson, match="not UTF-8 text"):
            parsed(data, size)
        return
    assert parsed(data, size) == json.loads(data)


@given(st.integers(1, 400))
def test_lines_in_pieces_are_the_same_as_whole_ones(size: int) -> None:
    class Pieces(io.BytesIO):
        def read(self, most: int | None = -1) -> bytes:
            return super().read(size if most is None or most < 0 else min(size, most))

    assert scanread.read(Pieces(dumps(SMALL))) == SMALL
    assert scanread.read(Pieces(gzip.compress(dumps(SMALL)))) == SMALL


def test_what_is_wrong_on_a_line_of_its_own_is_told_with_its_place() -> None:
    data = dumps(SMALL).replace(b'"sha256:3"', b"3")
    with pytest.raises(ScanFileError, match=r"images\[3\]\.id: expected text, got 3$"):
        loads(data)
    line = data[: data.index(b'{"id":3')].count(b"\n") + 1
    with pytest.raises(ScanFileError, match=f"not JSON: .* at line {line}$"):
        loads(data.replace(b'{"id":3', b'{"id"=3'))


def test_a_newer_version_is_told_before_anything_else_of_it_is_looked_at() -> None:
    with pytest.raises(ScanFileError, match="made by a newer layerscope"):
        loads(b'{"schema": "layerscope.scan/9", "images": [{"new": 1}]}')


# --- limits ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["layers", "folders", "history", "images", "containers"])
@pytest.mark.parametrize("more", [0, 1])
def test_a_list_has_a_most(monkeypatch: pytest.MonkeyPatch, name: str, more: int) -> None:
    length = len(json.loads(dumps(SMALL))[name])
    monkeypatch.setitem(scanread.MOST, name, length - more)
    if not more:
        assert loads(dumps(SMALL)) == SMALL
        return
    with pytest.raises(ScanFileError, match=f"more than {length - 1} {name}"):
        loads(dumps(SMALL))


def test_a_host_of_40_000_images_with_25_layers_each_is_within_the_limits() -> None:
    images, layers = 40_000, 40_000 * 25
    assert scanread.MOST["images"] >= images
    assert min(scanread.MOST[name] for name in ("layers", "folders", "history")) >= layers
    most = 16  # values of a history entry, of which there is one for each layer
    assert scanread.LIMITS.values >= layers * (2 + most + 3) + images * 100
    assert scanread.LIMITS.bytes >= layers * (75 + 160 + 30) + images * 1_000


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"a":' * 33, "nested too deeply"),
        (b'{"a":"' + b"x" * 11 + b'"}', "a text of more than 10 characters"),
        (b'{"a":[' + b"1," * 80, "more than 70 values that belong to no record"),
        (b'{"a":"b"}' + b" " * 99, "larger than 0 MiB"),
    ],
)
def test_each_limit_is_one(data: bytes, words: str) -> None:
    most = 106 if words.startswith("larger") else 999
    with pytest.raises(NotJson, match=words):
        parsed(data, 1 << 16, Limits(bytes=most, nesting=32, text=10, values=99, loose=70))


def test_values_in_records_count_too() -> None:
    limits = replace(scanread.LIMITS, values=80)
    data = dumps(SMALL)
    with pytest.raises(NotJson, match="more than 80 values"):
        read_json(iter([data]), limits, scanread._Reader().lists, lambda name, document: None)


MEASURE = """
import sys
from layerscope.sources.scanfile import ScanFileError, load_inventory
try:
    load_inventory(sys.argv[1])
except ScanFileError as error:
    print(error)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
HEAD = b'{"schema":"layerscope.scan/2","layers":["a"],"history":[],"folders":[],'
HOSTILE: dict[str, Callable[[], bytes]] = {
    "a bomb of blanks": lambda: HEAD + b" " * (64 << 20),
    "a bomb of objects": lambda: HEAD + b'"images":[' + b"{}," * (6 << 20),
    "objects in no list of ours": lambda: HEAD + b'"x":[' + b"{}," * (6 << 20),
    "lists in lists": lambda: HEAD + b'"images":[' + b"[" * (32 << 20),
    "one long text": lambda: HEAD + b'"taken_at":"' + b"x" * (64 << 20),
    "a long number": lambda: HEAD + b'"taken_at":' + b"1" * (64 << 20),
    "many fields": lambda: b"{" + b",".join(b'"f%d":[]' % n for n in range(1_200_000)),
    "a large one that is sound but for its last field": lambda: (
        b'{"schema":"layerscope.scan/2","folders":[],"layers":[\n'
        + b",\n".join(b'"sha256:%064x"' % n for n in range(250_000))
        + b'\n],"history":[\n'
        + b",\n".join(b'{"created_by":"RUN step %d of a long way","size":%d}' % (n, n) for n in range(250_000))
        + b'\n],"images":[\n'
        + b",\n".join(b'{"id":"%d"}' % n for n in range(20_000))
        + b'\n],"nonsense":1}'
    ),
    "images before what they are made of": lambda: (
        b'{"images":[' + b",\n".join(b'{"id":"%d","diff_ids":[0,0]}' % n for n in range(800_000))
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_refused_file_takes_little_memory(name: str, tmp_path: Path) -> None:
    path = tmp_path / "scan.json.gz"
    path.write_bytes(gzip.compress(HOSTILE[name](), 1))
    done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
    line, peak = done.stdout.splitlines()
    assert "scan.json.gz: " in line
    most = 150_000 if "sound" in name else 300_000  # kB; json.load takes 190,000 for the sound one, more for the others
    assert int(peak) < most, f"{int(peak):,} kB for {line}"


def test_garbage_is_not_kept_for_ever_by_reading_a_small_scan() -> None:
    """Many small scans may be read in one session: what was frozen is never collected again."""
    frozen = gc.get_freeze_count()
    scanread.read(io.BytesIO(dumps(recorded_inventory("podman-5.8"))))
    assert gc.get_freeze_count() == frozen


# --- read twice where it is large ---------------------------------------------------


class Pipe(io.RawIOBase):
    """Bytes that can be read once."""

    def __init__(self, data: bytes) -> None:
        self.rest = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self.rest.read(min(size, 1000) if size >= 0 else size)


def loose_first(data: bytes) -> bytes:
    """The same document, its images before what they are made of."""
    document = json.loads(data)
    return json.dumps({"schema": document.pop("schema"), "images": document.pop("images")} | document).encode()


@pytest.mark.parametrize("of", [io.BytesIO, Pipe])
@pytest.mark.parametrize("form", [bytes, gzip.compress, loose_first])
def test_a_large_document_is_read_as_a_small_one_is(
    monkeypatch: pytest.MonkeyPatch, of: Callable[[bytes], Any], form: Callable[[bytes], bytes]
) -> None:
    inventory = replace(recorded_inventory("docker-28.5-containerd"), from_file=True)
    monkeypatch.setattr(scanread, "SMALL", 20_000)
    assert len(dumps(inventory)) > 3 * scanread.SMALL
    assert scanread.read(of(form(dumps(inventory)))) == inventory


@pytest.mark.parametrize("of", [io.BytesIO, Pipe])
def test_a_large_document_with_a_fault_is_never_kept(
    monkeypatch: pytest.MonkeyPatch, of: Callable[[bytes], Any]
) -> None:
    kept: list[bool] = []
    monkeypatch.setattr(scanread, "SMALL", 100)
    monkeypatch.setattr(scanread._Reader, "__init__", _noting(kept, scanread._Reader.__init__))
    data = dumps(SMALL)
    with pytest.raises(scanread.Invalid, match="unknown field"):
        scanread.read(of(data.rstrip()[:-1] + b',"nonsense":1}'))
    assert kept == [True, False], "once until it is too large, once without keeping anything"


def _noting(kept: list[bool], init: Any) -> Any:
    def noted(self: Any, *, keeps: bool = True) -> None:
        kept.append(keeps)
        init(self, keeps=keeps)

    return noted


@pytest.mark.parametrize("form", [bytes, loose_first])
@pytest.mark.parametrize("small", [0, 1 << 20])
def test_two_of_the_same_id_are_told_however_it_is_read(
    monkeypatch: pytest.MonkeyPatch, small: int, form: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(scanread, "SMALL", small)
    twice = replace(SMALL, images=(*SMALL.images, replace(SMALL.images[2], tags=("other:1",))))
    with pytest.raises(scanread.Invalid) as refused:
        scanread.read(io.BytesIO(form(dumps(twice))))
    exact = small or form is not bytes
    assert refused.value.line.endswith(
        "images[6].id: the same as that of images[2]" if exact else "images: two have the same id"
    )


def test_what_is_equal_is_kept_once_up_to_a_point() -> None:
    reader = scanread._Reader()
    words = [reader._word("w" * 9 + str(n % 7)) for n in range(70)]
    assert len({id(word) for word in words}) == 7
    for n in range(scanread.SHARDS * scanread.WORDS * 2):
        reader._word(str(n))
    assert max(map(len, reader._words)) <= scanread.WORDS
