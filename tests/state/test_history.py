"""The scans that are kept: against lists of whole scans, with clocks that jump, damage, two writers, and kills."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.core.past import since_look
from layerscope.core.seen import ScanStep, Sighting, watch
from layerscope.inventory import Container, Engine, Inventory
from layerscope.state import history as module
from layerscope.state.history import HOUR, HistoryError, ScanHistory, engine_key
from tests.core.test_changes import image
from tests.state.scans import ENGINE, NOW, many

PODMAN = Engine(
    "podman", "5.8", "1.41", "overlay", "podman", "unix:///p.sock", name="box", root_dir="/r", driver="overlay"
)


def scan(at: int, images: dict[str, bool], engine: Engine = ENGINE, tags: tuple[str, ...] = ()) -> LayerGraph:
    """A scan of images of one layer each, of which some are in use."""
    made = [replace(image(name, (name, 10 * len(name))), tags=tags or (f"{name}:1",)) for name in images]
    used = tuple(Container(f"c{name}", name, f"sha256:{name}", name, "exited") for name, use in images.items() if use)
    return build_graph(Inventory(engine, tuple(made), used, taken_at=at))


@pytest.fixture
def kept(tmp_path: Path) -> ScanHistory:
    return ScanHistory(tmp_path / "state" / "history.db", lambda: NOW)


states = st.dictionaries(st.sampled_from(["a", "bb", "ccc", "dddd"]), st.booleans())


@settings(max_examples=40)
@given(told=st.lists(states, min_size=1, max_size=8), whole=st.integers(1, 4))
def test_what_is_read_is_what_was_there(
    told: list[dict[str, bool]], whole: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    history = ScanHistory(tmp_path_factory.mktemp("h") / "history.db", lambda: NOW)
    before = module.WHOLE
    module.WHOLE = whole
    try:
        for at, images in enumerate(told):
            assert history.keep(scan(NOW + at * HOUR, images))
    finally:
        module.WHOLE = before
    points = history.line(ENGINE)
    assert [(p.at, p.footprint) for p in points] == [
        (NOW + at * HOUR, sum(10 * len(name) for name in images)) for at, images in enumerate(told)
    ]
    direct = watch(
        ScanStep(NOW + at * HOUR, {f"sha256:{n}": used for n, used in images.items()}, whole=True)
        for at, images in enumerate(told)
    )
    assert history.seen(ENGINE) == direct
    for at, record in enumerate(history.records(ENGINE)):
        names = {f"sha256:{n}" for n in told[at]} ^ {f"sha256:{n}" for n in (told[at - 1] if at else {})}
        assert set(record.names) == (names if at else set())


def test_at_most_one_an_hour_and_the_last_look_beside(kept: ScanHistory) -> None:
    assert kept.keep(scan(NOW, {"a": True}))
    assert not kept.keep(scan(NOW + HOUR - 1, {"bb": True}), look=True)
    assert kept.keep(scan(NOW + HOUR, {"ccc": False}))
    assert [point.at for point in kept.line(ENGINE)] == [NOW, NOW + HOUR]
    look = kept.last_look(ENGINE)
    assert look is not None
    assert (look.point.at, look.images) == (NOW + HOUR - 1, {"sha256:bb"})
    since = since_look(look, scan(NOW + 5 * HOUR, {"bb": True, "ccc": True, "a": True}), NOW + 5 * HOUR)
    assert (since.change, since.came, since.went, since.clock_back) == ((40, 40), 2, 0, False)
    assert since.seconds == 4 * HOUR + 1


def test_names_and_use_that_change_are_kept(kept: ScanHistory) -> None:
    kept.keep(scan(NOW, {"a": True}))
    kept.keep(scan(NOW + HOUR, {"a": True}, tags=("other:1",)))
    kept.keep(scan(NOW + 2 * HOUR, {"a": False}, tags=("other:1",)))
    kept.keep(scan(NOW + 3 * HOUR, {}))
    assert kept.records(ENGINE)[-1].names == {"sha256:a": ("other:1",)}
    assert kept.seen(ENGINE).images == {"sha256:a": Sighting(NOW, 3, 2, NOW + HOUR)}


def test_engines_are_told_apart_and_one_that_cannot_be_is_not_kept(kept: ScanHistory) -> None:
    other = replace(ENGINE, id="other")
    nameless = replace(ENGINE, id="")
    for engine in (ENGINE, other, PODMAN):
        assert kept.keep(scan(NOW, {"a": True}, engine))
    assert not kept.keep(scan(NOW, {"a": True}, nameless))
    assert len(kept.line(PODMAN)) == len(kept.line(other)) == 1
    assert kept.line(nameless) == []
    assert engine_key(replace(PODMAN, id="made up")) == engine_key(PODMAN)
    assert engine_key(replace(PODMAN, name="")) is None
    assert engine_key(replace(ENGINE, driver="vfs")) != engine_key(ENGINE)


def test_what_is_not_a_whole_live_scan_is_not_kept(kept: ScanHistory) -> None:
    graph = scan(NOW, {"a": True})
    assert not kept.keep(build_graph(replace(graph.inventory, complete=False)))
    assert not kept.keep(build_graph(replace(graph.inventory, from_file=True)))
    assert kept.path is not None
    assert not kept.path.exists()


def test_a_record_of_65_images_takes_at_most_300_bytes(kept: ScanHistory) -> None:
    scans = many(150)
    kept.keep(scans[0])
    assert kept.path is not None
    first = kept.path.stat().st_size
    for graph in scans[1:]:
        assert kept.keep(graph)
    assert (kept.path.stat().st_size - first) / 149 <= 300
    assert kept.path.stat().st_mode & 0o077 == 0


def test_a_clock_that_was_put_back_is_told_and_no_age_is_negative(kept: ScanHistory) -> None:
    kept.keep(scan(NOW + 1000 * HOUR, {"a": True}), look=True)
    assert kept.keep(scan(NOW, {"a": False}))
    assert kept.keep(scan(NOW + HOUR, {"a": False}))
    seen = kept.seen(ENGINE)
    assert seen.turned_back == 1
    look = kept.last_look(ENGINE)
    assert look is not None
    since = since_look(look, scan(NOW, {"a": False}), NOW)
    assert (since.seconds, since.clock_back) == (0, True)


def test_old_records_go_and_a_clock_that_runs_ahead_does_not_take_all(tmp_path: Path) -> None:
    clock = [float(NOW)]
    history = ScanHistory(tmp_path / "history.db", lambda: clock[0])
    scans = many(module.WHOLE * 2 + 5, images=20)
    for graph in scans[:-1]:
        history.keep(graph)
    clock[0] = NOW + 10 * module.MOST_AGE
    history.keep(scans[-1])
    assert len(history.line(ENGINE)) == module.WHOLE + 5
    assert len(history.seen(ENGINE).images) > 65


def test_no_more_records_than_are_wanted(kept: ScanHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_RECORDS", 20)
    monkeypatch.setattr(module, "WHOLE", 5)
    for graph in many(40):
        kept.keep(graph)
    assert 15 < len(kept.line(ENGINE)) <= 21
    assert kept.seen(ENGINE).scans == len(kept.line(ENGINE))


def test_a_damaged_record_is_skipped_and_the_next_whole_one_goes_on(
    kept: ScanHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WHOLE", 4)
    scans = many(12)
    for graph in scans:
        kept.keep(graph)
    assert kept.path is not None
    with sqlite3.connect(kept.path) as db:
        db.execute("UPDATE scan SET data = x'00' WHERE id = 6")
    assert len(kept.line(ENGINE)) == 11
    records = kept.records(ENGINE)
    assert [record.step is not None for record in records] == [*[True] * 5, False, False, *[True] * 4]
    assert kept.seen(ENGINE).scans == 9
    assert kept.keep(build_graph(replace(scans[-1].inventory, taken_at=NOW + 99 * HOUR)))


@pytest.mark.parametrize("data", [b"", b"no database at all" * 100])
def test_a_file_that_is_no_database_is_set_aside(kept: ScanHistory, data: bytes) -> None:
    assert kept.path is not None
    kept.path.parent.mkdir()
    kept.path.write_bytes(data)
    if data:
        with pytest.raises(HistoryError, match=r"was damaged and is begun anew") as told:
            kept.keep(scan(NOW, {"a": True}))
        assert str(told.value).isprintable()
        assert (kept.path.parent / "history.damaged.db").read_bytes() == data
    else:
        kept.keep(scan(NOW, {"a": True}))
    assert len(kept.line(ENGINE)) == 1


def test_pages_that_are_damaged_cost_what_was_on_them(kept: ScanHistory) -> None:
    for graph in many(60):
        kept.keep(graph)
    assert kept.path is not None
    data = bytearray(kept.path.read_bytes())
    for at in range(len(data) // 2, len(data) // 2 + 300):
        data[at] ^= 0x5A
    kept.path.write_bytes(data)
    points = []
    with suppress(HistoryError):
        points = kept.line(ENGINE)
    assert all(point.footprint == 65 * 5 for point in points)


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HistoryError) as told:
        ScanHistory(tmp_path / "file" / "history.db").keep(scan(NOW, {"a": True}))
    assert str(told.value).isprintable()
    assert ScanHistory(None).keep(scan(NOW, {"a": True})) is False
    assert ScanHistory(None).line(ENGINE) == []


def test_it_can_be_forgotten(kept: ScanHistory) -> None:
    kept.keep(scan(NOW, {"a": True}))
    kept.clear()
    assert kept.path is not None
    assert list(kept.path.parent.iterdir()) == []
    assert kept.line(ENGINE) == []
    kept.clear()


def test_a_file_of_another_version_is_not_misread(kept: ScanHistory) -> None:
    kept.keep(scan(NOW, {"a": True}))
    assert kept.path is not None
    with closing(sqlite3.connect(kept.path, isolation_level=None)) as db:
        db.execute(f"PRAGMA user_version = {module.VERSION + 1}")
    for act in (lambda: kept.keep(scan(NOW + HOUR, {})), lambda: kept.line(ENGINE)):
        with pytest.raises(HistoryError, match=r"a newer layerscope made it; `layerscope history --clear`"):
            act()
    with closing(sqlite3.connect(kept.path, isolation_level=None)) as db:
        db.execute("PRAGMA user_version = 0")
    assert kept.line(ENGINE) == []
    assert kept.keep(scan(NOW + HOUR, {}))
    assert [point.at for point in kept.line(ENGINE)] == [NOW + HOUR]


def test_what_is_known_of_the_footprint_is_kept(kept: ScanHistory) -> None:
    graph = scan(NOW, {"a": True, "bb": True})
    totals = graph.totals
    for hour, most in enumerate((totals.footprint + 5, None)):
        bound = replace(totals, footprint_bound="≥", footprint_most=most)
        graph.__dict__["totals"] = bound
        graph.inventory = replace(graph.inventory, taken_at=NOW + hour * HOUR)
        assert kept.keep(graph)
    assert [(point.footprint, point.most) for point in kept.line(ENGINE)] == [(30, 35), (30, None)]


WRITER = """
import sys
from msgspec.structs import replace
from pathlib import Path
from layerscope.state import history as module
from tests.state.scans import ENGINE, many
module.PATIENCE = 60  # on a busy machine the other one, which never rests, may win for longer than somebody would wait
history = module.ScanHistory(Path(sys.argv[1]), lambda: 0)
engine = replace(ENGINE, id=sys.argv[2])
start = len(history.line(engine))
scans = many(start + int(sys.argv[3]), images=20, engine=engine, start=start)
print("ready", flush=True)
for graph in scans:
    if history.keep(graph):
        print(graph.inventory.taken_at, flush=True)
