"""Laying a history beside layers: all ways and no other, by trying every one and by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, product
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from layerscope.core.sizes.assign import Assignment, assign
from layerscope.core.sizes.labels import Label
from tests.core.model import Readings, readings
from tests.picking import some

MARKS = {"L": Label.LAYER, "E": Label.EMPTY, "?": Label.MAYBE}


def lay(
    marks: str,
    sizes: Sequence[int],
    known: Sequence[int | None],
    *,
    gates: Mapping[int, int] | None = None,
    **more: object,
) -> Assignment | None:
    return assign([MARKS[mark] for mark in marks], sizes, known, gates=gates or {}, **more)  # type: ignore[arg-type]


def ways(found: Assignment | None) -> str:
    """For each layer the entries that may have made it, ``-`` for none: ``0 12 2-``."""
    if found is None:
        return "no way"
    return " ".join(
        "".join(map(str, candidates)) + "-" * none
        for candidates, none in zip(found.candidates, found.maybe_none, strict=True)
    )


def counts(mask: int) -> set[int]:
    return {count for count in range(mask.bit_length()) if mask >> count & 1}


# -- against the model -------------------------------------------------------------------------

WEIGHTS = (0, 0, 1, 2)
SURE = st.tuples(st.just("L"), st.sampled_from((*WEIGHTS, -1)))
DOUBTFUL = st.tuples(st.sampled_from("E??"), st.sampled_from((0, 0, 0, -1)))
ENTRIES = st.lists(SURE | DOUBTFUL, max_size=6)
KNOWN = st.lists(st.sampled_from((None, None, *WEIGHTS)), max_size=5)
ALLOWED = st.sets(st.integers(0, 5), min_size=1, max_size=4)
TOTALS = st.none() | st.integers(0, 8)


class Case(NamedTuple):
    """What is laid beside what."""

    entries: list[tuple[str, int]]
    known: list[int | None]
    top: bool
    total: int | None
    short: bool
    gates: dict[int, set[int]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A history of up to 6 entries and up to 5 layers, with doubts, known sizes, a total and gates."""
    entries, known = draw(ENTRIES), draw(KNOWN)
    top = draw(st.booleans())
    most = 0 if top else min(2, len(entries))
    gates = {place: draw(ALLOWED) for place in some(draw, range(1, len(entries) + 1), most)}
    return Case(entries, known, top, draw(TOTALS), draw(st.booleans()), gates)


@given(cases())
@settings(max_examples=1000)
def test_it_finds_every_way_and_no_other(case: Case) -> None:
    marks, sizes = "".join(mark for mark, _ in case.entries), [size for _, size in case.entries]
    words = [MARKS[mark].value for mark in marks]
    total = None if -1 in sizes else case.total  # it says nothing while an entry's own size is not known
    expected = readings(words, sizes, case.known, top=case.top, total=total, short=case.short, gates=case.gates)
    gates = {place: sum(1 << count for count in allowed) for place, allowed in case.gates.items()}
    anchor = "top" if case.top else "bottom"
    found = lay(marks, sizes, case.known, gates=gates, total=case.total, short=case.short, anchor=anchor)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert found.candidates == expected.candidates
        assert found.maybe_none == expected.maybe_none
        assert counts(found.made) == expected.consumed
        assert found.left == (None if total is None else total - sum(sizes))


@given(cases(), st.data())
@settings(max_examples=1000)
def test_what_is_below_a_cut_and_above_it_can_be_read_apart(case: Case, data: st.DataObject) -> None:
    """Whatever stands on the layers of a cut, and whatever entries follow."""
    marks, sizes = "".join(mark for mark, _ in case.entries), [size for _, size in case.entries]
    found = lay(marks, sizes, case.known, total=case.total, short=case.short)
    if found is None or not found.cuts:
        return
    other = data.draw(cases())
    for entries, layers in found.cuts:
        both = [*case.entries[:entries], *other.entries]
        known = [*case.known[:layers], *other.known]
        whole = read(both, known, short=other.short)
        below = read(case.entries[:entries], case.known[:layers], short=False)
        above = read(other.entries, other.known, short=other.short)
        assert (whole is None) == (below is None or above is None)
        if whole is None or below is None or above is None:
            continue
        shifted = tuple(tuple(entry + entries for entry in candidates) for candidates in above.candidates)
        assert whole.candidates == (*below.candidates, *shifted)
        assert whole.maybe_none == (*below.maybe_none, *above.maybe_none)
        assert not any(below.maybe_none)


