"""Missed sharing against a count by hand, and on generated hosts against the slow way."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given

from layerscope.core.build import build_graph
from layerscope.core.missed import copies_of, missed_sharing
from tests.core.hosts import THOROUGH, Host, hosts, inventory
from tests.core.model import Path
from tests.core.test_before_after import layers_of
from tests.core.test_changes import host, image


@THOROUGH
@given(hosts(packed=False))
def test_it_is_all_copies_of_a_diff_id_but_one(truth: Host) -> None:
    graph = build_graph(inventory(truth))
    sizes = truth.sizes()
    copies: dict[str, list[Path]] = {}
    for path in layers_of(truth):
        copies.setdefault(path[-1], []).append(path)
    true = sum(sum(sizes[p] for p in paths) - max(sizes[p] for p in paths) for paths in copies.values())
    found = missed_sharing(graph)
    assert found.size.low <= true <= (true if found.size.high is None else found.size.high)
    told = {one.copies[0].diff_id: len(one.copies) for one in found.exact}
    for diff, paths in copies.items():
        if len(paths) > 1 and sizes[paths[0]]:
            assert told.pop(diff) == len(paths)
        elif len(paths) > 1:
            told.pop(diff, None)  # weighs nothing, which may not be known
    assert not told
    assert missed_sharing(graph) is found


def test_the_same_content_under_another_parent_is_stored_again() -> None:
    graph = host(
        image("one", ("a", 10), ("x", 70)), image("two", ("b", 20), ("x", 70)), image("three", ("c", 5), ("x", 70))
    )
    (found,) = missed_sharing(graph).exact
    assert (found.is_, found.size, len(found.copies), found.images) == ("exact", (140, 140), 3, 3)
    assert missed_sharing(graph).likely == ()
    assert list(copies_of(missed_sharing(graph)).values()) == [140, 140, 140]


def test_the_biggest_copy_is_the_one_that_counts_once() -> None:
    graph = host(image("one", ("a", 10), ("x", 70)), image("two", ("b", 20), ("x", 77)))
    assert missed_sharing(graph).size == (70, 70)


@pytest.mark.parametrize(("big", "small"), permutations("vwxyz", 2))
def test_of_two_that_weigh_the_same_the_one_with_the_biggest_copy_comes_first(big: str, small: str) -> None:
    graph = host(
        *(image("one", ("a", 10), (big, 90)), image("two", ("b", 20), (big, 5))),
        *(image("three", ("c", 30), (small, 70)), image("four", ("d", 40), (small, 5))),
    )
    assert [one.copies[0].known_size for one in missed_sharing(graph).exact] == [90, 70]


def test_a_layer_that_is_shared_and_one_that_weighs_nothing_are_not_missed() -> None:
    graph = host(image("one", ("a", 10), ("n", 0)), image("two", ("a", 10), ("b", 1), ("n", 0)))
    assert missed_sharing(graph).exact == ()


def test_a_command_that_ran_again_with_other_content_is_likely() -> None:
    from msgspec.structs import replace

    from layerscope.inventory import HistoryEntry

    def made(name: str, text: str, diff: str, size: int):  # type: ignore[no-untyped-def]
        one = image(name, ("a", 10), (diff, size))
        return replace(one, history=(*(one.history or ())[:1], HistoryEntry(text, size)))

    run = "RUN /bin/sh -c apt-get update # buildkit"
    graph = host(made("one", run, "x", 70), made("two", run, "y", 60), made("three", run, "z", 50))
    (found,) = missed_sharing(graph).likely
    assert (found.is_, found.size) == ("likely", (110, 110))
    assert missed_sharing(graph).size == (0, 0)
    for other in ("COPY . /app # buildkit", "/bin/sh -c #(nop) COPY dir:1 in /"):
        assert missed_sharing(host(made("one", other, "x", 70), made("two", other, "y", 60))).likely == ()
    classic = "/bin/sh -c make"
    assert missed_sharing(host(made("one", classic, "x", 70), made("two", classic, "y", 60))).likely
