"""Find, without a screen: what fits, in what it fits, and which characters say so."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dev.benchmarks.generate import big_host
from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.tui.widgets.rowfind import RowFind
from layerscope.views.find import ImageSearch, LayerSearch, Spot, user_search
from tests.hosts import HOSTILE, SMALL, image_id

GRAPH = build_graph(big_host(12, 40))
DIGEST = "sha256:" + "ab12" * 16


def small() -> LayerGraph:
    app1 = replace(SMALL.images[1], digests=(f"registry.example/app@{DIGEST}",))
    return build_graph(replace(SMALL, images=(SMALL.images[0], app1, *SMALL.images[2:])))


def found(graph: LayerGraph, text: str) -> dict[str, str]:
    """{name: in what} of the images found."""
    spots = ImageSearch(graph).find(text)
    return {graph.image_by_id[str(key)].name: spot.what for key, spot in spots.items()}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("app:1", {"app:1": "name"}),
        ("ap1", {"app:1": "name"}),
        ("APP:2", {"app:2": "name"}),
        ("latest", {"app:2": "tag"}),
        ("none", {"<none>": "name"}),
        ("python3", {"app:1": "layer", "app:2": "layer", "<none>": "layer"}),
        ("python3 install", {"app:1": "layer", "app:2": "layer", "<none>": "layer"}),
        ("pyhton", {}),
        ("rootfs", {"deb:base": "layer", "app:1": "layer", "app:2": "layer", "<none>": "layer"}),
        ("ab12", {"app:1": "digest"}),
        (f"registry.example/app@{DIGEST}", {"app:1": "digest"}),
        (image_id("old")[:20], {"<none>": "ID"}),
        ("   ", {}),
    ],
)
def test_in_what_an_image_is_found(text: str, names: dict[str, str]) -> None:
    assert found(small(), text) == names


def test_short_words_are_not_looked_for_in_instructions() -> None:
    assert "layer" not in found(small(), "RU").values(), "nearly every image would fit"
    assert "layer" in found(small(), "RUN").values()


def test_the_letters_of_an_id_are_no_name() -> None:
    node = next(node for node in small().images if node.dangling)
    assert "<none>" not in found(small(), node.id[-3:]), "three digits are in too many"


def test_a_name_counts_more_than_an_instruction() -> None:
    images = tuple(
        replace(image, tags=("python3:1",)) if image.tags == ("deb:base",) else image for image in SMALL.images
    )
    graph = build_graph(replace(SMALL, images=images))
    spots = ImageSearch(graph).find("python3")
    best = max(spots, key=lambda key: spots[key].score)
    assert graph.image_by_id[str(best)].name == "python3:1"
    assert len(spots) == 4


def test_the_newest_layer_that_fits_is_named() -> None:
    graph = small()
    (spot,) = [spot for key, spot in ImageSearch(graph).find("app").items() if graph.image_by_id[str(key)].dangling]
    assert spot.layer is not None
    assert spot.layer.instruction is not None
    assert spot.layer.instruction.startswith("COPY app2")
    assert "".join(spot.text[place] for place in spot.positions) == "app"


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["", "a", "ap", "app", "apt", "apt-get", "ADD", "d", "bil", "cop", " "]), max_size=12))
def test_what_was_looked_for_before_does_not_matter(typed: list[str]) -> None:
    used = ImageSearch(GRAPH)
    for words in (*typed, " ".join(typed)):
        there = {key: (spot.what, spot.text, spot.score) for key, spot in used.find(words).items()}
        assert there == {
            key: (spot.what, spot.text, spot.score) for key, spot in ImageSearch(GRAPH).find(words).items()
        }


def test_a_word_more_or_a_letter_less_is_looked_for_in_all() -> None:
    graph, used = small(), ImageSearch(small())
    for text in ("python3", "python", "python3 install", "install", "rootfs", "inst rootfs", "rootfs"):
        assert {key: spot.text for key, spot in used.find(text).items()} == {
            key: spot.text for key, spot in ImageSearch(graph).find(text).items()
        }


def test_layers_by_instruction_and_digest() -> None:
    graph = small()
    search = LayerSearch(graph.layers)
    (layer,) = [layer for layer in graph.layers if "apt-get" in (layer.instruction or "")]
    assert list(search.find("aptpy")) == [layer.chain_id]
    for digest in (layer.chain_id, layer.diff_id):
        assert layer.chain_id in search.find(digest)
    assert not search.find("history"), "that there is no instruction is no instruction"


def test_who_uses_a_layer() -> None:
    graph = small()
    rows = [*graph.images, *graph.inventory.containers]
    assert set(user_search(rows).find("web")) == {graph.inventory.containers[0].id}


def test_hostile_text_is_clean() -> None:
    graph = build_graph(HOSTILE)
    for text in ("e", "cmd", "[red]", "\x1b", "=", "日本"):
        for spot in ImageSearch(graph).find(text).values():
            assert spot.text.isprintable()
            assert all(0 <= place < len(spot.text) for place in spot.positions)


class Rows(RowFind):
    """A list without a widget."""

    def __init__(self, keys: list[Hashable], spots: Mapping[Hashable, Spot]) -> None:
        self._keys, self.spots = keys, spots
        self._hits = self._places(spots)

    @property
    def keys(self) -> list[Hashable]:
        return self._keys


MANY = build_graph(
    replace(
        SMALL,
        images=tuple(
            replace(SMALL.images[number % 4], id=f"sha256:{number % 5:04}{number:060}", tags=(tag,))
            for number, tag in enumerate(("web:0001", "api:0001", "deb:1", "rootfs:1", "web:0001", "deb:2") * 4)
        ),
    )
)


@settings(max_examples=100)
@given(st.data(), st.sampled_from(["0001", "0002", "web", "deb:", "rootfs", "python3", "e", "nosuch"]))
def test_the_rows_that_fit_and_the_best_of_them(data: st.DataObject, text: str) -> None:
    spots = ImageSearch(MANY).find(text)
    keys: list[Hashable] = [node.id for node in MANY.images if data.draw(st.integers(0, 5))]
    keys += [f"another {number}" for number in range(data.draw(st.integers(0, 90)))]
    rows, origin = Rows(keys, spots), data.draw(st.integers(0, len(keys)))
    assert rows._hits == [index for index, key in enumerate(keys) if key in dict(spots)]
    best = max((spots[keys[index]].score for index in rows._hits), default=None)
    equals = [index for index in rows._hits if spots[keys[index]].score == best]
    assert rows.best_hit(origin) == min(equals, key=lambda index: (index < origin, index), default=None)