def test_with_less_than_all_ways_the_same_follows() -> None:
    """Every history of up to five entries that are read by size, beside up to five layers."""
    shorter = 0
    for sizes in chain.from_iterable(product((0, 1, 2), repeat=n) for n in range(6)):
        marks = "".join("L" if size else "?" for size in sizes)
        for layers, place, size, total in product(range(6), (0, 1, 4), (None, 0, 1, 2), (sum(sizes), sum(sizes) + 1)):
            known = [size if at == place else None for at in range(layers)]
            whole = lay(marks, sizes, known, total=total)
            some = lay(marks, sizes, known, total=total, all_ways=False)
            assert same(whole, sizes) == same(some, sizes)
            other = {"total": total, "anchor": "top"}
            assert ways(lay(marks, sizes, known, **other)) == ways(lay(marks, sizes, known, all_ways=False, **other))
            shorter += ways(whole) != ways(some)
    assert shorter > 1000


def same(found: Assignment | None, sizes: Sequence[int]) -> object:
    """What is the same in every way: entries, sizes, how many layers, cuts."""
    if found is None:
        return None
    settled = []
    for candidates, none in zip(found.candidates, found.maybe_none, strict=True):
        weights: set[int | None] = {sizes[i] for i in candidates}
        if none:
            weights.add(0 if found.left == 0 else None)
        one_size = len(weights) == 1 and None not in weights
        settled.append((candidates if len(candidates) == 1 and not none else (), weights if one_size else None))
    return settled, found.made, found.cuts


def read(entries: Sequence[tuple[str, int]], known: Sequence[int | None], *, short: bool) -> Readings | None:
    words, sizes = [MARKS[mark].value for mark, _ in entries], [size for _, size in entries]
    return readings(words, sizes, known, top=False, total=None, short=short, gates={})


# -- by hand -----------------------------------------------------------------------------------

NEW = [None, None, None]


def test_every_entry_a_layer() -> None:
    assert ways(lay("LLL", [5, 0, 7], NEW)) == "0 1 2"


def test_empty_entries_take_no_layer() -> None:
    assert ways(lay("LEELEL", [5, 0, 0, 0, 0, 7], NEW)) == "0 3 5"


def test_doubtful_entries_are_empty_when_there_are_layers_for_the_sure_ones_only() -> None:
    assert ways(lay("L?L?L", [5, 0, 0, 0, 7], NEW)) == "0 2 4"


def test_which_of_two_doubtful_entries_made_the_layer_is_open() -> None:
    assert ways(lay("L??L", [5, 0, 0, 7], NEW, short=False)) == "0 12 3"


def test_a_total_below_what_the_entries_weigh_fits_nowhere() -> None:
    for anchor in ("bottom", "top"):
        assert ways(lay("L", [1], [None, None], total=0, anchor=anchor)) == "no way"


def test_a_cut_is_where_so_many_layers_are_made_for_the_first_time_and_no_fewer() -> None:
    cuts = [lay(marks, [5, 0, 7], known) for marks, known in (("L?L", NEW), ("LEL", NEW), ("L?L", [5, 7, None]))]
    assert [list(found.cuts) for found in cuts if found] == [[(1, 1)], [(1, 1), (3, 2)], [(1, 1), (3, 2)]]


