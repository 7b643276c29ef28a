"""The filter language: a typed line becomes a test of images, and never an error.

Terms are separated by spaces and must all be true; ``or`` between them makes
alternatives, ``-`` or ``!`` in front of one turns it round, quotes hold blanks
together. What the terms are is in :data:`layerscope.search.terms.HELP`. A term that
means nothing is left out of the test, and :attr:`Query.problems` says where and why.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from weakref import ref

from msgspec import Struct

from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.search.comparisons import FIELDS, OPERATOR, comparison
from layerscope.search.meaning import Meaning, Test, WrongTermError
from layerscope.search.terms import AGES, ALIASES, FLAGS, KEYS, exact_name_first, keyed, word
from layerscope.text import clean


class Problem(Struct, frozen=True):
    """What is wrong with one term, and where: ``text[start:end]``."""

    start: int
    end: int
    message: str
    """One line for a person."""
    hint: bool = False
    """True: the term was used after all, as a plain word, but something else was probably meant."""


class Term(Struct, frozen=True):
    """One term that means something."""

    start: int
    end: int
    negated: bool
    meaning: Meaning
    key: str = ""
    """Of a plain word that looks like ``key:value``: that key, which means nothing here."""

    @property
    def says(self) -> str:
        """The term in words."""
        return f"not ({self.meaning.says})" if self.negated else self.meaning.says


class Query:
    """A filter line, understood. Make one with :func:`parse`."""

    def __init__(self, text: str, ways: Sequence[Sequence[Term]], problems: Sequence[Problem]) -> None:
        self.text = text
        self.ways = tuple(tuple(way) for way in ways if way)
        """Alternatives; in each, the terms that must all be true. None at all: every image matches."""
        self.problems = tuple(problems)
        """In the order of the text."""
        self.doubts = tuple(
            Problem(term.start, term.end, f"no name has that, and “{clean(term.key, 20)}:” is no term", hint=True)
            for way in self.ways
            for term in way
            if term.key and not term.negated
        )
        """What to say of terms that were taken as part of a name, where no image is left."""
        self._bound: tuple[ref[LayerGraph], Test] | None = None

    def __bool__(self) -> bool:
        """True when it selects: some term means something."""
        return bool(self.ways)

    @property
    def explain(self) -> str:
        """The whole line in words, for the place beside the input."""
        return " or ".join(" · ".join(term.says for term in way) for way in self.ways) or "every image"

    def matches(self, node: ImageNode, graph: LayerGraph) -> bool:
        """Return whether the image, one of ``graph``'s, is selected."""
        if self._bound is None or self._bound[0]() is not graph:
            self._bound = ref(graph), self._bind(graph)
        return self._bound[1](node)

    def select(self, graph: LayerGraph) -> list[ImageNode]:
        """Return the images of ``graph`` that are selected, in its order."""
        if len(self.ways) == 1:  # one list after the other: no call of a call for each image
            found = list(graph.images)
            for term in self.ways[0]:
                test = term.meaning.bind(graph)
                found = [node for node in found if test(node) is not term.negated]
            return found
        test = self._bind(graph)
        return [node for node in graph.images if test(node)]

    def _bind(self, graph: LayerGraph) -> Test:
        ways = [[(term.meaning.bind(graph), term.negated) for term in way] for way in self.ways]
        if not ways:
            return lambda node: True
        return lambda node: any(all(test(node) is not negated for test, negated in way) for way in ways)


class _Token(Struct):
    start: int
    end: int
    text: str
    """Without quotes and without the sign."""
    negated: bool = False
    literal: bool = False
    """It was quoted from its beginning: a plain word whatever it holds."""
    open: str = ""
    """The quote that was not closed."""


def parse(text: str, now: int) -> Query:
    """Return what a filter line means; ``now`` (Unix seconds) is what ages are counted from. Raises nothing."""
    ways: list[list[Term]] = [[]]
    problems: list[Problem] = []
    negate_next = False
    tokens = _joined(_tokens(text))
    for index, token in enumerate(tokens):
        if token.open:
            problems.append(Problem(token.start, token.end, f"the quote {token.open} is not closed", hint=True))
        bare = "" if token.literal or token.negated else token.text.lower()
        if bare in {"or", "|", "||"} and ways[-1]:
            if index + 1 == len(tokens):
                problems.append(Problem(token.start, token.end, f"“{bare}” needs a term on both sides"))
            ways.append([])
        elif bare in {"and", "&", "&&"} and ways[-1]:
            continue
        elif bare == "not" and index + 1 < len(tokens):
            negate_next = not negate_next
        else:
            try:
                meaning, doubt, key = _meaning(token, now)
            except WrongTermError as error:
                problems.append(Problem(token.start, token.end, str(error)))
            else:
                ways[-1].append(Term(token.start, token.end, token.negated is not negate_next, meaning, key))
                if doubt:
                    problems.append(Problem(token.start, token.end, doubt, hint=True))
            negate_next = False
    return Query(text, ways, problems)


# -- taking the line apart -----------------------------------------------------------------

_SIGNS = ("<", ">", "=", "≥", "≤")
_NUMBER = re.compile(r"[<>=≥≤][\d.]+$")
_UNIT = re.compile("[kmgt]?i?b", re.IGNORECASE)
_QUOTES = {'"': '"', "'": "'", "“": "”"}


