"""Keep rules and budgets as they are written in TOML: what each key means, and what is wrong with it, by line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from fnmatch import translate
from typing import Any, Literal

from msgspec import Struct

from layerscope.core.ages import made
from layerscope.core.budgets import Budget
from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.core.keep.last import last_by_date, last_by_version
from layerscope.core.keep.plan import Rule
from layerscope.errors import WrongInputError
from layerscope.search.comparisons import parse_span
from layerscope.search.meaning import Test, WrongTermError
from layerscope.search.query import parse
from layerscope.search.reference import split_reference
from layerscope.search.select import short_name
from layerscope.text import clean
from layerscope.units import natural_list, parse_size

MOST_BYTES = 64 << 10
"""Bytes of a file of rules: those of a person are a few hundred, and Python reads some TOML in quadratic time."""
MOST_RULES = 200
MOST_DOTS = 200
"""In a line: a key of many parts is what takes that time."""

Bind = Callable[[LayerGraph], Test]


class RulesError(WrongInputError):
    """A file of rules that means nothing; the message is one printable line."""


class RulesFile(Struct, frozen=True):
    """What a file of rules says."""

    rules: tuple[Rule, ...]
    budget: Budget
    needs_history: int
    """Seconds that its rules look back over what was seen in use; 0: they do not."""


def read_rules(text: str, name: str, now: int) -> RulesFile:
    """Return what the TOML ``text`` of the file ``name`` says; ``now`` (Unix seconds) is what ages are counted from.

    Raises :class:`RulesError`.
    """
    place = clean(name, 200)
    if len(text) > MOST_BYTES:
        raise RulesError(f"{place}: longer than {MOST_BYTES >> 10} KiB, which is no file of rules")
    for at, line in enumerate(text.splitlines(), 1):
        if line.count(".") > MOST_DOTS:
            raise RulesError(f"{place}: line {at}: more than {MOST_DOTS} dots, which no rule needs")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RulesError(f"{place}: not TOML: {clean(str(error), 200)}") from None
    except RecursionError:
        raise RulesError(f"{place}: nested too deeply") from None
    except ValueError:  # a number of more digits than Python reads
        raise RulesError(f"{place}: a number in it is too long") from None
    return _Reader(text, place, now).file(data)


# -- what the keys of a rule mean ----------------------------------------------------------

_KEYS = ("last", "per", "by", "used_within", "older_than", "filter", "names", "labels", "note")
_BY: Mapping[str, str] = {"created": "by creation", "arrived": "by when it came here", "version": "by version"}
_BUDGET = ("footprint", "content", "unique", "layers", "dangling", "missed", "growth")
_TOP = ("keep", "drop", "budget")


def arrived(node: ImageNode, graph: LayerGraph) -> int | None:
    """Return when an image came here: when it was tagged last, or first seen, whichever is earlier; None: not known.

    A later ``docker tag`` moves the one (engine API, ``Metadata.LastTagTime``), the other begins with the history.
    """
    seen = graph.seen.images.get(node.id)
    known = [at for at in (node.image.last_tagged, seen.first if seen else None) if at is not None]
    return min(known, default=None)


def _repositories(graph: LayerGraph) -> dict[str, list[tuple[ImageNode, list[str]]]]:
    """Return the images of each repository, with their tags there; one without any name is in none."""
    found: dict[str, dict[int, tuple[ImageNode, list[str]]]] = {}
    for node in graph.images:
        for name in node.image.tags or node.image.digests:
            repository, tag = split_reference(short_name(name))
            found.setdefault(repository, {}).setdefault(node.index, (node, []))[1].append(tag)
    return {repository: list(members.values()) for repository, members in found.items()}


def _last(number: int, by: str, per: str, now: int) -> Bind:
    def bind(graph: LayerGraph) -> Test:
        groups: Iterable[list[tuple[ImageNode, list[str]]]]
        if per == "repository":
            groups = _repositories(graph).values()
        else:
            groups = [[(n, [split_reference(tag)[1] for tag in n.image.tags]) for n in graph.images]]
        kept: set[int] = set()
        for members in groups:
            if by == "version":
                found = last_by_version(members, number)
            elif by == "arrived":
                found = last_by_date([(node, arrived(node, graph)) for node, _ in members], number)
            else:
                found = last_by_date([(node, made(node.image.created, now)) for node, _ in members], number)
            kept.update(node.index for node in found)
        return lambda node: node.index in kept

    return bind


def _names(patterns: list[str], every: bool) -> Bind:
    """An image of several names: for a keep rule one of them is enough, a drop rule must mean all of them."""
    tests = [re.compile(translate(pattern)) for pattern in patterns]

    def fits(name: str) -> bool:
        short = short_name(name)
        repository = split_reference(short)[0]
        return any(test.match(name) or test.match(short) or test.match(repository) for test in tests)

    def test(node: ImageNode) -> bool:
        tags = node.image.tags
        return bool(tags) and (all(map(fits, tags)) if every else any(map(fits, tags)))

    return lambda _: test


def _labels(wanted: list[str]) -> Bind:
    pairs = [(key, re.compile(translate(value)) if equals else None) for key, equals, value in map(_split, wanted)]

    def test(node: ImageNode) -> bool:
        return any(k == key and (like is None or like.match(v)) for k, v in node.image.labels for key, like in pairs)

    return lambda _: test


def _split(label: str) -> tuple[str, str, str]:
    return label.partition("=")


# -- reading -------------------------------------------------------------------------------


class _Reader:
    def __init__(self, text: str, place: str, now: int) -> None:
        self.lines = text.splitlines()
        self.place = place
        self.now = now
        self.look_back = 0

    def file(self, data: dict[str, Any]) -> RulesFile:
        self.known(data, _TOP, "", 0)
        rules: list[Rule] = []
        kinds: tuple[Literal["keep", "drop"], ...] = ("keep", "drop")
        for kind in kinds:
            tables = data.get(kind, [])
            if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
                raise self.wrong(f"write each rule under [[{kind}]], in double brackets", "", kind, 0)
            rules += [self.rule(kind, table, number) for number, table in enumerate(tables)]
        if len(rules) > MOST_RULES:
            raise RulesError(f"{self.place}: more than {MOST_RULES} rules")
        budget = data.get("budget", {})
        if not isinstance(budget, dict):
            raise self.wrong("write budgets under [budget]", "", "budget", 0)
        return RulesFile(tuple(rules), self.budget(budget), self.look_back)

    def rule(self, kind: Literal["keep", "drop"], table: dict[str, Any], number: int) -> Rule:
        where = f"[[{kind}]]"
        self.known(table, _KEYS, where, number)
        binds: list[Bind] = []
        says: list[str] = []

        def value(key: str, type_: type, what: str) -> Any:
            found = table[key]
            if not isinstance(found, type_) or isinstance(found, bool):
                raise self.wrong(f"{key} must be {what}, not {_shown(found)}", where, key, number)
            return found

        for key, what in (("per", "host"), ("by", "version")):
            if key in table and "last" not in table:
                raise self.wrong(f"{key} goes with last: write last = 2 and {key} = “{what}”", where, key, number)
        if "last" in table:
            if kind == "drop":
                raise self.wrong("last says what to keep: write it under [[keep]]", where, "last", number)
            last = value("last", int, "a whole number")
            if not 1 <= last <= 10**9:
                raise self.wrong(f"last must be at least 1, not {_shown(last)}", where, "last", number)
            per = value("per", str, "“repository” or “host”") if "per" in table else "repository"
            by = value("by", str, _one_of([f"“{one}”" for one in _BY])) if "by" in table else "created"
            self.one_of(per, ("repository", "host"), where, "per", number)
            self.one_of(by, tuple(_BY), where, "by", number)
            binds.append(_last(last, by, per, self.now))
            says.append(f"the last {last} {'of each repository' if per == 'repository' else 'of all'} {_BY[by]}")
        if "used_within" in table:
            seconds, words = self.span(value("used_within", str, "a span like “30d”"), where, "used_within", number)
            self.look_back = max(self.look_back, seconds)
            binds.append(_used(seconds, self.now))
            says.append(f"seen in use in the last {words}")
        if "older_than" in table:
            seconds, words = self.span(value("older_than", str, "a span like “90d”"), where, "older_than", number)
            binds.append(_older(seconds, self.now))
            says.append(f"older than {words}")
        if "filter" in table:
            line = value("filter", str, "a filter like “older:90d unused”")
            query = parse(line, self.now)
            problem = next(iter(query.problems), None)  # hints too: nobody sees them while a file is read
            if problem or not query:
                because = problem.message if problem else "it selects nothing in particular"
                raise self.wrong(f"filter {_shown(line)}: {because}", where, "filter", number)
            binds.append(lambda graph: lambda node: query.matches(node, graph))
            says.append(query.explain)
        if "names" in table:
            names = self.words(table["names"], where, "names", number)
            binds.append(_names(names, kind == "drop"))
            says.append(f"named {_one_of([clean(name, 60) for name in names])}")
        if "labels" in table:
            labels = self.words(table["labels"], where, "labels", number)
            binds.append(_labels(labels))
            says.append(f"labelled {_one_of([clean(label, 60) for label in labels])}")
        if "note" in table:
            value("note", str, "text")
        if not binds:
            needs = natural_list(_conditions(kind), word="or")
            raise self.wrong(f"a rule that says nothing: give it {needs}", where, "", number)
        note = clean(str(table.get("note", "")), 100)
        return Rule(kind, note or " · ".join(says), _all_of(binds), self.line(where, "", number))

    def budget(self, table: dict[str, Any]) -> Budget:
        where = "[budget]"
        self.known(table, _BUDGET, where, 0)
        size = {k: self.size(table[k], where, k) for k in ("footprint", "content", "missed", "growth") if k in table}
        dangling = table.get("dangling")
        in_bytes = isinstance(dangling, str)
        unique = table.get("unique", {})
        if not isinstance(unique, dict):
            raise self.wrong("unique is a table: write [budget.unique] and a line for each pattern", where, "unique", 0)
        sizes = {pattern: self.size(size, "[budget.unique]", pattern) for pattern, size in unique.items()}
        return Budget(
            footprint=size.get("footprint"),
            content=size.get("content"),
            layers=self.number(table["layers"], where, "layers") if "layers" in table else None,
            dangling=None if in_bytes or dangling is None else self.number(dangling, where, "dangling"),
            dangling_bytes=self.size(dangling, where, "dangling") if in_bytes else None,
            missed=size.get("missed"),
            growth=size.get("growth"),
            unique={pattern: (limit, _all_of([_names([pattern], False)])) for pattern, limit in sizes.items()},
        )

    # what a value must be

    def size(self, value: Any, where: str, key: str) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        if not isinstance(value, str):
            raise self.wrong(f"{key} must be a size like “40GB”, not {_shown(value)}", where, key, 0)
        try:
            return parse_size(value)
        except ValueError:
            raise self.wrong(f"{key}: not a size: {_shown(value)}; write it like “40GB”", where, key, 0) from None

    def number(self, value: Any, where: str, key: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.wrong(f"{key} must be a number, not {_shown(value)}", where, key, 0)
        return value

    def span(self, value: str, where: str, key: str, number: int) -> tuple[int, str]:
        try:
            return parse_span(value, "")
        except WrongTermError:
            line = f"{key}: not a span of time: {_shown(value)}; write it like “30d”, “2w” or “6mo”"
            raise self.wrong(line, where, key, number) from None

    def words(self, value: Any, where: str, key: str, number: int) -> list[str]:
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
            raise self.wrong(f"{key} must be a list of text like [“shop/*”], not {_shown(value)}", where, key, number)
        return value

    def one_of(self, value: str, allowed: tuple[str, ...], where: str, key: str, number: int) -> None:
        if value not in allowed:
            choices = _one_of([f"“{one}”" for one in allowed])
            raise self.wrong(f"{key} must be {choices}, not {_shown(value)}", where, key, number)

    def known(self, table: dict[str, Any], allowed: tuple[str, ...], where: str, number: int) -> None:
        for key in table:
            if key not in allowed:
                near = get_close_matches(key, allowed, 1, 0.5)
                guess = f"did you mean {near[0]}?" if near else f"there are {natural_list(allowed)}"
                inside = f" in {where}" if where else ""
                raise self.wrong(f"unknown key “{clean(key, 40)}”{inside}; {guess}", where, key, number)

    # where it stands

    def wrong(self, what: str, where: str, key: str, number: int) -> RulesError:
        line = self.line(where, key, number)
        return RulesError(f"{self.place}: {f'line {line}: ' if line else ''}{what}")

    def line(self, where: str, key: str, number: int) -> int | None:
        """Return the line of a key in the ``number``-th table ``where`` (of ``key`` empty: of the table itself).

        None where it is not found: a parser of TOML that tells places is not in Python.
        """
        table, seen = "", -1
        wanted = re.compile(rf"""\s*(["']?){re.escape(key)}\1\s*[.=]""")
        for at, line in enumerate(self.lines, 1):
            if head := _HEAD.match(line):
                parts = [part.strip().strip("\"'") for part in head[2].split(".")]
                table = head[1] + ".".join(parts) + head[3]
                seen += table == where
                if key and ".".join(parts) == (f"{where.strip('[]')}.{key}" if where else key):
                    return at
                if not key and table == where and seen == number:
                    return at
            elif key and table == where and (not where or seen == number) and wanted.match(line):
                return at
        return None


_HEAD = re.compile(r"\s*(\[\[?)([^\[\]]+)(\]\]?)\s*(?:#.*)?$")


def _one_of(items: list[str]) -> str:
    return natural_list(items, 3, word="or")


def _conditions(kind: str) -> list[str]:
    names = ("last", "used_within", "older_than", "filter", "names", "labels")
    return [name for name in names if kind == "keep" or name != "last"]


def _used(seconds: int, now: int) -> Bind:
    return lambda graph: lambda node: bool(node.containers) or graph.seen.used_within(node.id, seconds, now)


def _older(seconds: int, now: int) -> Bind:
    def test(node: ImageNode) -> bool:
        created = made(node.image.created, now)
        return created is not None and created < now - seconds

    return lambda _: test


def _all_of(binds: list[Bind]) -> Callable[[LayerGraph], Collection[int]]:
    """Select the images that meet every condition."""

    def select(graph: LayerGraph) -> Collection[int]:
        found = list(graph.images)
        for bind in binds:
            test = bind(graph)
            found = [node for node in found if test(node)]
        return {node.index for node in found}

    return select


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"“{clean(value, 40)}”" if isinstance(value, str) else clean(str(value), 40)