def test_a_known_size_settles_it() -> None:
    assert ways(lay("L?L?", [5, 0, 7, 0], NEW, short=False)) == "0 12 23"
    assert ways(lay("L?L?", [5, 0, 7, 0], [5, 7, None], short=False)) == "0 2 3"
    assert ways(lay("L?L?", [5, 0, 7, 0], [5, 0, None], short=False)) == "0 1 2"


def test_more_sure_entries_than_layers_fit_nowhere() -> None:
    assert ways(lay("LLL", [1, 1, 1], [None, None])) == "no way"


def test_fewer_entries_than_layers_fit_only_if_a_history_may_be_short() -> None:
    assert ways(lay("L", [5], [None, None], short=False)) == "no way"


def test_moby_leaves_the_top_without_an_entry() -> None:
    """``daemon/images/image_history.go`` walks from the oldest."""
    assert ways(lay("LEL", [5, 0, 6], [None] * 4)) == "0 2 - -"


def test_podman_leaves_the_bottom_without_an_entry() -> None:
    """``libimage/history.go`` walks from the newest."""
    assert ways(lay("LEL", [5, 0, 6], [None] * 4, anchor="top")) == "- - 0 2"


def test_no_history_at_all() -> None:
    found = lay("", [], [None, None], total=12)
    assert ways(found) == "- -"
    assert found is not None
    assert found.left == 12
    assert ways(lay("", [], [], short=False)) == ""


def test_a_total_says_how_much_the_layers_without_an_entry_weigh() -> None:
    found = lay("LE", [5, 0], [None, None], total=12)
    assert ways(found) == "0 -"
    assert found is not None
    assert found.left == 7


def test_a_total_that_the_history_fills_leaves_room_for_weightless_layers_only() -> None:
    assert ways(lay("L?L", [5, 0, 7], NEW, total=12)) == "0 12 2-"
    assert ways(lay("L?L", [5, 0, 7], [None, None, 7], total=12)) == "0 1 2"


def test_a_total_that_the_history_does_not_fill_means_that_an_entry_is_missing() -> None:
    assert ways(lay("L?L", [5, 0, 7], NEW, total=20)) == "0 2 -"
    assert ways(lay("L?L", [5, 0, 7], NEW, total=20, short=False)) == "no way"
    assert ways(lay("LL", [5, 7], [None, None], total=20)) == "no way"


def test_an_entry_of_unknown_size_may_be_what_is_missing_from_the_total() -> None:
    assert ways(lay("LL", [-1, 7], [None, None], total=12)) == "0 1"
    assert ways(lay("L?", [5, -1], [5, 7], total=12, short=False)) == "0 1"


def test_known_sizes_that_are_more_than_what_is_left_cannot_be_without_an_entry() -> None:
    assert ways(lay("L?", [5, 0], [None, 9], total=12)) == "no way"
    assert ways(lay("L", [5], [None, 7, None], total=12)) == "0 - -"


def test_a_gate_says_how_many_layers_the_first_entries_made() -> None:
    """As an image with that history and those layers does (``ParentId``)."""
    assert ways(lay("L??L", [5, 0, 0, 7], NEW, gates={2: 1 << 1})) == "0 23 3-"
    assert ways(lay("L??L", [5, 0, 0, 7], NEW, gates={2: 1 << 2}, short=False)) == "0 1 3"
    assert ways(lay("LLL", [5, 0, 7], NEW, gates={2: 1 << 1})) == "no way"


def test_contradictions_fit_nowhere() -> None:
    assert ways(lay("LL", [5, 7], [5, 8])) == "no way"
    assert ways(lay("L", [5], [None], total=4)) == "no way"
    assert ways(lay("E", [0], [None], short=False)) == "no way"


def test_many_ways_are_as_cheap_as_one() -> None:
    """120 doubtful entries and 60 layers: more ways than one could count through."""
    found = lay("?" * 120, [0] * 120, [None] * 60, short=False)
    assert found is not None
    assert found.candidates[0] == tuple(range(61))
    assert found.candidates[59] == tuple(range(59, 120))
