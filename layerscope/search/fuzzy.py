"""Find as one types: which texts fit a few letters, how well, and where.

A text fits a word when it holds the word as it is, or holds its letters in this
order such that each is in the same word as the one before or begins a later one:
``psql`` fits ``postgresql``, ``nap1`` fits ``node-app:1``; but ``dtm`` does not fit
``debian stable main``: a plain subsequence would, and would fit nearly every long
instruction. Blanks separate words that must all fit, in any order.

Thousands of texts are searched at once: each has a window of bits in one long
integer, a bit for each character, and a letter more is a few operations on
integers (a carry runs through a word as ones are added to ones). Scores are in the
manner of fzf (``src/algo/algo.go``): points for each letter, more at the beginning
of words and in a row, less across gaps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import compress
from operator import attrgetter
from typing import NamedTuple

from msgspec import Struct

LONGEST = 2000
"""Characters of a text in which a word is looked for as it is."""
WIDEST = 127
"""Characters of a text in which letters are looked for one by one."""
_LATIN = "\xff"
"""Characters up to this one can be found apart; others only as they stand."""
_FEW = 500
"""Up to this many hits are scored letter by letter; more than that nobody reads, and a coarse order does."""
_REMEMBERED = 12
_WORDLY = "\x02"
"""Stands for a letter that cannot be found apart, but is a part of its word."""

_LETTER = 16
_TEXT_START = 10
_WORD_START = 8
_IN_A_ROW = 4
_GAP = 3
_WIDEST_GAP = 12
_WORD_END = 2
_WAYS = 4


class Hit(Struct):
    """One text that fits."""

    index: int
    """Of the text, in the order given to :class:`Finder`."""
    score: int
    """Higher is better."""
    finder: Finder
    words: tuple[str, ...]
    """What was looked for."""

    @property
    def positions(self) -> tuple[int, ...]:
        """The characters of the text to highlight, rising; worked out when asked for."""
        return self.finder.positions(self.index, self.words)


class Finder:
    """Texts to search in, prepared once; remembers what the letters typed so far have found."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = [_lower(text[:LONGEST]) for text in texts]
        self._bits = _Bits(self._texts)
        self._long = [(index, text) for index, text in enumerate(self._texts) if len(text) > WIDEST]
        self._known: dict[str, _Found] = {}

    def find(self, query: str) -> list[Hit]:
        """Return what fits ``query`` in any case, best first, then in the order of the texts; nothing for a blank."""
        words = tuple(_lower(query[:WIDEST]).split())
        if not words:
            return []
        scores = self._scores(words[0])
        for word in words[1:]:
            more = self._scores(word)
            scores = {index: score + more[index] for index, score in scores.items() if index in more}
        if len(scores) <= _FEW:
            scores = {index: self._score(index, words) for index in scores}
        hits = [Hit(text, score, self, words) for text, score in scores.items()]
        hits.sort(key=attrgetter("index"))
        hits.sort(key=attrgetter("score"), reverse=True)
        return hits

    def positions(self, index: int, words: Iterable[str]) -> tuple[int, ...]:
        """Return the characters of one text that ``words`` fit, rising."""
        return tuple(sorted({place for word in words for place in self._places(index, word)}))

    # -- which fit, and how well at a glance -----------------------------------------------

    def _scores(self, word: str) -> dict[int, int]:
        """Return {index: score} of the texts that fit one word, the score by the kind of fit alone."""
        found, bits = self._reach(word), self._bits
        letters = len(word) * _LETTER
        scores = dict.fromkeys(bits.texts(found.apart), letters)
        row = letters + (len(word) - 1) * _IN_A_ROW
        if max(word) <= _LATIN:
            beyond = WIDEST - len(word) + 1
            scores.update([(index, row) for index, text in self._long if text.find(word, beyond) >= 0])
        else:  # no bits for these: only as it is
            scores.update([(index, row) for index, text in enumerate(self._texts) if word in text])
        scores.update(dict.fromkeys(bits.texts(found.row), row))
        scores.update(dict.fromkeys(bits.texts(found.row_start), letters + (len(word) + 1) * _WORD_START))
        return scores

    def _reach(self, word: str) -> _Found:
        """Return where ``word`` ends in each text, one letter after the other, from what is known of fewer letters."""
        known, bits = self._known, self._bits
        if word in known:
            return known[word]
        if len(known) >= _REMEMBERED:
            known.clear()
        here = bits.where(word[-1])
        if len(word) == 1:
            found = _Found(here, here, here & bits.starts)
        else:
            less = self._reach(word[:-1])
            found = _Found(here & bits.after(less.apart), here & (less.row << 1), here & (less.row_start << 1))
        known[word] = found
        return found

    # -- where, in one text ----------------------------------------------------------------

    def _score(self, index: int, words: Iterable[str]) -> int:
        text = self._texts[index]
        return sum(_score(text, self._places(index, word)) for word in words)

    def _places(self, index: int, word: str) -> Sequence[int]:
        text = self._texts[index]
        at = text.find(word)
        if at >= 0:
            at = _at_a_word(text, word, at)
            return range(at, at + len(word))
        ways = self._bits.places(index, word)
        return max(ways, key=partial(_score, text)) if ways else ()


class _Found(NamedTuple):
    """Where a word ends: a bit for each character, the windows of all texts in one integer."""

    apart: int
    """Letter by letter."""
    row: int
    """All letters in a row."""
    row_start: int
    """In a row, from the beginning of a word."""


