"""What is remembered of images: the same figures with and without, for every recorded engine, and fewer questions."""

from __future__ import annotations

import copy
import json
import queue
import sqlite3
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from msgspec.structs import replace

import layerscope.engine.scan as scanning
from layerscope.core.build import build_graph
from layerscope.core.chain import chain_ids
from layerscope.core.removal.plan import plan
from layerscope.engine.backend import LiveBackend
from layerscope.engine.connect import connect
from layerscope.engine.memory import ImageMemory, engine_identity
from layerscope.engine.scan import scan
from layerscope.inventory import Blob, ContentStore, Inventory
from layerscope.output.plan_json import plan_json
from layerscope.output.report import report_csv, report_json
from layerscope.state.cache import ImageCache
from tests.replay import NAMES, load_recording, replay

DOCKER = [name for name in NAMES if name.startswith("docker")]
OVERLAY2, CONTAINERD = "docker-28.5-overlay2", "docker-28.5-containerd"


def held_store() -> ContentStore:
    """Content that keeps the layers of the recorded containerd images, but for every fifth: those were loaded onto."""
    blobs = []
    for number, (image, answer) in enumerate(load_recording(CONTAINERD)["inspect"].items()):
        layers = answer["RootFS"].get("Layers")
        tops = (chain_ids(layers)[-1],) if layers and number % 5 else ()
        config = f"sha256:{sha256(image.encode()).hexdigest()}"
        blobs += [Blob(image, 500, refers_to=(config,)), Blob(config, 900, snapshots=tops)]
    return ContentStore(tuple(sorted(blobs, key=lambda blob: blob.digest)), build_history=(), build_cache=())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "images.db"


@pytest.fixture(autouse=True)
def content(monkeypatch: pytest.MonkeyPatch) -> Callable[[ContentStore | None], None]:
    """The reference graph of the containerd engine; another one where a test sets it."""
    now: dict[str, ContentStore | None] = {"it": held_store()}
    monkeypatch.setattr(
        scanning, "list_content", lambda conn: now["it"] if conn.engine.store_kind == "containerd" else None
    )
    monkeypatch.setattr(scanning, "with_manifests", lambda conn, images, content: (tuple(images), content))
    return lambda store: now.__setitem__("it", store)


def look(source: str | dict[str, Any], path: Path | None, *, whole: bool = False) -> tuple[Inventory, list[str]]:
    """Scan a recording, with the cache in ``path`` if any; return what came and the questions about images."""
    recording = load_recording(source) if isinstance(source, str) else source
    if "podman" not in str(recording["version"]).lower():  # recorded without its ID
        recording = {**recording, "info": {**recording["info"], "ID": "ABCD:EFGH", "Name": "build-01"}}
    with replay(recording) as engine, connect(engine.host) as conn:
        memory = None if path is None else ImageMemory(ImageCache(path), conn.engine)
        found = scan(conn, memory=memory, whole=whole)
        asked = [path for path in engine.requests if path.endswith(("/json", "/history")) and "/images/" in path]
    return replace(found, engine=replace(found.engine, host="unix:///x"), taken_at=1_780_000_000), asked


def documents(inventory: Inventory) -> list[str]:
    graph = build_graph(inventory)
    plans = [plan_json(plan(graph, [node.id])) for node in graph.images]
    return [report_json(graph), report_csv(graph), *plans, plan_json(plan(graph, [n.id for n in graph.images[::2]]))]


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_the_same_to_the_byte(name: str, path: Path) -> None:
    fresh, _ = look(name, None)
    first, _ = look(name, path)
    again, asked = look(name, path)
    assert first == fresh
    assert documents(again) == documents(fresh)
    whole, _ = look(name, path, whole=True)
    assert whole == fresh
    if name == CONTAINERD:
        assert 0 < len(asked) < len(fresh.images)
    elif name in DOCKER:
        assert asked == []


@pytest.mark.parametrize("name", DOCKER)
def test_only_what_may_change_is_missing_and_no_figure_is_made_of_it(name: str, path: Path) -> None:
    fresh, _ = look(name, path)
    again, _ = look(name, path)
    bare = [replace(image, last_tagged=None, cache_ids=None) for image in fresh.images]
    assert [replace(image, last_tagged=None, cache_ids=None) for image in again.images] == bare
    assert any(image.remembered for image in again.images)
    assert not any(image.remembered for image in fresh.images)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in DOCKER])
