"""A scan of every recorded engine, through the real docker-py and a Unix socket."""

from __future__ import annotations

import copy
import threading
import time
from typing import Any

import pytest

from layerscope.engine.connect import connect
from layerscope.engine.errors import Cancelled
from layerscope.engine.scan import Progress, scan
from layerscope.inventory import HistoryEntry, Image, Inventory
from tests.replay import NAMES, Replay, load_recording, recorded_inventory, replay

KINDS = {
    "docker-20.10-overlay2": ("docker", "20.10.24+dfsg1", "1.41", "overlay2", "graphdriver"),
    "docker-28.5-overlay2": ("docker", "28.5.2+dfsg4", "1.51", "overlay2", "graphdriver"),
    "docker-28.5-containerd": ("docker", "28.5.2+dfsg4", "1.51", "containerd", "containerd"),
    "podman-4.3": ("podman", "4.3.1", "1.41", "overlay", "podman"),
    "podman-5.8": ("podman", "5.8.6", "1.44", "overlay", "podman"),
}


def image(inventory: Inventory, tag: str) -> Image:
    return next(image for image in inventory.images if tag in image.tags)


def changed(name: str, **answers: Any) -> dict[str, Any]:
    """Return a copy of a recording with other answers."""
    return copy.deepcopy(load_recording(name)) | answers


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_image_is_there_with_its_layers_and_history(name: str) -> None:
    recording, inventory = load_recording(name), recorded_inventory(name)
    engine = inventory.engine
    assert (engine.kind, engine.version, engine.api_version, engine.store, engine.store_kind) == KINDS[name]
    assert inventory.complete
    assert inventory.vanished == 0
    rows = recording["images_manifests" if engine.api_version == "1.51" else "images_all1"]
    assert [image.id for image in inventory.images] == [row["Id"] for row in rows]
    assert {image.id for image in inventory.images if image.listed} == {row["Id"] for row in recording["images_all0"]}
    sizes = {row["Id"]: row["Size"] for row in rows}
    for image in inventory.images:
        answer, history = recording["inspect"][image.id], recording["history"][image.id]
        assert image.diff_ids == tuple(answer["RootFS"].get("Layers") or ())
        assert image.engine_size == sizes[image.id]
        assert (image.os, image.architecture) == (answer["Os"], answer["Architecture"])
        if isinstance(history, dict):  # refused
            assert image.history is None
            assert image.note == f"history: {history['_body']['message']}"
        else:
            assert image.history is not None
            assert image.note == ""
            oldest_first = list(reversed(history or []))
            assert [entry.created_by for entry in image.history] == [row["CreatedBy"] for row in oldest_first]
            assert [entry.size for entry in image.history] == [row["Size"] for row in oldest_first]


@pytest.mark.parametrize("name", NAMES)
def test_containers_name_their_images_as_the_images_are_named(name: str) -> None:
    inventory, rows = recorded_inventory(name), load_recording(name)["containers"]
    assert [(c.id, f"/{c.name}", c.image, c.state) for c in inventory.containers] == [
        (row["Id"], row["Names"][0], row["Image"], row["State"]) for row in rows
    ]
    known = {image.id for image in inventory.images}
    assert all(container.image_id in known for container in inventory.containers)


def test_raw_ids_of_podman_get_their_prefix() -> None:
    recording = changed("podman-4.3")
    for row in recording["containers"]:
        row["ImageID"] = row["ImageID"].removeprefix("sha256:")
    with replay(recording) as engine, connect(engine.host) as conn:
        assert scan(conn).containers == recorded_inventory("podman-4.3").containers
    steps = {entry.id for image in recorded_inventory("podman-4.3").images for entry in image.history or ()}
    assert all(step is None or step.startswith("sha256:") for step in steps)
    assert not any(step and "missing" in step for step in steps)


