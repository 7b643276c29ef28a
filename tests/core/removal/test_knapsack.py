"""The knapsack alone, with nothing after it that mends its answer: every set is tried, and none is better."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.removal import knapsack
from layerscope.core.removal.holders import Holders
from layerscope.core.removal.knapsack import Knapsack, PlacedBlobs, place_content
from layerscope.inventory import Blob, Image, Inventory
from tests.core.contents import CONFIG, MANIFEST, blob_of, with_content
from tests.core.removals import Host, Made, hosts, image_id, paths, weigh
from tests.core.test_changes import ENGINE, image
from tests.picking import some

Classes = list[list[str]]

OWN = MANIFEST + CONFIG
BLOB_A, BLOB_B, BLOB_C = (blob_of(f"sha256:{letter}").size for letter in "abc")


class Yard:
    """A host, which of its images never go, and its rows by name and number."""

    def __init__(self, host: Host, nailed: frozenset[str] = frozenset()) -> None:
        self.host, self.nailed = host, nailed
        self.graph = build_graph(host.inventory)
        holders = Holders(self.graph)
        numbers = {image.id: number for number, image in enumerate(holders.images)}
        self.number = {image.name: numbers[image_id(image.name)] for image in host.images}
        self.name = {number: name for name, number in self.number.items()}
        self.forest = Knapsack(holders, {self.number[i.name] for i in host.images if i.name not in nailed})
        self.needs: list[tuple[frozenset[str], int]] = []
        """For each layer of the footprint that may go: the rows that have it, and what it weighs."""
        for path in {path for row in host.rows.values() for path in paths(row.stack)}:
            holding = frozenset(image.name for image in host.images if path in paths(image.stack))
            if not holding & nailed:
                self.needs.append((holding.intersection(host.rows), weigh(path)))

    def frees(self, names: Iterable[str]) -> int:
        """Bytes of the layers that nothing needs once these rows are gone, and all that are no rows and may go."""
        gone = frozenset(names)
        return sum(size for rows, size in self.needs if rows <= gone)

    def fewest(self, target: int, classes: Classes) -> tuple[set[str], bool]:
        found, certain = self.forest.fewest(target, [{self.number[name] for name in names} for names in classes])
        assert len(found) == len(set(found)), "no row twice"
        return {self.name[row] for row in found}, certain

    def least(self, target: int, classes: Classes) -> tuple[int, ...] | None:
        """The smallest number of each class, the first counting most, that frees the target."""
        rows = [name for names in classes for name in names]
        sets = chain.from_iterable(combinations(rows, size) for size in range(len(rows) + 1))
        costs = [cost(set(names), classes) for names in sets if self.frees(names) >= target]
        return min(costs, default=None)


def cost(names: set[str], classes: Classes) -> tuple[int, ...]:
    return tuple(len(names.intersection(those)) for those in classes)


@st.composite
def questions(draw: st.DrawFn) -> tuple[Yard, int, Classes]:
    host = draw(hosts(most=8))
    names = sorted(image.name for image in host.images)
    nailed = frozenset(some(draw, names, 1))
    free = [name for name in sorted(host.rows) if name not in nailed]
    number = draw(st.integers(1, 4))
    of = {name: draw(st.integers(0, number)) for name in free}  # the last: it may go, and is not asked to
    classes = [[name for name in free if of[name] == at] for at in range(number)]
    yard = Yard(host, nailed)
    most = yard.frees({name for those in classes for name in those})
    return yard, draw(st.integers(1, max(1, most + 1))), classes


@settings(max_examples=500)
@given(questions())
def test_no_set_costs_less(question: tuple[Yard, int, Classes]) -> None:
    yard, target, classes = question
    least = yard.least(target, classes)
    if least is None:
        return  # asked for more than there is: the caller cuts the target
    found, certain = yard.fewest(target, classes)
    assert found <= {name for those in classes for name in those}
    assert yard.frees(found) >= target
    assert certain
    assert cost(found, classes) == least


@settings(max_examples=200)
@given(questions())
def test_without_the_second_pass_the_target_is_reached_all_the_same(question: tuple[Yard, int, Classes]) -> None:
    yard, target, classes = question
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(knapsack, "MOST_WORK", 0)
        found, certain = yard.fewest(target, classes)
    least = yard.least(target, classes)
    if least is not None:
        assert yard.frees(found) >= target
        assert not certain or cost(found, classes) == least


def test_the_steps_alone_take_too_many_and_the_pairs_put_that_right() -> None:
    """Two that pay best for an image free too little; one heavier family does it alone."""
    host = Host((Made("a1", "bbz"), Made("a2", "bby"), Made("lone", "ccx"), Made("small", "d")))
    yard = Yard(host)
    rows = [["a1", "a2", "lone", "small"]]
    for target in range(1, yard.frees(set(rows[0])) + 1):
        found, certain = yard.fewest(target, rows)
        assert certain
        assert yard.frees(found) >= target
        assert cost(found, rows) == yard.least(target, rows)


def with_shared(*images: Image, shared: tuple[str, ...] = ()) -> Holders:
    """Holders on a containerd store where some images have one blob of 10 bytes more, the same."""
    inventory = with_content(Inventory(ENGINE, images))
    assert inventory.content is not None
    blobs = [
        replace(blob, refers_to=(*blob.refers_to, "extra")) if blob.digest in shared else blob
        for blob in inventory.content.blobs
    ]
    content = replace(inventory.content, blobs=(*blobs, Blob("extra", 10)))
    return Holders(build_graph(replace(inventory, content=content)))


def test_the_forest_says_all_of_the_content_where_those_that_share_a_blob_are_all_on_a_layer() -> None:
    base, one, two = image("base", ("a", 1)), image("one", ("a", 1), ("b", 2)), image("two", ("a", 1), ("c", 4))
    holders = with_shared(base, one, two)
    numbers = {held.id: number for number, held in enumerate(holders.images)}
    assert place_content(holders) == PlacedBlobs(
        alone={numbers[base.id]: OWN, numbers[one.id]: OWN + BLOB_B, numbers[two.id]: OWN + BLOB_C},
        above={0: BLOB_A},
        whole=True,
    )
    assert place_content(with_shared(base, one, two, shared=(base.id, one.id, two.id))).whole
    left_out = place_content(with_shared(base, one, two, shared=(one.id, two.id)))
    assert (left_out.whole, left_out.above) == (False, {0: BLOB_A + 10}), "it goes before the layer does"
    apart = place_content(with_shared(one, image("other", ("z", 8)), shared=(one.id, "sha256:other")))
    assert (apart.whole, sum(apart.above.values())) == (False, 0), "no layer is below both"


def test_an_image_without_layers_goes_for_its_content() -> None:
    holders = with_shared(image("bare"), image("one", ("a", 1)))
    numbers = {held.id: number for number, held in enumerate(holders.images)}
    bare = numbers["sha256:bare"]
    assert Knapsack(holders, set(numbers.values())).fewest(OWN, [{bare}]) == ([bare], True)


def test_the_content_of_an_image_with_layers_counts_once() -> None:
    holders = with_shared(image("one", ("a", 1)), image("two", ("b", 2)))
    rows = range(len(holders.images))
    forest = Knapsack(holders, rows)
    most = OWN + max(1 + BLOB_A, 2 + BLOB_B)
    (one,), certain = forest.fewest(most, [rows])
    assert certain
    assert one in rows
    assert sorted(forest.fewest(most + 1, [rows])[0]) == [*rows]


def test_a_blob_that_no_image_holds_or_something_else_holds_too_frees_nothing() -> None:
    """Another top of the content store, which is no image, has it as well."""
    inventory = with_content(Inventory(ENGINE, (image("base", ("a", 1)),)))
    assert inventory.content is not None
    root = Blob("root", 7, (blob_of("sha256:a").digest,))
    content = replace(inventory.content, blobs=(*inventory.content.blobs, root))
    placed = place_content(Holders(build_graph(replace(inventory, content=content))))
    assert (placed.alone, placed.above, placed.whole) == ({0: OWN}, {}, True)