class _Bits:
    """All texts as bits: text after text, the first character of each in the lowest bit of its window."""

    def __init__(self, texts: Sequence[str]) -> None:
        longest = max((min(len(text), WIDEST) for text in texts), default=0)
        self._bytes = 8 if longest < 64 else 16  # of a window; its last bit stays free and stops the carry
        self._size = self._bytes * len(texts)
        width = self._bytes * 8
        joined = "".join(text[:WIDEST].ljust(width, "\0") for text in texts)
        self._backwards = re.sub("[^\x00-\xff]", _stand_in, joined).encode("latin-1")[::-1]
        self._where: dict[str, _Mask] = {}
        every_window = int.from_bytes((b"\1" + bytes(self._bytes - 1)) * len(texts), "little")
        self._all = (every_window << width - 1) - every_window
        letters = self._bits(chr(code) for code in range(256) if chr(code).isalnum() or chr(code) == _WORDLY)
        written = self._bits(chr(code) for code in range(1, 256))
        self._letters = self._mask(letters)
        self._starts = self._mask(written & ~(letters & (letters << 1)))

    def where(self, char: str) -> int:
        """Return the bits of one character."""
        return self._char(char).bits

    @property
    def starts(self) -> int:
        """The first character of each word, and whatever is neither letter nor digit."""
        return self._starts.bits

    def after(self, bits: int) -> int:
        """Return the places where the next letter may be: further on in the same word, or beginning a later one."""
        return _further(bits, self._letters.bits) | (_further(bits, self._all) & self._starts.bits)

    def texts(self, bits: int) -> list[int]:
        """Return the texts in whose window a bit is set."""
        if self._bytes == 16:
            bits |= bits >> 64  # the upper half of a window onto its lower one
        words = memoryview(bits.to_bytes(self._size, "little")).cast("Q")[:: self._bytes // 8].tolist()
        return list(compress(range(len(words)), words))

    def places(self, index: int, word: str) -> list[list[int]]:
        """Return some ways in which the letters of ``word`` are in one text, each as rising positions; [] for none."""
        window = slice(index * self._bytes, (index + 1) * self._bytes)
        letters, starts = self._letters.part(window), self._starts.part(window)
        whole = (1 << self._bytes * 8 - 1) - 1
        reached: list[int] = []
        for char in word:
            bits = self._char(char).part(window)
            if reached:
                bits &= _further(reached[-1], letters) | (_further(reached[-1], whole) & starts)
            reached.append(bits)
        ways: list[list[int]] = []
        ends = reached[-1]
        while ends and len(ways) < _WAYS:
            place = (ends & -ends).bit_length() - 1
            ends &= ends - 1
            way = [place]
            for bits in reversed(reached[:-1]):  # back to the nearest place that leads here
                below = bits & ((1 << place) - 1)
                if not starts >> place & 1:
                    below &= -1 << (~letters & ((1 << place) - 1)).bit_length()  # the same word
                place = below.bit_length() - 1
                way.append(place)
            ways.append(way[::-1])
            onward = [place]
            for bits in reached[1:]:  # and from there the nearest places onward, if that leads to an end
                bit = 1 << onward[-1]
                next_ = bits & (_further(bit, letters) | (_further(bit, whole) & starts))
                if not next_:
                    break
                onward.append((next_ & -next_).bit_length() - 1)
            else:
                ways.append(onward)
        return ways

    def _char(self, char: str) -> _Mask:
        found = self._where.get(char)
        if found is None:
            found = self._where[char] = self._mask(self._bits(char) if char <= _LATIN else 0)
        return found

    def _bits(self, chars: Iterable[str]) -> int:
        table = bytearray(b"0" * 256)
        for char in chars:
            table[ord(char)] = ord("1")
        return int(self._backwards.translate(bytes(table)) or b"0", 2)

    def _mask(self, bits: int) -> _Mask:
        return _Mask(bits, bits.to_bytes(self._size, "little"))


class _Mask(NamedTuple):
    """Bits of all texts, and the same as bytes, to cut the window of one text out of."""

    bits: int
    bytes: bytes

    def part(self, window: slice) -> int:
        return int.from_bytes(self.bytes[window], "little")


def _stand_in(char: re.Match[str]) -> str:
    return _WORDLY if char[0].isalnum() else "\x01"


def _further(bits: int, run: int) -> int:
    """Return the bits of ``run`` that come after one of ``bits`` with no gap in ``run`` between."""
    bits &= run
    return ((((run + bits) ^ run) | bits) & run) << 1 & run


def _lower(text: str) -> str:
    """Return ``text`` in lower case, character by character, so that positions stay what they are."""
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return lower


def _at_a_word(text: str, word: str, first: int) -> int:
    """Return where ``word`` begins a word of the text, if one of its first places does; else the first."""
    at = first
    for _ in range(8):
        if at < 0:
            break
        if at == 0 or not text[at - 1].isalnum() or not word[0].isalnum():
            return at
        at = text.find(word, at + 1)
    return first


def _begins(text: str, at: int) -> bool:
    return text[at].isalnum() and not text[at - 1].isalnum()


def _score(text: str, positions: Sequence[int]) -> int:
    score, before, run_bonus = 0, -1, 0
    for nth, at in enumerate(positions):
        bonus = _TEXT_START if at == 0 else _WORD_START if _begins(text, at) else 0
        if nth and at == before + 1:
            run_bonus = max(run_bonus, bonus)
            score += _LETTER + max(run_bonus, _IN_A_ROW)
        else:
            run_bonus = bonus
            score += _LETTER + bonus * (1 if nth else 2)
            if nth:
                score -= _GAP + min(at - before - 2, _WIDEST_GAP)
        before = at
    if positions[-1] + 1 == len(text) or not text[positions[-1] + 1].isalnum():
        score += _WORD_END
    return score - min(len(text), WIDEST) // 16
