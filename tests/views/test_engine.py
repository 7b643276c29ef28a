"""The engine view: for every engine that was recorded, each difference of its figures from ours has its cause named."""

from __future__ import annotations

from functools import cache

import pytest
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.core.stores import STORES, words_for
from layerscope.engine.connect import connect
from layerscope.engine.usage import disk_usage
from layerscope.inventory import BuildCacheRecord, Container, DiskUsage, Engine, Inventory
from layerscope.units import Units, format_size
from layerscope.views.engine import NOT_ASKED, NOT_SAVED, Figure, reconcile
from tests.hosts import HOSTILE, MB, SMALL, image_id
from tests.replay import NAMES, recorded_inventory, replay

FULL = "What comes back when the 3 images without a container go, together."


@cache
def asked(name: str) -> LayerGraph:
    """A recorded engine, with its answer to what it uses."""
    with replay(name) as engine, connect(engine.host) as conn:
        return build_graph(replace(recorded_inventory(name), usage=disk_usage(conn)))


def figures(graph: LayerGraph) -> dict[str, Figure]:
    return {figure.name: figure for figure in reconcile(graph).figures}


def small(usage: DiskUsage | None, **more: object) -> LayerGraph:
    return build_graph(replace(SMALL, usage=usage, **more))  # type: ignore[arg-type]


# -- on recordings -------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_difference_is_explained(name: str) -> None:
    for figure in reconcile(asked(name)).figures:
        assert figure.verdict not in {"differs", "not asked"}, figure
        assert (figure.verdict == "same") == (figure.difference == 0), figure
        assert "unknown" not in figure.sentence


@pytest.mark.parametrize("name", [name for name in NAMES if "overlay2" in name])
def test_overlay2_the_disk_is_the_same_to_the_byte_and_reclaimable_is_not(name: str) -> None:
    found = figures(asked(name))
    assert found["On disk"].ours == found["On disk"].theirs == 798_575_911
    assert found["Sum of sizes"].ours == found["Sum of sizes"].theirs == 3_753_227_792
    # `docker system df`: RECLAIMABLE 701MB; what only unused images need, by brute force over the graph:
    graph = asked(name)
    free = [layer for layer in graph.layers if not any(node.containers for node in layer.images)]
    assert found["Reclaimable"].ours == sum(layer.known_size for layer in free) == 376_009_213
    assert found["Reclaimable"].theirs == 700_970_875
    assert "counts what images in use share with each other" in found["Reclaimable"].sentence
    assert (found["Build cache"].ours, found["Build cache"].theirs) == (792_495_372 - 659_732_855, 792_495_372)


def test_what_28_counts_as_sharers() -> None:
    # 20.10 agrees with us; 28.5 counts the build steps of classic:ab, classic:ba and t:classic as sharers: 16,000,005 B
    assert figures(asked("docker-20.10-overlay2"))["Sum of UNIQUE"].verdict == "same"
    unique = figures(asked("docker-28.5-overlay2"))["Sum of UNIQUE"]
    assert unique.difference == -16_000_005
    assert (
        "less of 3 images: it counts hidden build steps of an image as other images that share its layers"
        in unique.sentence
    )


def test_containerd_blobs_snapshots_and_copies() -> None:
    found = figures(asked("docker-28.5-containerd"))
    blobs = found["Compressed blobs"]
    assert (blobs.ours_is, blobs.ours) == ("≤", 1_607_270_498)
    sizes = found["Sum of sizes"]
    assert sizes.theirs == 5_431_554_146
    assert sizes.sentence.startswith("Every image in full, as `docker images` prints them, summed: the engine adds ")
    assert "compressed blobs (1.61 GB)" in sizes.sentence
    layers = found["Unpacked layers"]
    assert (layers.ours, layers.theirs) == (835_534_848, 2_011_005_301)
    assert "also those of containers and of the build cache, and the compressed blobs" in layers.sentence
    assert "says more of 38 images: it takes every compressed blob" in found["Sum of UNIQUE"].sentence
    # measured there: pruning freed 826 MB, where the engine had said 173.5 MB and 1.132 GB
    cache = found["Build cache"]
    assert cache.ours is not None
    assert cache.theirs is not None
    assert cache.ours < 826 * MB < cache.theirs
    assert "between 135 MB and 1.13 GB" in cache.sentence


def test_podman_metadata_and_what_it_cannot_say() -> None:
    four, five = figures(asked("podman-4.3")), figures(asked("podman-5.8"))
    assert (four["On disk"].theirs, four["On disk"].verdict) == (None, "ours")
    assert five["On disk"].difference == 132_285
    assert "metadata of images" in five["On disk"].sentence
    assert "Build cache" not in four
    assert "only where one was made from the other" in four["Sum of UNIQUE"].sentence
    assert "manifest and configuration" in five["Sum of UNIQUE"].sentence


@pytest.mark.parametrize("name", NAMES)
def test_not_asked_is_said_and_nothing_is_made_up(name: str) -> None:
    result = reconcile(build_graph(recorded_inventory(name)))
    assert not result.asked
    for figure in result.figures:
        if figure.name in {
            "On disk",
            "Unpacked layers",
            "Reclaimable",
            "Sum of UNIQUE",
            "Sum of SHARED",
            "Build cache",
        }:
            assert (figure.theirs, figure.verdict) == (None, "not asked")
            assert NOT_ASKED in figure.sentence
    saved = build_graph(replace(recorded_inventory(name), from_file=True))
    layers = "Unpacked layers" if saved.rules.keeps_content else "On disk"
    assert NOT_SAVED in figures(saved)[layers].sentence


