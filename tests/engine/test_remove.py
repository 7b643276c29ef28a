"""Removal: nothing is forced, nothing else is hit, every outcome is told as it is, and everything is in the log."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.origin import Origin
from layerscope.core.removal.carry_out import Step
from layerscope.core.removal.plan import RemovalPlan, plan
from layerscope.engine.backend import LiveBackend
from layerscope.engine.connect import Connection
from layerscope.engine.remove import EngineRemover
from layerscope.errors import BackendError
from layerscope.inventory import Image, Inventory
from layerscope.state.removal_log import RemovalLog
from tests.engine.moby import Moby, Record, serve
from tests.hosts import ENGINE

A, B, C, D = (f"sha256:{letter * 64}" for letter in "abcd")
DIGEST, OTHER_DIGEST = f"app@sha256:{'1' * 64}", f"mirror.example/app@sha256:{'1' * 64}"


@pytest.fixture
def moby() -> Iterator[Moby]:
    images = {
        A: Record(["app:1", DIGEST]),
        B: Record(["b:1", "b:2", "other/b:1"]),
        C: Record([]),
        D: Record(["d:1"]),
    }
    with serve(images) as served:
        yield served


@pytest.fixture
def log(tmp_path: Path) -> RemovalLog:
    return RemovalLog(tmp_path / "state" / "removals.jsonl", ENGINE, clock=lambda: 1_780_000_000)


def planned(moby: Moby) -> RemovalPlan:
    """The plan for all images, as they are now."""
    images = tuple(
        Image(
            image_id,
            tags=tuple(ref for ref in record.refs if "@" not in ref),
            digests=tuple(ref for ref in record.refs if "@" in ref),
            diff_ids=(image_id,),
            parent_id=record.parent,
        )
        for image_id, record in moby.images.items()
    )
    return plan(build_graph(Inventory(ENGINE, images)), moby.images)


def remove(
    moby: Moby, conn: Connection, log: RemovalLog, cancelled: Callable[[], bool] = lambda: False
) -> dict[str, Step]:
    """Remove all images; return what became of each."""
    heard: list[Step] = []
    steps = EngineRemover(conn, log).remove(planned(moby), heard.append, cancelled)
    assert [step for step in heard if step.state != "removing"] == list(steps)
    return {step.image_id: step for step in steps}


def states(steps: dict[str, Step]) -> dict[str, str]:
    return {image_id: step.state for image_id, step in steps.items()}


def lines(log: RemovalLog) -> list[dict[str, Any]]:
    assert log.path
    return [json.loads(line) for line in log.path.read_text().splitlines()]


def during(moby: Moby, method: str, path: str, act: Callable[[], object]) -> None:
    """Let another session act just before the engine comes to a request, once."""
    done: list[object] = []

    def before(asked: str, at: str) -> None:
        if (asked, at) == (method, path) and not done:
            done.append(1)
            act()

    moby.before = before


def test_images_go_with_all_their_names(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    assert set(states(remove(moby, conn, log)).values()) == {"removed"}
    assert moby.images == {}


def test_force_is_never_sent_nor_anything_else_that_is_not_asked_for(
    moby: Moby, conn: Connection, log: RemovalLog
) -> None:
    moby.images[D].containers["web"] = "running"
    moby.images[A].containers["old"] = "exited"
    remove(moby, conn, log)
    changes = [target for method, target in moby.requests if method != "GET"]
    assert changes
    assert not any("?" in target or "force" in target for target in changes)
    assert {method for method, _ in moby.requests} == {"GET", "DELETE"}


def test_all_names_but_the_last_go_by_name_and_the_rest_by_id(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    remove(moby, conn, log)
    assert [path for _, path in moby.changes if path.startswith(("/images/b:", "/images/other", f"/images/{B}"))] == [
        "/images/b:1",
        "/images/b:2",
        f"/images/{B}",
    ]


def test_a_name_that_has_moved_on_is_left_alone(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    new = f"sha256:{'e' * 64}"

    def rebuild() -> None:
        moby.images[B].refs.remove("b:2")
        moby.images[new] = Record(["b:2"])

    during(moby, "GET", "/images/b:2/json", rebuild)
    assert states(remove(moby, conn, log))[B] == "removed"
    assert moby.images == {new: Record(["b:2"])}


def test_an_image_whose_only_name_has_moved_on_goes_by_its_id(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    new = f"sha256:{'e' * 64}"

    def rebuild() -> None:
        moby.images[D].refs.remove("d:1")
        moby.images[new] = Record(["d:1"])

    during(moby, "DELETE", f"/images/{D}", rebuild)
    remove(moby, conn, log)
    assert moby.images == {new: Record(["d:1"])}


def test_a_refusal_is_told_in_the_engines_words_and_the_rest_goes_on(
    moby: Moby, conn: Connection, log: RemovalLog
) -> None:
    during(moby, "DELETE", f"/images/{A}", lambda: moby.images[A].containers.update(web="running"))
    steps = remove(moby, conn, log)
    assert states(steps) == {A: "refused", B: "removed", C: "removed", D: "removed"}
    assert steps[A].words == (
        "conflict: unable to delete aaaaaaaaaaaa (cannot be forced) - image is being used by running container web"
    )
    assert moby.images[A].refs == ["app:1", DIGEST]


def test_an_image_taken_into_use_keeps_all_its_names(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    during(moby, "GET", "/containers/json", lambda: moby.images[B].containers.update(job="exited"))
    steps = remove(moby, conn, log)
    assert (steps[B].state, steps[B].words) == ("refused", "image is being used by stopped container: job (exited)")
    assert moby.images[B].refs == ["b:1", "b:2", "other/b:1"]


def test_an_image_that_something_was_made_from_meanwhile_is_refused_and_not_untagged(
    moby: Moby, conn: Connection, log: RemovalLog
) -> None:
    during(moby, "DELETE", f"/images/{D}", lambda: moby.images.update({"sha256:new": Record(["new:1"], parent=D)}))
    steps = remove(moby, conn, log)
    assert steps[D].state == "refused"
    assert steps[D].words.endswith("image has dependent child images")
    assert moby.images[D].refs == ["d:1"]


def test_a_name_that_somebody_adds_meanwhile_saves_the_image(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    during(moby, "DELETE", f"/images/{A}", lambda: moby.images[A].refs.append("keep:this"))
    steps = remove(moby, conn, log)
    assert steps[A].state == "refused"
    assert steps[A].words.endswith("image is referenced in multiple repositories")
    assert moby.images[A].refs == ["app:1", DIGEST, "keep:this"]


def test_digests_of_other_repositories_go_too(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    moby.images[A].refs.append(OTHER_DIGEST)
    assert states(remove(moby, conn, log))[A] == "removed"
    assert A not in moby.images


def test_a_container_that_comes_meanwhile_costs_no_digest(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    moby.images[A].refs.append(OTHER_DIGEST)
    during(moby, "DELETE", f"/images/{A}", lambda: moby.images[A].containers.update(job="exited"))
    assert states(remove(moby, conn, log))[A] == "refused"
    assert moby.images[A].refs == ["app:1", DIGEST, OTHER_DIGEST]


def test_an_image_that_is_gone_already_is_no_failure(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    during(moby, "DELETE", f"/images/{A}", lambda: moby.images.pop(A))
    assert states(remove(moby, conn, log))[A] == "gone"
    assert moby.images == {}


def test_losing_some_names_before_a_refusal_is_told_as_that(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    during(moby, "DELETE", "/images/b:2", lambda: moby.images[B].containers.update(web="running"))
    steps = remove(moby, conn, log)
    assert steps[B].state == "untagged"
    assert "running container web" in steps[B].words
    assert moby.images[B].refs == ["other/b:1"]


@pytest.fixture
def line(moby: Moby) -> RemovalPlan:
    """A plan for an image, its build parent, which is no row, and what that was made from."""
    moby.images.clear()
    moby.images.update({A: Record(["base:1"]), B: Record([], parent=A), C: Record(["app:1"], parent=B)})
    inventory = planned(moby).graph.inventory
    listed = tuple(replace(image, listed=image.id != B) for image in inventory.images)
    return plan(build_graph(replace(inventory, images=listed)), [A, C])


def test_children_go_before_what_they_were_made_from(
    conn: Connection, moby: Moby, line: RemovalPlan, log: RemovalLog
) -> None:
    steps = EngineRemover(conn, log).remove(line, lambda step: None, lambda: False)
    assert [(step.image_id, step.state) for step in steps] == [(C, "removed"), (A, "removed")]
    assert moby.images == {}


def test_a_build_parent_that_the_engine_leaves_behind_goes_by_id(
    conn: Connection, moby: Moby, line: RemovalPlan, log: RemovalLog
) -> None:
    moby.prunes = False
    moby.images[B].parent = moby.images[C].parent = ""  # or moby would refuse the rest, as that store does not
    EngineRemover(conn, log).remove(line, lambda step: None, lambda: False)
    assert moby.images == {}
    assert {line["image"] for line in lines(log)} == {A, B, C}


@pytest.mark.parametrize("name", ["mine:1", "mine" + DIGEST[3:]])
def test_a_build_parent_that_somebody_has_named_meanwhile_is_left_alone(
    conn: Connection, moby: Moby, line: RemovalPlan, log: RemovalLog, name: str
) -> None:
    moby.prunes = False
    moby.images[B].parent = moby.images[C].parent = ""
    moby.images[B].refs.append(name)
    EngineRemover(conn, log).remove(line, lambda step: None, lambda: False)
    assert moby.images.keys() == {B}
    assert {line["image"] for line in lines(log)} == {A, C}


def test_the_build_parents_of_what_was_refused_stay(
    conn: Connection, moby: Moby, line: RemovalPlan, log: RemovalLog
) -> None:
    moby.prunes = False
    moby.images[B].parent = moby.images[C].parent = ""
    during(moby, "DELETE", f"/images/{C}", lambda: moby.images[C].containers.update(web="running"))
    EngineRemover(conn, log).remove(line, lambda step: None, lambda: False)
    assert moby.images.keys() == {B, C}


def test_cancelled_between_images_the_rest_is_not_asked_for(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    answers = iter([False, False, True])
    found = states(remove(moby, conn, log, lambda: next(answers)))
    assert list(found.values()) == ["removed", "removed", "skipped", "skipped"]
    assert len(moby.images) == 2


def test_when_the_engine_dies_halfway_what_was_done_is_told_and_what_is_not_known(
    moby: Moby, conn: Connection, log: RemovalLog
) -> None:
    third = [node.id for node in planned(moby).removed][2]

    def before(method: str, path: str) -> None:
        if path.endswith(third) or third not in moby.images:
            raise ConnectionAbortedError

    moby.before = before
    steps = remove(moby, conn, log)
    assert list(states(steps).values()) == ["removed", "removed", "lost", "skipped"]
    assert steps[third].words.startswith("the engine at ")
    assert [line["state"] for line in lines(log)] == ["removing", "removed", "removing", "removed", "removing", "lost"]


# --- images that only lose their names ----------------------------------------


@pytest.fixture
def base(moby: Moby) -> RemovalPlan:
    """A plan for an image with two names, from which one that stays was made."""
    moby.images.clear()
    moby.images.update({A: Record(["base:1", "mirror/base:1", "base@" + DIGEST[4:]]), C: Record(["app:1"], parent=A)})
    found = plan(planned(moby).graph, [A])
    assert [one.image.id for one in found.untagged] == [A]
    return found


def untag(conn: Connection, base: RemovalPlan, log: RemovalLog) -> Step:
    (step,) = EngineRemover(conn, log).remove(base, lambda step: None, lambda: False)
    return step


def test_an_image_that_another_was_made_from_loses_its_names_and_nothing_else(
    conn: Connection, moby: Moby, base: RemovalPlan, log: RemovalLog
) -> None:
    assert untag(conn, base, log) == Step(A, "untagged", "")
    assert moby.images == {A: Record([]), C: Record(["app:1"], parent=A)}
    assert {path for _, path in moby.changes} == {"/images/base:1", "/images/mirror/base:1"}
    assert [(line["state"], line.get("name_again")) for line in lines(log)] == [
        ("untagging", [f"docker tag {A} base:1", f"docker tag {A} mirror/base:1"]),
        ("untagged", None),
    ]


def test_it_is_not_removed_when_what_was_made_from_it_has_gone_meanwhile(
    conn: Connection, moby: Moby, base: RemovalPlan, log: RemovalLog
) -> None:
    """Without a child the last name would take the image along: that was not what was shown and confirmed."""
    during(moby, "DELETE", "/images/base:1", lambda: moby.images.pop(C))
    step = untag(conn, base, log)
    assert (step.state, step.words) == (
        "untagged",
        "nothing stands on it any more: without its last name it would go, and that was not confirmed",
    )
    assert moby.images[A].refs == ["mirror/base:1"]


def test_a_container_that_comes_meanwhile_saves_all_its_names(
    conn: Connection, moby: Moby, base: RemovalPlan, log: RemovalLog
) -> None:
    moby.images[A].containers["job"] = "exited"
    assert untag(conn, base, log).state == "refused"
    assert len(moby.images[A].refs) == 3


def test_a_name_of_it_that_has_moved_on_is_left_alone(
    conn: Connection, moby: Moby, base: RemovalPlan, log: RemovalLog
) -> None:
    def rebuild() -> None:
        moby.images[A].refs.remove("base:1")
        moby.images[B] = Record(["base:1"])

    during(moby, "GET", "/images/base:1/json", rebuild)
    assert untag(conn, base, log).state == "untagged"
    assert moby.images[B].refs == ["base:1"]
    assert moby.images[A].refs == []


def test_one_that_is_gone_already_is_told_as_that(
    conn: Connection, moby: Moby, base: RemovalPlan, log: RemovalLog
) -> None:
    moby.images.clear()
    assert untag(conn, base, log).state == "gone"


def test_what_was_to_go_and_cannot_is_never_untagged_instead(
    conn: Connection, moby: Moby, base: RemovalPlan, log: RemovalLog
) -> None:
    both = plan(base.graph, [A, C])
    during(moby, "DELETE", f"/images/{C}", lambda: moby.images[C].containers.update(web="running"))
    steps = EngineRemover(conn, log).remove(both, lambda step: None, lambda: False)
    assert [(step.image_id, step.state) for step in steps] == [(C, "refused"), (A, "refused")]
    assert moby.images[A].refs[-1].startswith("base@")


def test_an_engine_that_says_deleted_and_keeps_it_is_not_believed(
    moby: Moby, conn: Connection, log: RemovalLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a containerd store does with the last name of what others were made from."""
    delete = moby.delete

    def keeps(name: str) -> list[dict[str, str]]:
        if name != "b:1":
            return delete(name)
        moby.images[B].refs.clear()  # another session has taken the other names
        return [{"Untagged": name}, {"Deleted": B}]

    monkeypatch.setattr(moby, "delete", keeps)
    assert states(remove(moby, conn, log))[B] == "removed"
    assert moby.images == {}