def _tokens(text: str) -> Iterator[_Token]:
    at, end = 0, len(text)
    while at < end:
        if text[at].isspace():
            at += 1
            continue
        token = _Token(at, at, "", negated=text[at] in "-!")
        at += token.negated
        token.literal = at < end and text[at] in _QUOTES
        piece: list[str] = []
        while at < end and not text[at].isspace():
            close = _QUOTES.get(text[at])
            if close and (not piece or piece[-1][-1:] in (":", *_SIGNS)):  # an apostrophe inside a word is a letter
                stop = text.find(close, at + 1)
                token.open = "" if stop >= 0 else text[at]
                stop = stop if stop >= 0 else end
                piece.append(text[at + 1 : stop])
                at = min(stop + 1, end)
            else:
                piece.append(text[at])
                at += 1
        token.text, token.end = "".join(piece), at
        yield token


def _joined(tokens: Iterator[_Token]) -> list[_Token]:
    """Put together what blanks tore apart: ``size > 500 MB`` is one term, and so is ``repo: api``."""
    joined: list[_Token] = []
    for token in tokens:
        last = joined[-1] if joined else None
        if last is not None and not last.literal and not token.negated and _belong(last.text.lower(), token):
            last.text, last.end, last.open = last.text + token.text, token.end, token.open
        else:
            joined.append(token)
    return joined


def _belong(before: str, token: _Token) -> bool:
    if before.endswith(":"):
        return ALIASES.get(before[:-1], before[:-1]) in (*KEYS, *AGES)
    if before[-1:] in _SIGNS:
        return True
    operator = OPERATOR.match(token.text)
    if operator and ALIASES.get(before, before) in FIELDS and not token.literal:
        return before not in FLAGS or operator.end() == len(token.text)  # "shared >1G" is two terms
    return bool(_NUMBER.search(before) and _UNIT.fullmatch(token.text))


# -- one term ------------------------------------------------------------------------------

_COMPARISON = re.compile(rf"([a-z]*)(:?)({OPERATOR.pattern})(.*)", re.DOTALL)
_KEYED = re.compile(r"([a-z_-]+)([:=])(.*)", re.DOTALL | re.IGNORECASE)


def _meaning(token: _Token, now: int) -> tuple[Meaning, str, str]:
    """Return what a token means; when something else may have been meant, a line that says so; its :attr:`Term.key`."""
    text, lower = token.text, token.text.lower()
    if not text:
        raise WrongTermError("nothing to turn round: write -unused" if token.negated else "nothing between the quotes")
    if token.literal:
        return word(text), "", ""
    flag = lower.removeprefix("is:")
    flag = ALIASES.get(flag, flag)
    if flag in FLAGS:
        return Meaning(*FLAGS[flag]), "", ""
    found = _COMPARISON.fullmatch(lower)
    if found and not lower.startswith("<n"):  # <none> is a name
        field, _, operator, value = found.groups()
        if ALIASES.get(field) in FIELDS:
            field = ALIASES[field]
        if field in FIELDS or (not field and operator not in {"=", "==", "!="}):
            return comparison(field or "size", operator, value, now), "", ""
        if operator != "=" or ALIASES.get(field, field) not in (*KEYS, *AGES):
            guess = (
                _guess(field, FIELDS, typing=False) or ": size, unique, shared, layers, tags, containers and age are"
            )
            raise WrongTermError(f"{f'“{clean(field, 20)}” is' if field else 'that is'} nothing to compare{guess}")
    keyed_ = _KEYED.fullmatch(text)
    if keyed_:
        key = ALIASES.get(keyed_[1].lower(), keyed_[1].lower())
        if key in KEYS or key in AGES:
            meaning = keyed(key, keyed_[3], keyed_[2] == "=", now)
            return exact_name_first(text, meaning) if keyed_[2] == ":" else meaning, "", ""
        if key in FIELDS:
            if key in {"size", "unique", "shared", "age"} or not keyed_[3]:
                example = {"age": "age>30d", "layers": "layers>20", "tags": "tags>1", "containers": "containers=0"}
                raise WrongTermError(f"more or less than that? Write {example.get(key, key + '>500MB')}")
            return exact_name_first(text, comparison(key, "=", keyed_[3], now)), "", ""
        guess = _guess(key, (*KEYS, *AGES, *FIELDS), ":")
        doubt = guess and f"“{clean(key, 20)}:” is no term, taken as part of a name{guess}"
        return word(text), doubt, keyed_[1] if keyed_[2] == ":" and keyed_[3] else ""
    guess = _guess(lower, FLAGS)
    return (
        exact_name_first(text, word(text)) if ":" in text else word(text),
        guess and f"taken as part of a name{guess}",
        "",
    )


def _guess(typed: str, known: Iterable[str], tail: str = "", *, typing: bool = True) -> str:
    """Return ``; did you mean …?`` when something known is close; while ``typing``, the beginning of it is no slip."""
    names = list(known)
    if not 3 <= len(typed) <= 20 or (typing and (len(typed) == 3 or any(name.startswith(typed) for name in names))):
        return ""
    near = get_close_matches(typed, names, 1, 0.78)
    return f"; did you mean {near[0]}{tail}?" if near else ""