# -- by hand -------------------------------------------------------------------------------

# deb:base 117 MB; app:1 30 MB + 1500 B on it; app:2 (in use) 30 MB + 6.6 MB; <none> 999,950 B on that
FOOTPRINT = 117 * MB + 30 * MB + 1_500 + 6_600_000 + 999_950


def test_reclaimable_is_of_the_set() -> None:
    figure = figures(small(DiskUsage(FOOTPRINT)))["Reclaimable"]
    assert figure.ours == 1_500 + 999_950
    assert figure.sentence.startswith(FULL)


SHARED = (("base", 117 * MB), ("app1", 147 * MB), ("app2", 153_600_000), ("old", 153_600_000))
SHARED_SIZES = tuple((image_id(name), size) for name, size in SHARED)


def test_up_to_28_reclaimable_is_the_total_less_what_is_unique_to_images_in_use() -> None:
    # app:2 is in use, and unique to it is nothing: so the engine calls everything reclaimable
    figure = figures(small(DiskUsage(FOOTPRINT, shared_sizes=SHARED_SIZES)))["Reclaimable"]
    assert (figure.ours, figure.theirs) == (1_500 + 999_950, FOOTPRINT)
    assert "its total less what is UNIQUE to images in use" in figure.sentence


def test_since_29_4_1_reclaimable_leaves_out_what_only_unused_images_share() -> None:
    # nothing is in use: everything would come back, but unique to one image are 1,500 and 999,950 bytes
    said = DiskUsage(FOOTPRINT, reclaimable=1_500 + 999_950, shared_sizes=SHARED_SIZES)
    figure = figures(small(said, containers=()))["Reclaimable"]
    assert (figure.ours, figure.theirs) == (FOOTPRINT, 1_500 + 999_950)
    assert "leaves out what only they share with each other" in figure.sentence


def test_a_negative_reclaimable_is_explained() -> None:
    said = DiskUsage(5, shared_sizes=((image_id("app2"), 0),))
    assert "negative" in figures(small(said))["Reclaimable"].sentence


def test_a_total_that_should_be_the_same_and_is_not_is_never_explained_away() -> None:
    more, less = figures(small(DiskUsage(FOOTPRINT + 5))), figures(small(DiskUsage(FOOTPRINT - 5)))
    assert (more["On disk"].verdict, more["On disk"].difference) == ("differs", 5)
    assert (less["On disk"].verdict, less["On disk"].difference) == ("differs", -5)


def test_unknown_sizes_make_bounds() -> None:
    inventory = replace(HOSTILE, usage=DiskUsage(100))
    result = reconcile(build_graph(inventory))
    on_disk = {figure.name: figure for figure in result.figures}["On disk"]
    assert (on_disk.ours, on_disk.ours_is, on_disk.verdict) == (5, "≥", "explained")
    assert any("lower bounds" in note for note in result.notes)
    assert all(line.isprintable() for line in (*result.notes, *(figure.sentence for figure in result.figures)))


def test_containers_of_images_that_are_gone_are_named() -> None:
    gone = (Container("d" * 64, "left\x1bover", "sha256:gone", "old:1", "exited"),)
    notes = reconcile(small(DiskUsage(FOOTPRINT), containers=gone)).notes
    assert any(note.startswith("1 container (left␛over) of images that are not listed") for note in notes)


def test_a_build_step_in_use_is_not_reclaimable() -> None:
    (base, *rest) = SMALL.images
    hidden = replace(base, id=image_id("step"), tags=(), listed=False)
    held = (Container("e" * 64, "step", hidden.id, "", "exited"),)
    graph = build_graph(replace(SMALL, images=(*rest, hidden), containers=held, usage=DiskUsage(FOOTPRINT)))
    assert figures(graph)["Reclaimable"].ours == FOOTPRINT - 117 * MB


def test_cache_that_no_image_uses_is_the_same_on_both_sides() -> None:
    record = BuildCacheRecord("x", (), "regular", "", False, False, 7)
    figure = figures(small(DiskUsage(FOOTPRINT, build_cache=(record,))))["Build cache"]
    assert (figure.ours, figure.theirs, figure.verdict) == (7, 7, "same")


def test_units_are_those_asked_for() -> None:
    graph = asked("docker-28.5-overlay2")
    text = next(figure for figure in reconcile(graph, Units.BINARY).figures if figure.name == "Build cache").sentence
    assert format_size(659_732_855, Units.BINARY) in text


@pytest.mark.parametrize(
    ("version", "total", "blob_flaw"),
    [
        ("27.5.1", "but no compressed blobs", True),
        ("28.5.2+dfsg4", "of the build cache, and the compressed blobs", True),
        ("29.5.0", "of the build cache, and the compressed blobs", False),
        ("29.6.1", "the snapshots of images and their compressed blobs, each once", False),
        ("dev", "the snapshots of images and their compressed blobs, each once", False),
    ],
)
def test_what_containerd_engines_count_depends_on_their_version(version: str, total: str, blob_flaw: bool) -> None:
    engine, rules = Engine("docker", version, "1.51", "containerd", "containerd", ""), STORES["containerd"]
    assert total in words_for(engine, rules.total_counts)
    assert ("for theirs alone" in words_for(engine, rules.unique_flaw)) == blob_flaw


def test_an_empty_engine_agrees_with_us() -> None:
    empty = Inventory(SMALL.engine, (), usage=DiskUsage(0, build_cache=()))
    assert {figure.verdict for figure in reconcile(build_graph(empty)).figures} <= {"same", "ours"}