"""


def _writer(path: Path, number: int, engine: str = "ABCD") -> subprocess.Popen[str]:
    """A process that keeps so many scans more."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", WRITER, str(path), engine, str(number)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def kill_while_writing(path: Path, times: int, seed: int) -> int:
    """Kill a writer so many times; return how many records are there, having held them against what it said."""
    dice = random.Random(seed)
    told: set[int] = set()
    for _ in range(times):
        writer = _writer(path, 150)
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(dice.random() * 0.02)
        writer.send_signal(signal.SIGKILL)
        told.update(int(line) for line in writer.stdout.read().split("\n") if line)
        writer.wait()
        there = [point.at for point in ScanHistory(path).line(ENGINE)]
        assert told <= set(there), "a record that was written is lost"
        assert there == [NOW + at * HOUR for at in range(len(there))]
        told = set(there)
    assert all(record.step for record in ScanHistory(path).records(ENGINE))
    return len(told)


def test_a_writer_that_is_killed_loses_no_more_than_the_record_in_hand(tmp_path: Path) -> None:
    assert kill_while_writing(tmp_path / "history.db", 5, seed=3) >= 0


@pytest.mark.long
def test_killed_200_times(tmp_path: Path) -> None:
    assert kill_while_writing(tmp_path / "history.db", 200, seed=1) > 50


def test_two_sessions_at_once_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    writers = [_writer(path, 250, engine) for engine in ("ABCD", "EFGH")]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.read()
        assert writer.wait() == 0
    for engine in (ENGINE, replace(ENGINE, id="EFGH")):
        records = ScanHistory(path).records(engine)
        assert [record.point.at for record in records] == [NOW + at * HOUR for at in range(250)]
        assert all(record.step for record in records)
        assert ScanHistory(path).seen(engine).scans == 250
