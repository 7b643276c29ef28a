"""The two bars: on a containerd store each has two parts that add up to its figure; a bound is never bare."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.inventory import Blob, ContentStore
from layerscope.units import format_size
from layerscope.views.bars import open_words, saved_words, two_bars
from layerscope.views.content import content_missing, packed_of, packed_words, unlisted_words
from layerscope.views.engine import reconcile
from layerscope.views.states import state_sentence, state_words
from tests.core.contents import with_content
from tests.hosts import SMALL, image_id
from tests.replay import recorded_inventory

PACKED = with_content(SMALL)


def graph(**content: object) -> LayerGraph:
    return build_graph(with_content(SMALL, **content))


def test_each_bar_is_unpacked_and_content_on_one_scale() -> None:
    found = graph()
    totals = found.totals
    assert totals.content is not None
    assert totals.listed_content is not None
    listed, disk = two_bars(found, None)
    assert (listed.total, listed.content) == (totals.listed + totals.listed_content, totals.listed_content)
    assert (disk.total, disk.content) == (totals.footprint + totals.content, totals.content)
    assert (listed.label, disk.label, disk.figure) == ("Sum of sizes", "On disk", format_size(disk.total))
    assert format_size(totals.footprint) in disk.said[0]
    assert format_size(totals.content) in disk.said[0]
    assert saved_words(totals)[0] == format_size(listed.total - disk.total)
    assert open_words(found) == ""


@pytest.mark.parametrize(
    ("content", "words"), [(None, "content not asked yet"), (ContentStore(refused="no"), "content refused")]
)
def test_without_the_graph_both_bars_are_bounds_and_say_why(content: ContentStore | None, words: str) -> None:
    found = build_graph(replace(PACKED, content=content))
    assert all(bar.figure.startswith("≥") and bar.said[0].endswith("?") for bar in two_bars(found, None))
    assert open_words(found) == words
    assert saved_words(found.totals)[1] == ""  # of bounds there is no ratio
    assert content_missing(found)


def test_other_stores_have_one_part() -> None:
    found = build_graph(SMALL)
    listed, disk = two_bars(found, None)
    assert (listed.said, disk.said, listed.content, disk.content) == ((), (), 0, 0)
    assert (listed.total, disk.total) == (found.totals.listed, found.totals.footprint)
    assert content_missing(found) == unlisted_words(found) == ""


def test_where_the_driver_copies_nothing_says_on_disk() -> None:
    vfs = build_graph(replace(SMALL, engine=replace(SMALL.engine, store="vfs", driver="vfs")))
    assert two_bars(vfs, None)[1].label == "Each once"
    assert any("full copy" in note for note in reconcile(vfs).notes)


def test_a_layer_s_content_is_kept_by_every_image_that_has_the_blob() -> None:
    found = graph()
    base = found.image_by_id[image_id("app1")].layers[0]
    packed = packed_of(base, found)
    assert packed is not None
    assert found.content is not None
    assert packed.users == found.content.users[packed.digests[0]]
    assert packed_words(packed).startswith("content 1.0 MB, kept by ")
    assert packed_of(build_graph(SMALL).layers[0], build_graph(SMALL)) is None


def test_what_no_image_is_listed_for_is_a_line_of_its_own() -> None:
    blobs = PACKED.content.blobs if PACKED.content else None
    assert blobs is not None
    chart = (Blob("chart", 6, ("chart-config",)), Blob("chart-config", 5))
    found = build_graph(replace(PACKED, content=ContentStore((*blobs, *chart), build_history=(), build_cache=())))
    line = "11 B more is stored, but this engine lists no image for it (1 of unknown kind)."
    assert unlisted_words(found) == line
    assert line in reconcile(found).notes
    assert found.totals.content == graph().totals.content


def test_figures_of_the_engine_view_have_the_content_once() -> None:
    found = graph()
    content = next(figure for figure in reconcile(found).figures if figure.name == "Content")
    assert (content.ours, content.ours_is) == (found.totals.content, "")


def test_what_is_exact_is_no_bound_although_something_else_is_not() -> None:
    """Texts alone told two layers apart: the footprint is exact, and so is the sum of sizes."""
    images = recorded_inventory("docker-28.5-overlay2")
    named = {figure.name: figure for figure in reconcile(build_graph(images)).figures}
    assert named["Sum of sizes"].ours_is == ""


def test_why_an_image_has_no_layers_is_told() -> None:
    image = replace(SMALL.images[0], id="sha256:q", tags=("q:1",), diff_ids=None, history=None, note="inspect: no")
    found = build_graph(replace(SMALL, images=(*SMALL.images, image, replace(image, id="sha256:p", note=""))))
    refused, waiting = found.image_by_id["sha256:q"], found.image_by_id["sha256:p"]
    assert (state_words(refused, found), state_words(waiting, found)) == ("refused", "not read")
    assert state_sentence(refused, found) == "refused: inspect: no"