def test_a_scan_asks_for_nothing_expensive_and_keeps_its_connections() -> None:
    for name in NAMES:
        with replay(name) as engine, connect(engine.host) as conn:
            inventory = scan(conn)
            lanes = conn.requests_in_flight
        assert not [path for path in engine.requests if "/system/df" in path or "size=1" in path]
        # /version and /info, three lists (two where the parents tell what is shown), two questions for each image; a
        # history that was asked for by name and refused, or that names no image, is asked for again
        unsure = sum(not image.history for image in inventory.images) if "containerd" in name else 0
        lists = 2 if "overlay2" in name else 3
        assert len(engine.requests) == 2 + lists + 2 * len(inventory.images) + unsure
        # docker-py's own for /version, and one for each question in flight
        assert engine.connections <= 1 + max(lanes, 3)


def test_questions_are_asked_side_by_side() -> None:
    with replay("docker-28.5-overlay2", together=8) as engine, connect(engine.host) as conn:
        scan(conn)
        assert engine.most_in_flight == conn.requests_in_flight == 8


def test_sizes_and_platforms_of_a_containerd_store() -> None:
    inventory = recorded_inventory("docker-28.5-containerd")
    both = image(inventory, "multiarch:1")
    assert [(p.name, p.kind, p.available, p.unpacked_size) for p in both.platforms] == [
        ("linux/amd64", "image", True, 1015808),
        ("linux/arm64", "image", True, 0),
        ("attestation", "attestation", True, 0),
        ("attestation", "attestation", True, 0),
    ]
    assert both.layers_size == 1015808  # of the platform that inspect described
    assert both.content_size == 1002347 + 1002349 + 1601 + 1601
    built = [i for i in inventory.images if i.history and all("buildkit" in entry.comment for entry in i.history)]
    whole = [i for i in built if len(i.diff_ids or ()) == sum(entry.size > 0 for entry in i.history or ())]
    assert len(whole) > 20
    for img in whole:  # a commit's has a container's own snapshot under it, which is no layer of the image
        assert img.layers_size == sum(entry.size for entry in img.history or ())


def test_sizes_of_the_other_stores() -> None:
    graphdriver = recorded_inventory("docker-20.10-overlay2")
    assert all(image.layers_size == image.engine_size is not None for image in graphdriver.images)
    assert all(image.layers_size is None for image in recorded_inventory("podman-5.8").images)


def test_no_date_is_not_1970() -> None:
    """Both are 0 in the list of images; year 1 and a date that is left out are no dates, 1970 is one."""
    assert image(recorded_inventory("docker-20.10-overlay2"), "zero:layers").created is None
    assert image(recorded_inventory("docker-28.5-overlay2"), "zero:layers").created is None
    recording = changed("docker-28.5-overlay2")
    zero = image(recorded_inventory("docker-28.5-overlay2"), "zero:layers").id
    recording["inspect"][zero]["Created"] = "1970-01-01T00:00:00Z"
    with replay(recording) as engine, connect(engine.host) as conn:
        assert image(scan(conn), "zero:layers").created == 0
    old = [e for i in recorded_inventory("docker-20.10-overlay2").images for e in i.history or () if e.created is None]
    assert old, "year 1 in a history is no date"


def test_equal_values_are_one_object() -> None:
    """5,000 images repeat their bases' digests and history: they are kept once."""
    inventory = recorded_inventory("docker-20.10-overlay2")
    entries: dict[HistoryEntry, int] = {}
    digests: dict[str, int] = {}
    for img in inventory.images:
        for entry in img.history or ():
            assert entries.setdefault(entry, id(entry)) == id(entry)
        for digest in img.diff_ids or ():
            assert digests.setdefault(digest, id(digest)) == id(digest)


# images that go, and engines that refuse


def test_an_image_that_vanishes_is_skipped_and_counted() -> None:
    recording = changed("docker-28.5-containerd")
    gone_before_inspect, gone_before_history = [row["Id"] for row in recording["images_all1"][3:5]]
    del recording["inspect"][gone_before_inspect]
    del recording["history"][gone_before_history]
    with replay(recording) as engine, connect(engine.host) as conn:
        inventory = scan(conn)
    assert inventory.vanished == 2
    assert inventory.complete
    assert len(inventory.images) == len(recording["images_all1"]) - 2
    assert not {gone_before_inspect, gone_before_history} & {image.id for image in inventory.images}