def test_nothing_is_kept_of_an_engine_without_an_identity(name: str, path: Path) -> None:
    look(name, path)
    assert not path.exists()


def test_what_tells_an_engine() -> None:
    engine = look(OVERLAY2, None)[0].engine
    assert engine_identity(engine)
    assert engine_identity(replace(engine, id="")) == ""
    others = [{"id": "x"}, {"name": "x"}, {"root_dir": "/x"}, {"driver": "vfs"}, {"version": "29"}, {"store": "x"}]
    assert len({engine_identity(replace(engine, **other)) for other in [*others, {}]}) == len(others) + 1
    assert engine_identity(replace(engine, host="tcp://x:1")) == engine_identity(engine)


def changed(name: str, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    recording = copy.deepcopy(load_recording(name))
    change(recording)
    return recording


def _rows(recording: dict[str, Any], tag: str) -> list[dict[str, Any]]:
    lists = [key for key in recording if key.startswith("images_")]
    return [row for key in lists for row in recording[key] if tag in (row["RepoTags"] or ())]


def _retag(recording: dict[str, Any]) -> None:
    for row in _rows(recording, "nginx:1"):
        row["RepoTags"] = ["other:name"]
    image = next(row["Id"] for row in recording["images_all1"] if row["RepoTags"] == ["other:name"])
    recording["inspect"][image]["RepoTags"] = ["other:name"]


def _resize(recording: dict[str, Any]) -> None:
    """The same image pulled again: its layers have other sizes than those that were built here."""
    for row in _rows(recording, "nginx:1"):
        row["Size"] += 77
    history = recording["history"][row["Id"]]
    next(entry for entry in history if entry["Size"])["Size"] += 77


def _remove(recording: dict[str, Any]) -> None:
    for key, rows in recording.items():
        if key.startswith("images_"):
            recording[key] = [row for row in rows if "nginx:1" not in (row["RepoTags"] or ())]


def _adopt(recording: dict[str, Any]) -> None:
    """A child loaded beside its parent: the engine knows now what it was made from."""
    rows = _rows(recording, "nginx:1")
    parent = next(row["Id"] for row in recording["images_all1"] if row["Id"] != rows[0]["Id"])
    for row in rows:
        row["ParentId"] = parent
    recording["inspect"][rows[0]["Id"]]["Parent"] = parent
    recording["history"][rows[0]["Id"]][1]["Id"] = parent


def _widow(recording: dict[str, Any]) -> None:
    """A container whose image was removed by force: what it stands on is asked of every image."""
    recording["containers"].append(
        {"Id": "c" * 64, "Names": ["/w"], "ImageID": f"sha256:{'9' * 64}", "State": "exited"}
    )


@pytest.mark.parametrize("change", [_retag, _resize, _remove, _adopt, _widow])
@pytest.mark.parametrize("name", ["docker-20.10-overlay2", OVERLAY2])
def test_figures_are_the_same_after_a_change(name: str, change: Callable[[dict[str, Any]], None], path: Path) -> None:
    look(name, path)
    after = changed(name, change)
    fresh, all_questions = look(after, None)
    again, asked = look(after, path)
    assert documents(again) == documents(fresh)
    assert [image.history for image in again.images] == [image.history for image in fresh.images]
    assert [image.tags for image in again.images] == [image.tags for image in fresh.images]
    questions = {"_resize": 2, "_widow": len(fresh.images)}.get(change.__name__, 0)
    assert len([path for path in asked if "containers" not in path]) == questions < len(all_questions)


def test_sizes_of_a_containerd_store_are_taken_only_while_its_layers_are_held(
    path: Path, content: Callable[[ContentStore | None], None]
) -> None:
    store = held_store()
    assert store.blobs is not None
    look(CONTAINERD, path)
    _, asked = look(CONTAINERD, path)
    content(replace(store, blobs=tuple(replace(blob, snapshots=()) for blob in store.blobs)))
    _, loose = look(CONTAINERD, path)
    assert len(loose) > len(load_recording(CONTAINERD)["images_all1"]) > len(asked) > 0
    content(ContentStore(refused="no"))
    _, refused = look(CONTAINERD, path)
    assert len(refused) >= 2 * len(load_recording(CONTAINERD)["images_all1"])


def test_a_blob_that_came_or_went_is_another_state(path: Path, content: Callable[[ContentStore | None], None]) -> None:
    store = held_store()
    assert store.blobs is not None
    look(CONTAINERD, path)
    known = {row["Id"] for row in load_recording(CONTAINERD)["images_all1"]}
    roots = [blob for blob in store.blobs if blob.digest in known and blob.refers_to]
    gone = {roots[0].refers_to[0]}
    _, before = look(CONTAINERD, path)
    content(replace(store, blobs=tuple(blob for blob in store.blobs if blob.digest not in gone)))
    _, after = look(CONTAINERD, path)
    assert len(after) > len(before)


def test_a_session_asks_for_the_rest_once_it_shows_something(path: Path) -> None:
    fresh, _ = look(OVERLAY2, path)
    said = load_recording(OVERLAY2)
    with replay({**said, "info": {**said["info"], "ID": "ABCD:EFGH", "Name": "build-01"}}) as engine:
        backend = LiveBackend(connect(engine.host), cache=ImageCache(path))
        first = backend.scan(lambda *_: None, lambda _: None, lambda: False)
        assert all(image.remembered for image in first.images)
        told: queue.Queue[Inventory] = queue.Queue()
        Thread(target=backend.follow, args=(told.put, lambda _: None), daemon=True).start()
        whole = told.get(timeout=60)
        backend.close()
    assert whole.images == fresh.images
    assert not any(image.remembered for image in whole.images)


# a file that is not what we wrote


def _set_rows(path: Path, data: bytes | None = None, change: Callable[[list[Any]], object] | None = None) -> None:
    """Put other bytes in place of every row, with a checksum that fits them."""
    from layerscope.state.cache import _checksum

    with closing(sqlite3.connect(path)) as db:
        for engine, name, was in db.execute("SELECT engine, id, data FROM image").fetchall():
            new = data
            if change is not None:
                values = json.loads(was)
                change(values)
                new = json.dumps(values).encode()
            assert new is not None
            db.execute(
                "UPDATE image SET data = ?, crc = ? WHERE engine = ? AND id = ?",
                (new, _checksum(engine, name, new), engine, name),
            )
        db.commit()


HOSTILE: list[Callable[[list[Any]], object]] = [
    lambda row: row.__setitem__(0, 5),
    lambda row: row.__setitem__(1, "now"),
    lambda row: row.__setitem__(1, True),
    lambda row: row.__setitem__(2, None),
    lambda row: row.__setitem__(6, "sha256:x"),
    lambda row: row.__setitem__(6, [1]),
    lambda row: row.__setitem__(7, [["a"]]),
    lambda row: row.__setitem__(7, {"a": "b"}),
    lambda row: row.__setitem__(8, None),
    lambda row: row[8].append(["x", -2, None, ""]),
    lambda row: row[8].append(["x", 1.5, None, ""]),
    lambda row: row[8].append(["x", True, None, ""]),
    lambda row: row[8].append(["x", 1, None]),
    lambda row: row[8].extend([["x", 1, None, ""]] * 100_000),
    lambda row: row.append(1),
    lambda row: row.clear(),
]


@pytest.mark.parametrize("change", HOSTILE, ids=range(len(HOSTILE)))
def test_a_row_of_other_types_is_not_known(change: Callable[[list[Any]], object], path: Path) -> None:
    fresh, questions = look(OVERLAY2, path)
    _set_rows(path, change=change)
    again, asked = look(OVERLAY2, path)
    assert again == fresh
    assert len(asked) == len(questions)


@pytest.mark.parametrize("data", [b"", b"null", b"[" * 100_000, b"\xff\xfe", b"1" * 10_000, b"{}"], ids=range(6))
def test_a_row_of_other_bytes_is_not_known(data: bytes, path: Path) -> None:
    fresh, questions = look(OVERLAY2, path)
    _set_rows(path, data)
    again, asked = look(OVERLAY2, path)
    assert again == fresh
    assert len(asked) == len(questions)


def test_rows_of_one_image_are_not_those_of_another(path: Path) -> None:
    fresh, questions = look(OVERLAY2, path)
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT id, crc, data FROM image ORDER BY id").fetchall()
        for (name, _, _), (_, crc, data) in zip(rows, rows[1:] + rows[:1], strict=True):
            db.execute("UPDATE image SET crc = ?, data = ? WHERE id = ?", (crc, data, name))
        db.commit()
    again, asked = look(OVERLAY2, path)
    assert again == fresh
    assert len(asked) == len(questions)
