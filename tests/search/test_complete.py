"""Completion: every choice goes on from what was typed, and is understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.search.comparisons import FIELDS
from layerscope.search.complete import complete, example
from layerscope.search.query import parse
from layerscope.search.terms import AGES, FLAGS, KEYS

NOW = 1_780_000_000


@pytest.mark.parametrize("name", [*FLAGS, *KEYS, *AGES, *FIELDS])
def test_every_term_is_completed_from_its_first_letters(name: str) -> None:
    for length in range(1, len(name)):
        assert name in {choice.rstrip(":> ") for choice in complete(name[:length], length).choices}


@given(st.text("abcdeghilnorstuz -!:>", max_size=12), st.data())
def test_choices_go_on_from_what_is_typed_and_mean_something(text: str, data: st.DataObject) -> None:
    caret = data.draw(st.integers(0, len(text)))
    found = complete(text, caret)
    assert 0 <= found.start <= found.end == caret
    for choice in found.choices:
        assert choice.startswith(text[found.start : found.end].lower())
        assert len(choice) > caret - found.start
        assert not parse(example(choice), NOW).problems


def test_what_is_whole_or_nothing_has_no_choices() -> None:
    for text in ("", "dangling", "unused ", "-", "zzz", "repo:a"):
        assert not complete(text, len(text)).choices, text
