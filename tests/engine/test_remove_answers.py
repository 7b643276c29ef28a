"""Removals on an engine that refuses, contradicts itself and talks nonsense: what is told is what is so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from layerscope import leaving as leaving_module
from layerscope.core.build import build_graph
from layerscope.core.removal.carry_out import Step
from layerscope.core.removal.plan import RemovalPlan, plan
from layerscope.engine.connect import Connection, connect
from layerscope.engine.remove import EngineRemover
from layerscope.errors import BackendError
from layerscope.inventory import Image, Inventory
from layerscope.state.removal_log import RemovalLog
from tests.engine.moby import Answer, Moby, Record, serve
from tests.hosts import ENGINE

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")
DIGEST, OTHER_DIGEST = f"app@sha256:{'1' * 64}", f"mirror.example/app@sha256:{'1' * 64}"
KEPT = "the engine took its names away and kept the image"


@pytest.fixture
def moby() -> Iterator[Moby]:
    with serve({A: Record(["app:1", DIGEST]), B: Record(["b:1", "b:2", "b:3"])}) as served:
        yield served


@pytest.fixture
def log(tmp_path: Path) -> RemovalLog:
    return RemovalLog(tmp_path / "removals.jsonl", ENGINE, clock=lambda: 1_780_000_000)


def planned(moby: Moby, *chosen: str, hidden: str = "") -> RemovalPlan:
    images = tuple(
        Image(
            image_id,
            tags=tuple(ref for ref in record.refs if "@" not in ref),
            digests=tuple(ref for ref in record.refs if "@" in ref),
            diff_ids=(image_id,),
            parent_id=record.parent,
            listed=image_id != hidden,
        )
        for image_id, record in moby.images.items()
    )
    return plan(build_graph(Inventory(ENGINE, images)), chosen)


def remove(moby: Moby, conn: Connection, log: RemovalLog, image: str = A) -> Step:
    """Remove one image; return what became of it. The log says the same."""
    (step,) = EngineRemover(conn, log).remove(planned(moby, image), lambda step: None, lambda: False)
    assert (logged(log)[-1]["state"], logged(log)[-1]["words"]) == (step.state, step.words)
    return step


def logged(log: RemovalLog) -> list[dict[str, Any]]:
    assert log.path
    return [json.loads(line) for line in log.path.read_text().splitlines()]


def on(moby: Moby, method: str, path: str, act: Callable[[], object]) -> None:
    """Do something each time before a request is answered; it may raise an Answer."""

    def before(asked: str, at: str) -> None:
        if (asked, at) == (method, path):
            act()

    moby.before = before


def answer(moby: Moby, method: str, path: str, status: int, body: bytes | str = b"") -> None:
    def act() -> None:
        raise Answer(status, body)

    on(moby, method, path, act)


# --- refusals -----------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 404, 409, 500, 503])
def test_a_refusal_is_one_whatever_its_status_while_the_image_is_there(
    moby: Moby, conn: Connection, log: RemovalLog, status: int
) -> None:
    answer(moby, "DELETE", f"/images/{A}", status, '{"message": "content digest sha256:1: not found"}')
    assert remove(moby, conn, log) == Step(A, "refused", "content digest sha256:1: not found")
    assert moby.images[A].refs == ["app:1", DIGEST]


@pytest.mark.parametrize(("status", "state"), [(404, "gone"), (409, "refused"), (500, "refused")])
def test_only_a_404_says_that_it_is_gone_and_only_when_it_is(
    moby: Moby, conn: Connection, log: RemovalLog, status: int, state: str
) -> None:
    def act() -> None:
        moby.images.pop(A, None)
        raise Answer(status, '{"message": "no"}')

    on(moby, "DELETE", f"/images/{A}", act)
    assert remove(moby, conn, log) == Step(A, state, "" if state == "gone" else "no")  # type: ignore[arg-type]


def test_an_engine_that_refuses_to_tell_does_not_say_that_it_is_gone(
    moby: Moby, conn: Connection, log: RemovalLog
) -> None:
    def before(method: str, path: str) -> None:
        if method == "DELETE":
            raise Answer(404, '{"message": "No such image"}')
        if moby.changes:
            raise Answer(500, '{"message": "not now"}')

    moby.before = before
    assert remove(moby, conn, log) == Step(A, "refused", "No such image")


def test_one_that_goes_by_other_hands_after_its_first_name_was_removed(
    moby: Moby, conn: Connection, log: RemovalLog
) -> None:
    on(moby, "DELETE", f"/images/{B}", lambda: moby.images.pop(B, None))
    assert remove(moby, conn, log, B) == Step(B, "removed", "")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "status 500"),
        (b"null", "null"),
        (b'{"message": ""}', "status 500"),
        (b'{"message": 7}', '{"message": 7}'),
        (b'["no"]', '["no"]'),
        (b"<html>Bad   Gateway</html>", "<html>Bad Gateway</html>"),
        (b"caf\xe9 \xc3\xa9", "caf\ufffd é"),
        (b"x" * 700, "x" * 500),
        (b"\x1b[2Jgone\x9b", "␛[2Jgone\ufffd"),
        (json.dumps({"message": "y" * 999}).encode(), "y" * 599 + "…"),
    ],
)
def test_the_words_of_a_refusal_are_the_engines_on_one_harmless_line(
    moby: Moby, conn: Connection, log: RemovalLog, body: bytes, words: str
) -> None:
    answer(moby, "DELETE", f"/images/{A}", 500, body)
    assert remove(moby, conn, log) == Step(A, "refused", words)


def test_a_name_that_is_refused_leaves_the_others(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    answer(moby, "DELETE", "/images/b:2", 500, '{"message": "disk"}')
    assert remove(moby, conn, log, B) == Step(B, "untagged", "disk")
    assert moby.images[B].refs == ["b:2", "b:3"]


@pytest.mark.parametrize("path", ["/containers/json", "/images/json", f"/images/{B}/json", "/images/b:1/json"])
@pytest.mark.parametrize("status", [409, 500])
def test_a_look_that_is_refused_changes_nothing(
    moby: Moby, conn: Connection, log: RemovalLog, path: str, status: int
) -> None:
    def before(method: str, at: str) -> None:
        if at == path:
            raise Answer(status, '{"message": "not now"}')
        if method == "DELETE":
            raise Answer(404, '{"message": "No such image"}')

    moby.before = before
    assert remove(moby, conn, log, B).state in {"refused", "lost"}
    assert moby.images[B].refs == ["b:1", "b:2", "b:3"]


# --- nonsense -----------------------------------------------------------------

NONSENSE = [b"", b"null", b"[]", b"{}", b"7", b'"Deleted"', b"[1, null, []]", b'[{"Deleted": 7}]', b"[[[]]]"]
NO_ANSWER = "the engine answered with nothing that a removal is answered with"


@pytest.mark.parametrize("body", NONSENSE)
def test_an_image_that_is_still_there_was_not_removed_whatever_the_engine_answered(
    moby: Moby, conn: Connection, log: RemovalLog, body: bytes
) -> None:
    answer(moby, "DELETE", f"/images/{A}", 200, body)
    assert remove(moby, conn, log) == Step(A, "refused", f"{NO_ANSWER}, and kept the image")


def test_names_that_were_taken_before_an_answer_that_is_none_are_told(
    moby: Moby, conn: Connection, log: RemovalLog
) -> None:
    answer(moby, "DELETE", f"/images/{B}", 200, "[]")
    assert remove(moby, conn, log, B) == Step(B, "untagged", f"{NO_ANSWER}, and kept the image")
    assert moby.images[B].refs == ["b:3"]


@pytest.mark.parametrize("body", NONSENSE)
def test_a_name_that_is_still_there_was_not_taken_whatever_the_engine_answered(
    moby: Moby, conn: Connection, log: RemovalLog, body: bytes
) -> None:
    answer(moby, "DELETE", "/images/b:1", 200, body)
    assert remove(moby, conn, log, B) == Step(B, "refused", f"{NO_ANSWER}, and kept the name b:1")
    assert moby.images[B].refs == ["b:1", "b:2", "b:3"]
    assert moby.changes == [("DELETE", "/images/b:1")], "an engine that talks nonsense is asked nothing more"


@pytest.mark.parametrize("body", NONSENSE)
def test_a_name_that_is_gone_was_taken_whatever_the_engine_answered(
    moby: Moby, conn: Connection, log: RemovalLog, body: bytes
) -> None:
    def act() -> None:
        moby.images[B].refs.remove("b:1")
        raise Answer(200, body)

    on(moby, "DELETE", "/images/b:1", act)
    assert remove(moby, conn, log, B) == Step(B, "removed", "")
    assert logged(log)[-1]["answered"] == ["nothing, when asked for b:1", "Untagged b:2"]


def test_no_name_is_no_name_that_the_plan_did_not_show(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    """Some engines write it so of an image without one."""
    moby.images[C] = Record([])
    answer(moby, "GET", f"/images/{C}/json", 200, json.dumps({"Id": C, "RepoTags": ["<none>:<none>"]}))
    assert remove(moby, conn, log, C) == Step(C, "removed", "")


@pytest.mark.parametrize("path", ["/images/b:1", f"/images/{B}"])
def test_html_is_told_as_no_json(moby: Moby, conn: Connection, log: RemovalLog, path: str) -> None:
    answer(moby, "DELETE", path, 200, b"<html>Welcome to the proxy</html>")
    step = remove(moby, conn, log, B)
    assert step.state == "lost"
    assert "JSON" in step.words


# --- what the plan showed -----------------------------------------------------


@pytest.mark.parametrize("only_untagged", [False, True])
@pytest.mark.parametrize(
    ("refs", "words"),
    [
        (["b:1", "b:2", "b:3", "keep-me:forever"], "it has a name now that the plan did not show: keep-me:forever"),
        (["b:1", "b:3"], "it has lost a name since: b:2"),
        ([], "it has lost a name since: b:1, b:2 and b:3"),
        (["b:1", "b:2", "b:3", "w", "z", "y", "x"], "it has a name now that the plan did not show: w, x, y and 1 more"),
        (["b:2", "new:1"], "it has a name now that the plan did not show: new:1"),
    ],
)
def test_an_image_whose_names_are_not_those_of_the_plan_is_skipped(
    moby: Moby, conn: Connection, log: RemovalLog, refs: list[str], words: str, only_untagged: bool
) -> None:
    if only_untagged:
        moby.images[C] = Record(["child:1"], parent=B)
    found = planned(moby, B)
    assert bool(found.untagged) is only_untagged
    moby.images[B].refs = refs
    (step,) = EngineRemover(conn, log).remove(found, lambda step: None, lambda: False)
    assert step == Step(B, "skipped", words)
    assert moby.changes == []
    assert (logged(log)[-1]["state"], logged(log)[-1]["words"]) == ("skipped", words)


def test_a_name_that_moves_in_the_last_moment_and_takes_another_image_along_is_told(
    moby: Moby, conn: Connection, log: RemovalLog
) -> None:
    def move() -> None:
        if "b:1" in moby.images[B].refs:
            moby.images[B].refs.remove("b:1")
            moby.images[C] = Record(["b:1"])

    on(moby, "DELETE", "/images/b:1", move)
    step = remove(moby, conn, log, B)
    assert step == Step(B, "removed", f"b:1 meant another image by then, which is gone: {C}")
    assert logged(log)[-1]["answered"] == ["Untagged b:1", f"Deleted {C}", "Untagged b:2"]


def test_another_image_that_went_is_told_beside_a_refusal(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    def before(method: str, path: str) -> None:
        if (method, path) == ("DELETE", "/images/b:1"):
            moby.images[B].refs.remove("b:1")
            moby.images[C] = Record(["b:1"])
        if (method, path) == ("DELETE", f"/images/{B}"):
            raise Answer(500, '{"message": "disk"}')

    moby.before = before
    told = f"disk; b:1 meant another image by then, which is gone: {C}"
    assert remove(moby, conn, log, B) == Step(B, "untagged", told)


@pytest.mark.parametrize("body", NONSENSE)
def test_an_image_that_is_not_there_any_more_was(moby: Moby, conn: Connection, log: RemovalLog, body: bytes) -> None:
    def act() -> None:
        moby.images.pop(A, None)
        raise Answer(200, body)

    on(moby, "DELETE", f"/images/{A}", act)
    assert remove(moby, conn, log) == Step(A, "removed", "")


@pytest.mark.parametrize("body", [b"<html>", b"[" * 9])
def test_what_is_not_json_tells_nothing(moby: Moby, conn: Connection, log: RemovalLog, body: bytes) -> None:
    answer(moby, "DELETE", f"/images/{A}", 200, body)
    assert remove(moby, conn, log).state == "lost"


def test_another_image_that_is_deleted_is_not_this_one(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    answer(moby, "DELETE", f"/images/{A}", 200, json.dumps([{"Deleted": B}]))
    assert remove(moby, conn, log) == Step(A, "untagged", KEPT)


def test_a_description_that_makes_no_sense_is_no_name_of_ours(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    def before(method: str, path: str) -> None:
        if path.endswith("/json") and path.startswith("/images/b:"):
            raise Answer(200, '["what"]')

    moby.before = before
    assert remove(moby, conn, log, B).state == "refused"  # by ID, with several names
    assert moby.images[B].refs == ["b:1", "b:2", "b:3"]


# --- the end of an image on the way -------------------------------------------


def test_a_name_that_was_the_last_takes_it_along_and_nothing_more_is_asked(
    moby: Moby, conn: Connection, log: RemovalLog
) -> None:
    on(moby, "DELETE", "/images/b:1", lambda: moby.images[B].refs.__delitem__(slice(1, None)))
    assert remove(moby, conn, log, B) == Step(B, "removed", "")
    assert [path for _, path in moby.changes] == ["/images/b:1"]


def test_it_is_known_by_its_id_without_a_prefix_as_podman_has_it(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    def act() -> None:
        moby.images.pop(B, None)
        raise Answer(200, json.dumps([{"Untagged": "b:1"}, {"Deleted": B.removeprefix("sha256:")}]))

    on(moby, "DELETE", "/images/b:1", act)
    assert remove(moby, conn, log, B) == Step(B, "removed", "")
    assert logged(log)[-1]["answered"] == ["Untagged b:1", f"Deleted {B}"]


def test_a_digest_that_was_the_last_name_too(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    moby.images[A].refs.append(OTHER_DIGEST)
    found = planned(moby, A)
    on(moby, "DELETE", f"/images/{DIGEST}", lambda: moby.images[A].refs.__setitem__(slice(None), [DIGEST]))
    (step,) = EngineRemover(conn, log).remove(found, lambda step: None, lambda: False)
    assert step == Step(A, "removed", "")
    assert moby.changes[-1] == ("DELETE", f"/images/{DIGEST}")


def test_digests_that_an_engine_tells_among_the_tags_are_no_new_names(
    moby: Moby, conn: Connection, log: RemovalLog
) -> None:
    """As Podman does."""
    moby.images[A].refs.append(OTHER_DIGEST)

    def told() -> None:
        if A in moby.images:
            raise Answer(200, json.dumps({"Id": A, "RepoTags": moby.images[A].refs}))

    on(moby, "GET", f"/images/{A}/json", told)
    assert remove(moby, conn, log) == Step(A, "removed", "")


@pytest.fixture
def base(moby: Moby) -> RemovalPlan:
    """A plan for an image with two names, from which one that stays was made."""
    moby.images.clear()
    moby.images.update({A: Record(["base:1", "mirror/base:1"]), C: Record(["app:1"], parent=A)})
    return planned(moby, A)


def untag(conn: Connection, base: RemovalPlan, log: RemovalLog) -> Step:
    (step,) = EngineRemover(conn, log).remove(base, lambda step: None, lambda: False)
    return step


def test_names_that_are_not_taken_because_nothing_stands_on_it_any_more(
    moby: Moby, conn: Connection, base: RemovalPlan, log: RemovalLog
) -> None:
    del moby.images[C]
    step = untag(conn, base, log)
    assert step.state == "refused"
    assert step.words.startswith("nothing stands on it any more")
    assert moby.changes == []


def test_one_that_was_only_to_be_untagged_and_went_is_told_as_removed(
    moby: Moby, conn: Connection, base: RemovalPlan, log: RemovalLog
) -> None:
    def act() -> None:
        moby.images.pop(C, None)
        del moby.images[A].refs[1:]

    on(moby, "DELETE", "/images/base:1", act)
    assert untag(conn, base, log) == Step(A, "removed", "")


def test_one_that_was_only_to_be_untagged_and_is_gone(
    moby: Moby, conn: Connection, base: RemovalPlan, log: RemovalLog
) -> None:
    moby.images.clear()
    assert untag(conn, base, log) == Step(A, "gone", "")


# --- several ------------------------------------------------------------------


def test_each_image_is_announced_before_it_is_asked_for(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    heard: list[tuple[str, str]] = []
    EngineRemover(conn, log).remove(
        planned(moby, A, B), lambda step: heard.append((step.image_id, step.state)), lambda: False
    )
    assert heard == [(A, "removing"), (A, "removed"), (B, "removing"), (B, "removed")]


def test_what_was_not_asked_for_says_why(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    found = planned(moby, A, B)
    steps = EngineRemover(conn, log).remove(found, lambda step: None, lambda: True)
    assert steps == (Step(A, "skipped", "cancelled"), Step(B, "skipped", "cancelled"))

    def act() -> None:
        raise ConnectionAbortedError

    on(moby, "DELETE", f"/images/{A}", act)
    one, two = EngineRemover(conn, log).remove(found, lambda step: None, lambda: False)
    assert (one.state, two) == ("lost", Step(B, "skipped", "the engine was lost"))
    assert moby.images.keys() == {A, B}


@pytest.fixture
def leaving() -> Iterator[Callable[[], object]]:
    """Tells the program to end, from inside a removal, which that does not wait for."""
    yield lambda: leaving_module.leave(0)
    leaving_module._leaving.clear()


def test_what_is_left_when_the_program_is_told_to_end_is_in_the_log_once(
    moby: Moby, conn: Connection, log: RemovalLog, leaving: Callable[[], object]
) -> None:
    moby.images[C] = Record(["c:1"])
    on(moby, "DELETE", f"/images/{A}", leaving)
    steps = EngineRemover(conn, log).remove(planned(moby, A, B, C), lambda step: None, lambda: False)
    why = "layerscope was told to end"
    assert steps == (Step(A, "removed", ""), Step(B, "skipped", why), Step(C, "skipped", why))
    assert moby.images.keys() == {B, C}
    assert [line["state"] for line in logged(log)] == ["removing", "removed", "stopped"]
    assert (logged(log)[-1]["left"], logged(log)[-1]["words"]) == ([B, C], why)


def test_what_the_user_stopped_is_no_end_of_the_program(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    EngineRemover(conn, log).remove(planned(moby, A), lambda step: None, lambda: True)
    assert log.path
    assert not log.path.exists()


def test_the_end_of_the_program_waits_for_the_image_under_way(
    moby: Moby, conn: Connection, log: RemovalLog, leaving: Callable[[], object]
) -> None:
    waited: list[bool] = []
    on(moby, "DELETE", f"/images/{A}", lambda: waited.append(bool(leaving())))
    EngineRemover(conn, log).remove(planned(moby, A), lambda step: None, lambda: False)
    assert waited == [False], "it was not done yet"
    assert leaving_module.leave(0)


@pytest.mark.parametrize("gone", [False, True])
def test_a_build_parent_goes_also_when_what_was_made_from_it_went_by_other_hands(
    moby: Moby, conn: Connection, log: RemovalLog, gone: bool
) -> None:
    moby.images.clear()
    moby.images.update({B: Record([]), C: Record(["app:1"], parent=B)})
    moby.prunes = False
    found = planned(moby, C, hidden=B)
    assert [image.id for image in found.parents] == [B]
    if gone:
        del moby.images[C]
    EngineRemover(conn, log).remove(found, lambda step: None, lambda: False)
    assert moby.images == {}
    assert [(line["image"], line["state"], line.get("size_bytes")) for line in logged(log)] == [
        (C, "removing", 0),
        (C, "gone" if gone else "removed", None),
        (B, "removing", 0),
        (B, "removed", None),
    ]
    assert (logged(log)[2]["pullable"], logged(log)[2]["pull_again"]) == ("only here", None), "a step of a build here"


# --- around it ----------------------------------------------------------------


def test_over_tcp_it_is_the_same(log: RemovalLog) -> None:
    with serve({A: Record(["app:1"])}, tcp=True) as moby, connect(moby.host) as conn:
        assert remove(moby, conn, log) == Step(A, "removed", "")
        assert moby.images == {}


def test_the_users_own_headers_go_with_it(
    moby: Moby, log: RemovalLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text('{"HttpHeaders": {"X-Token": "secret"}}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with connect(moby.host) as conn:
        remove(moby, conn, log)
    assert [headers.get("X-Token") for headers in moby.headers] == ["secret"]


def test_a_log_that_fails_is_the_removers_warning(moby: Moby, conn: Connection, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    log = RemovalLog(tmp_path / "file" / "removals.jsonl", ENGINE)
    remover = EngineRemover(conn, log)
    assert remover.warning == ""
    remover.remove(planned(moby, A), lambda step: None, lambda: False)
    assert "removals are not logged" in remover.warning


@pytest.mark.parametrize("status", [403, 404, 409, 500])
def test_a_prune_that_is_refused_says_what_was_refused(
    moby: Moby, conn: Connection, log: RemovalLog, status: int
) -> None:
    answer(moby, "POST", "/build/prune", status, '{"message": "a prune operation is already running"}')
    with pytest.raises(BackendError) as refused:
        EngineRemover(conn, log).prune_build_cache()
    assert "a prune operation is already running" in refused.value.cause
    assert status == 403 or "refused to prune the build cache" in refused.value.cause
    assert refused.value.hint


def test_a_prune_on_an_engine_that_dies_is_one_line(moby: Moby, conn: Connection, log: RemovalLog) -> None:
    def act() -> None:
        raise ConnectionAbortedError

    on(moby, "POST", "/build/prune", act)
    with pytest.raises(BackendError) as lost:
        EngineRemover(conn, log).prune_build_cache()
    assert lost.value.cause.startswith("the engine at ")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"SpaceReclaimed": "much"}', b'{"SpaceReclaimed": -1}'])
def test_what_a_prune_did_is_not_known_where_the_answer_is_nonsense(
    moby: Moby, conn: Connection, log: RemovalLog, body: bytes
) -> None:
    answer(moby, "POST", "/build/prune", 200, body)
    assert EngineRemover(conn, log).prune_build_cache() is None