@pytest.mark.parametrize(
    ("what", "status", "words"),
    [
        ("history", 500, "unable to find the size of the layer"),
        ("history", 404, "snapshot sha256:0a1b does not exist: not found"),
        ("json", 404, "content digest sha256:0a1b: not found"),  # still in the list, with a blob missing
        ("json", 500, "layer does not exist\nreally"),
    ],
)
def test_what_an_engine_refuses_is_unknown_in_its_words(what: str, status: int, words: str) -> None:
    faults = {"replace": {f"/images/[^/]+/{what}": (status, {"message": words})}}
    with replay("podman-5.8", **faults) as engine, connect(engine.host) as conn:
        inventory = scan(conn)
    assert inventory.vanished == 0
    for img in inventory.images:
        assert img.scanned
        assert img.history is None
        assert img.note.endswith(" ".join(words.split()))
        assert (img.diff_ids is None) == (what == "json")


def test_an_image_for_other_platforms_only_has_unknown_layers_not_none() -> None:
    recording = changed("docker-28.5-containerd")
    foreign = recording["images_all1"][0]["Id"]
    recording["inspect"][foreign] |= {"RootFS": {"Type": ""}, "Os": "", "Architecture": ""}
    recording["history"][foreign] = {"_status": 404, "_body": {"message": "no suitable platform"}}
    with replay(recording) as engine, connect(engine.host) as conn:
        inventory = scan(conn)
    assert inventory.images[0].diff_ids is None
    assert inventory.images[0].note == "history: no suitable platform"
    assert image(inventory, "zero:layers").diff_ids == ()


def test_a_name_that_moves_to_another_image_during_a_scan_misleads_nobody() -> None:
    """A containerd store is asked by name; what comes back must be about the image that was listed."""
    recording = changed("docker-28.5-containerd")
    rows = [row for row in recording["images_all0"] if row["RepoTags"]]
    for row, other in zip(rows, [*rows[1:], rows[0]], strict=True):
        row["RepoTags"] = other["RepoTags"]
    with replay(recording) as engine, connect(engine.host) as conn:
        assert scan(conn).images == recorded_inventory("docker-28.5-containerd").images
        assert any("/images/node-app:1/" in path for path in engine.requests)


ODD = [None, True, -1, 1.5, "text", "", [], {}, [None, 1], {"a": None}]


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("name", ["docker-28.5-containerd", "podman-5.8"])
def test_fields_that_are_missing_or_odd_stop_nothing(name: str, odd: object) -> None:
    """Every field but Id, at every level, replaced by something else: no crash, and no made-up sizes."""

    def bend(value: Any, keep: tuple[str, ...] = ("Id", "ApiVersion", "DriverStatus", "Components")) -> Any:
        return {key: part if key in keep else odd for key, part in value.items()}

    recording = changed(name)
    for key in ("images_all1", "images_all0", "images_manifests", "containers"):
        recording[key] = [bend(row) for row in recording[key]]
    recording |= {"version": bend(recording["version"]), "info": bend(recording["info"])}
    recording["inspect"] = {key: bend(answer) for key, answer in recording["inspect"].items()}
    for key, answer in recording["history"].items():
        recording["history"][key] = [bend(row, ()) for row in answer] if isinstance(answer, list) else odd
    with replay(recording) as engine, connect(engine.host) as conn:
        inventory = scan(conn)
    assert len(inventory.images) == len(recording["images_all1"])
    assert all(image.engine_size is None and image.layers_size is None for image in inventory.images)
    assert all(image.diff_ids is None and image.note for image in inventory.images)
    assert all(entry.size == -1 for image in inventory.images for entry in image.history or ())
    assert inventory.engine.store_kind == KINDS[name][4]