def test_what_the_log_says_to_type_is_safe_in_a_shell(log: RemovalLog) -> None:
    log.removing(Image(A), 0, Origin("yes", "x;reboot@sha256:1"))
    log.untagging(Image(A, tags=("$(reboot)",)))
    assert [line.get("pull_again") or line["name_again"] for line in lines(log)] == [
        "docker pull 'x;reboot@sha256:1'",
        [f"docker tag {A} '$(reboot)'"],
    ]


# --- the log ------------------------------------------------------------------


def test_the_log_says_what_when_and_how_to_get_it_back(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    remove(moby, conn, log)
    first, second = (line for line in lines(log) if line["image"] == A)
    assert first == {
        "time": "2026-05-28T20:26:40Z",
        "engine": ENGINE.host,
        "engine_id": "",
        "host": ENGINE.name,
        "state": "removing",
        "image": A,
        "tags": ["app:1"],
        "digests": [DIGEST],
        "size_bytes": 0,
        "pullable": "yes",
        "pull_again": f"docker pull {DIGEST}",
    }
    where = {key: first[key] for key in ("time", "engine", "engine_id", "host")}
    assert second == {**where, "state": "removed", "image": A, "words": ""}
    assert log.problem == ""
    assert log.path
    assert log.path.stat().st_mode & 0o077 == 0


def test_a_removal_is_in_the_log_before_the_engine_is_asked(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    def before(method: str, path: str) -> None:
        if method == "DELETE":
            assert any(line["state"] == "removing" for line in lines(log))
            seen.append(path)

    seen: list[str] = []
    moby.before = before
    assert set(states(remove(moby, conn, log)).values()) == {"removed"}
    assert seen


def test_a_log_that_cannot_be_written_is_told_and_stops_nothing(moby: Moby, conn: Connection, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    log = RemovalLog(tmp_path / "file" / "layerscope" / "removals.jsonl", ENGINE)
    assert set(states(remove(moby, conn, log)).values()) == {"removed"}
    assert "removals are not logged: a part of the path is no folder" in log.problem


def test_a_line_that_was_cut_off_spoils_no_other(log: RemovalLog) -> None:
    assert log.path
    log.path.parent.mkdir()
    log.path.write_text('{"time": "20')
    log.became(Image(A), "removed", "")
    assert json.loads(log.path.read_text().splitlines()[-1])["image"] == A


# --- build cache, and what cannot be reached ----------------------------------


def test_the_build_cache_is_pruned_only_when_asked_for(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    remove(moby, conn, log)
    assert not any(path == "/build/prune" for _, path in moby.changes)
    assert EngineRemover(conn, log).prune_build_cache() == 1234
    assert moby.changes[-1] == ("POST", "/build/prune")


def test_an_engine_that_cannot_prune_or_measure_is_told_in_a_line(
    moby: Moby, conn: Connection, log: RemovalLog
) -> None:
    def before(method: str, path: str) -> None:
        raise KeyError("Not Found\nreally")

    moby.before = before
    for ask in (EngineRemover(conn, log).prune_build_cache, LiveBackend(conn).usage):
        with pytest.raises(BackendError) as caught:
            ask()
        assert "Not Found really" in caught.value.cause


READ_ONLY = """
import sys
from layerscope.sources.backend import SavedBackend
from layerscope.engine.backend import open_backend
live = open_backend(sys.argv[1], None, read_only=True)
assert live.remover() is None and "--read-only" in live.no_removal
saved = SavedBackend(lambda: None)
assert saved.remover() is None and saved.no_removal
assert "layerscope.engine.remove" not in sys.modules
open_backend(sys.argv[1], None).remover()
assert "layerscope.engine.remove" in sys.modules  # the test would see it
"""


def test_no_removing_code_is_even_loaded_for_a_saved_scan_or_read_only(moby: Moby) -> None:
    done = subprocess.run([sys.executable, "-c", READ_ONLY, moby.host], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# --- another engine, another name, no answer -----------------------------------


def test_another_engine_at_the_same_address_is_asked_nothing(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    moby.info["ID"] = "another engine"
    steps = remove(moby, conn, log)
    assert set(states(steps).values()) == {"skipped"}
    assert all("another engine answers at" in step.words for step in steps.values())
    assert moby.changes == []


def test_an_image_with_a_name_that_the_plan_did_not_show_is_left_alone(
    moby: Moby, conn: Connection, log: RemovalLog
) -> None:
    moby.before = lambda method, path: None
    plan = planned(moby)
    moby.images[A].refs.append("keep-me:forever")
    steps = {step.image_id: step for step in EngineRemover(conn, log).remove(plan, lambda _: None, lambda: False)}
    assert steps[A].state == "skipped"
    assert "keep-me:forever" in steps[A].words
    assert "keep-me:forever" in moby.images[A].refs


@pytest.mark.parametrize("answer", [None, {}, "<html>"])
def test_an_answer_that_is_none_is_told_as_that(
    moby: Moby, conn: Connection, log: RemovalLog, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    monkeypatch.setattr(moby, "delete", lambda name: answer)
    steps = remove(moby, conn, log)
    assert "removed" not in states(steps).values()
    assert any("nothing that a removal is answered with" in step.words for step in steps.values())
