"""Find as one types: the hits are what the rule says, the best is what was meant, the places are where it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.search.fuzzy import Finder

NAMES = [
    "debian:bookworm",
    "node:20",
    "node-app:1",
    "registry.example.org/team/image-proc:2",
    "postgres:16",
    "PostgreSQL-tools:1",
    "snapper:1",
    "acme/portal:3",
]


def found(query: str, texts: list[str] = NAMES) -> list[str]:
    return [texts[hit.index] for hit in Finder(texts).find(query)]


@pytest.mark.parametrize(
    ("query", "hits"),
    [
        ("node", ["node:20", "node-app:1"]),
        ("NODE", ["node:20", "node-app:1"]),
        ("nap1", ["node-app:1", "snapper:1"]),
        ("psql", ["PostgreSQL-tools:1"]),
        ("pst16", ["postgres:16"]),
        ("ap", ["node-app:1", "acme/portal:3", "snapper:1", "registry.example.org/team/image-proc:2"]),
        ("dbw", ["debian:bookworm"]),
        ("image proc", ["registry.example.org/team/image-proc:2"]),
        ("proc image", ["registry.example.org/team/image-proc:2"]),
        ("node:1", ["node-app:1"]),
        ("nope", []),
        ("", []),
        ("   ", []),
    ],
)
def test_the_hits_best_first(query: str, hits: list[str]) -> None:
    assert found(query) == hits


def test_letters_scattered_over_words_are_no_hit() -> None:
    assert found("dtm", ["RUN debian stable main", "dtm", "d-t-m", "data mount"]) == ["dtm", "d-t-m", "data mount"]


@pytest.mark.parametrize(
    ("better", "worse", "query"),
    [
        ("api:1", "apiary:1", "api"),  # the whole word
        ("web-api:1", "zapit:1", "api"),  # the beginning of a word
        ("api", "my-api", "api"),  # the beginning of the name
        ("app-one", "azpzp-one", "app"),  # in a row
        ("big-red-dog", "bigger-odd", "brd"),  # beginnings of words
        ("api", "api-gateway-of-the-other-team", "api"),  # the shorter
    ],
)
def test_what_was_meant_comes_first(better: str, worse: str, query: str) -> None:
    assert found(query, [worse, better])[0] == better


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("api", "zapi-api:1", "     ^^^  "),
        ("nap1", "node-app:1", "^    ^^  ^"),
        ("psql", "PostgreSQL:1", "^      ^^^  "),
        ("proc img", "img/img-proc", "^^^     ^^^^"),
        ("İs", "xİs", " ^^"),
    ],
)
def test_the_places_are_those_a_reader_would_point_at(query: str, text: str, marked: str) -> None:
    (hit,) = Finder([text]).find(query)
    assert "".join("^" if at in hit.positions else " " for at in range(len(text))) == marked


def test_a_word_is_found_far_into_a_long_text() -> None:
    text = "x" * 1000 + " needle"
    (hit,) = Finder([text, "x" * 5000]).find("needle")
    assert tuple(hit.positions) == tuple(range(1001, 1007))


# -- against the rule, word for word -------------------------------------------------------


def fits(text: str, word: str, before: int = -1) -> bool:
    """The rule as it is written: each letter in the same word as the one before, or beginning a later one."""
    if not word:
        return True
    for at in range(before + 1, len(text)):
        same_word = all(c.isalnum() for c in text[before : at + 1])
        begins = not text[at].isalnum() or at == 0 or not text[at - 1].isalnum()
        if text[at] == word[0] and (before < 0 or same_word or begins) and fits(text, word[1:], at):
            return True
    return False


some_text = st.text("abB1:- é日", max_size=12)


@given(st.lists(some_text, max_size=6), st.text("abB1:-é日", min_size=1, max_size=5))
def test_hits_are_exactly_what_the_rule_says(texts: list[str], word: str) -> None:
    expected = {
        index
        for index, text in enumerate(texts)
        if word.lower() in text.lower() or (fits(text.lower(), word.lower()) and "日" not in word)
    }
    assert {hit.index for hit in Finder(texts).find(word)} == expected


@given(st.lists(some_text | some_text.map(lambda text: text.ljust(100, "-") + text), max_size=6), some_text)
def test_typing_on_narrows_and_every_letter_has_its_place(texts: list[str], query: str) -> None:
    finder = Finder(texts)
    before: set[int] = set()
    for typed in range(1, len(query) + 1):
        hits = finder.find(query[:typed])
        assert hits == Finder(texts).find(query[:typed]) or [(hit.index, hit.score) for hit in hits] == [
            (hit.index, hit.score) for hit in Finder(texts).find(query[:typed])
        ]
        now = {hit.index for hit in hits}
        if query[: typed - 1].strip():
            assert now <= before
        before = now
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        for hit in hits:
            letters = [texts[hit.index][at].lower() for at in hit.positions]
            assert sorted(set(letters)) == sorted(set(query[:typed].lower()) - {" "})
            assert all(one < other for one, other in zip(hit.positions, hit.positions[1:], strict=False))


def test_many_hits_are_in_a_sound_order_too() -> None:
    texts = ["snapper", "alps-pro", "web-app"] * 400
    assert [texts[hit.index] for hit in Finder(texts).find("ap")][::400] == ["web-app", "snapper", "alps-pro"]