def test_hostile_text_is_kept_as_it_is() -> None:
    nasty = "[red]\x1b]0;title\x07\n\u202e" + "x" * 100_000
    recording = changed("docker-28.5-overlay2")
    first = recording["images_manifests"][0]
    first["RepoTags"], first["Labels"] = [nasty], {nasty: nasty}
    recording["history"][first["Id"]][0]["CreatedBy"] = nasty
    del recording["inspect"][first["Id"]]["Config"]["Labels"]
    with replay(recording) as engine, connect(engine.host) as conn:
        image = scan(conn).images[0]
    assert image.tags == (nasty,)
    assert image.labels == ((nasty, nasty),)
    assert (image.history or ())[-1].created_by == nasty


# on the way


def test_the_screen_has_something_to_show_before_the_scan_ends() -> None:
    partials: list[Inventory] = []
    reports: list[Progress] = []
    begun = time.monotonic()
    with replay("docker-28.5-containerd", latency=0.06) as engine, connect(engine.host) as conn:
        inventory = scan(conn, progress=reports.append, partial=partials.append)
    took = time.monotonic() - begun
    assert not any(partial.complete for partial in partials)
    partials = [partial for partial in partials if partial.images]  # on a busy machine the containers come alone
    first, *_, last = partials
    assert len(first.images) == len(inventory.images)
    assert not any(image.scanned for image in first.images)
    assert first.containers == inventory.containers
    assert 0 < sum(image.scanned for image in last.images) < len(last.images)
    assert took >= 0.5 * (len(partials) - 1), "one each half second, at most"
    assert [p.phase for p in (reports[0], reports[-1])] == ["images", "layers"]
    assert reports[0].total == load_recording("docker-28.5-containerd")["info"]["Images"]
    assert reports[-1] == Progress(len(inventory.images), len(inventory.images), "layers")
    done = [report.done for report in reports if report.phase == "layers"]
    assert done == sorted(done)


def test_containers_are_shown_while_the_images_are_still_being_listed() -> None:
    partials: list[Inventory] = []
    timer: list[threading.Timer] = []
    with replay("docker-28.5-containerd", hang=r"/images/json\?all=1") as engine, connect(engine.host) as conn:

        def shown(partial: Inventory) -> None:
            partials.append(partial)
            timer.append(threading.Timer(0.1, _answer_again, [engine]))
            timer[-1].start()

        with pytest.raises(Cancelled):
            scan(conn, partial=shown, cancelled=lambda: engine.faults.hang is None)
    assert len(partials) == 1
    assert partials[0].images == ()
    assert len(partials[0].containers) == 3
    assert not partials[0].complete


def _answer_again(engine: Replay) -> None:
    engine.faults.hang = None


def test_a_cancelled_scan_gives_what_it_has_at_once() -> None:
    with replay("docker-28.5-overlay2", latency=0.05) as engine, connect(engine.host) as conn:
        reports: list[Progress] = []
        inventory = scan(conn, progress=reports.append, cancelled=lambda: reports[-1].done >= 8)
        asked = len(engine.requests)
        assert not inventory.complete
        assert len(inventory.images) == 51
        assert 8 <= sum(image.scanned for image in inventory.images) < 51
        time.sleep(0.3)
        assert len(engine.requests) <= asked + conn.requests_in_flight


def test_a_scan_that_is_cancelled_before_the_list_has_nothing_to_give() -> None:
    # The engine never answers: to come back at all is the test.
    with replay("docker-28.5-overlay2", hang="/images/json") as engine, connect(engine.host) as conn:
        started = time.monotonic()
        with pytest.raises(Cancelled):
            scan(conn, cancelled=lambda: time.monotonic() > started + 0.1)


def test_a_kept_connection_that_the_engine_closed_is_opened_again() -> None:
    with replay("docker-28.5-overlay2", close_after=5) as engine, connect(engine.host) as conn:
        assert scan(conn).images == recorded_inventory("docker-28.5-overlay2").images
    assert engine.connections > 10
