"""Records that are read in one go are those that are read value by value, and what is wrong is told alike."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from layerscope.inventory import Container, HistoryEntry, Image, Inventory, Platform
from layerscope.sources import scanquick, scanread
from layerscope.sources.scanfile import ScanFileError, dumps, loads
from tests.hosts import SMALL
from tests.strategies import inventories

NUMBERS: list[Any] = [True, -1, -2, 2**63 - 1, 2**63, 10**30, 1.0, 0.5]
ODD: list[Any] = [*NUMBERS, None, "", "x", "\udc80", [], [0], [10**6], [-1], {}, {"a": 1}]

WHOLE = replace(
    SMALL,
    images=(
        Image(
            "sha256:f",
            ("a:1",),
            ("a@sha256:1",),
            created=1,
            engine_size=2,
            layers_size=2,
            content_size=3,
            parent_id="sha256:e",
            listed=False,
            diff_ids=("sha256:d",),
            history=(HistoryEntry("RUN true", 2, 1, "c", "sha256:f"),),
            note="n",
            os="linux",
            labels=(("a", "b"),),
            platforms=(Platform("sha256:p", "linux/arm64", "image", True, 3, None),),
            last_tagged=4,
            read_only=True,
            cache_ids=("f",),
        ),
        *SMALL.images,
    ),
    containers=tuple(Container(f"c{at}", "n", "sha256:f", "a:1", "running", 5, ("f",)) for at in range(2)),
)


def read(data: bytes, *, quickly: bool) -> Inventory | str:
    with pytest.MonkeyPatch.context() as patch:
        if not quickly:
            patch.setattr(scanread, "quick", lambda kind, rules: lambda data: None)
        try:
            return loads(data)
        except ScanFileError as error:
            return str(error)


@given(inventories)
def test_a_host_is_the_same_either_way(inventory: Inventory) -> None:
    data = dumps(inventory)
    assert read(data, quickly=True) == read(data, quickly=False)


@pytest.mark.parametrize("field", ["history", "images", "containers"])
def test_what_is_odd_is_told_alike(field: str) -> None:
    """One value of one record is another, is gone, is there twice, or has a name that is not known."""
    lines = dumps(WHOLE).split(b"\n")
    at = next(at for at, line in enumerate(lines) if field.encode() + b'":[' in line) + 1
    record = json.loads(lines[at].rstrip(b","))
    assert lines[at].endswith(b"},"), "it has a line of its own"
    for name in [*record, "colour"]:
        without = {key: value for key, value in record.items() if key != name}
        for odd in ODD:
            given = f"{json.dumps(name)}:{json.dumps(odd)}"
            beside = json.dumps(record, separators=(",", ":"))[:-1]
            for line in (json.dumps(without | {name: odd}), f"{beside},{given}}}", json.dumps(without)):
                document = b"\n".join([*lines[:at], line.encode() + b",", *lines[at + 1 :]])
                assert read(document, quickly=True) == read(document, quickly=False), line


def test_it_is_how_a_scan_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else these tests would compare a thing with itself."""
    taken: list[type] = []
    quick = scanquick.quick

    def noted(kind: type[Any], rules: scanquick.Rules) -> Any:
        take = quick(kind, rules)

        def one(data: bytes) -> Any:
            found = take(data)
            taken.append(type(found))
            return found

        return one

    monkeypatch.setattr(scanread, "quick", noted)
    found = loads(dumps(SMALL))
    assert {HistoryEntry, Image} <= set(taken)
    assert taken.count(type(None)) == 2, "the last one of each list stands beside its end"
    assert found.images == SMALL.images


def test_equal_texts_are_kept_once() -> None:
    one, other = loads(dumps(SMALL)).images[:2]
    assert one.os == other.os
    assert one.os is other.os
