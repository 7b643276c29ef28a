"""Keep rules and budgets as they are written: each condition against the slow way, and what is wrong by line."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.core.keep.plan import keep_plan
from layerscope.core.keep.versions import version_of
from layerscope.core.removal.plan import plan
from layerscope.core.seen import Seen, Sighting
from layerscope.inventory import Container, Inventory
from layerscope.search.rules import MOST_BYTES, RulesError, read_rules
from tests.core.hosts import THOROUGH, hosts, inventory
from tests.picking import some

NOW = 1_780_000_000
DAY = 86_400
REPOSITORIES = ("shop/api", "localhost:5000/web", "base/deb")
TAGS = ("1", "1.1", "2-rc1", "latest", "dev")
DATES = (None, 0, NOW - 200 * DAY, NOW - 40 * DAY, NOW - 40 * DAY + 1, NOW - DAY, NOW + 10 * DAY)
LABELS = ((), (("keep", ""),), (("stage", "prod"),), (("stage", "test"), ("team", "x")))


@st.composite
def named_hosts(draw: st.DrawFn) -> LayerGraph:
    """A host whose images have names in a few repositories, dates, labels, and were seen in use or not."""
    whole = inventory(draw(hosts(packed=False)))
    free = [f"{repository}:{tag}" for repository in REPOSITORIES for tag in TAGS]
    images = []
    for image in whole.images:
        names = some(draw, free, 2) if image.tags else []
        free = [name for name in free if name not in names]
        images.append(
            replace(
                image,
                tags=tuple(names),
                created=draw(st.sampled_from(DATES)),
                last_tagged=draw(st.sampled_from((None, NOW - 100 * DAY, NOW - DAY))),
                labels=draw(st.sampled_from(LABELS)),
            )
        )
    graph = build_graph(replace(whole, images=tuple(images)))
    sightings = st.builds(
        Sighting,
        first=st.sampled_from((NOW - 90 * DAY, NOW - 2 * DAY)),
        scans=st.just(9),
        used=st.just(1),
        last_used=st.sampled_from((None, NOW - 50 * DAY, NOW - DAY)),
    )
    graph.seen = Seen({node.id: draw(sightings) for node in graph.images if draw(st.booleans())}, NOW - 90 * DAY, 9)
    return graph


CONDITIONS = (
    "last = 1",
    "last = 2",
    'last = 1\nper = "host"',
    'last = 1\nby = "arrived"',
    'last = 1\nby = "version"',
    'used_within = "30d"',
    'older_than = "30d"',
    'filter = "unused"',
    'filter = "unused:30d"',
    'filter = "used:30d"',
    'names = ["shop/*"]',
    'names = ["*:latest", "web"]',
    'labels = ["keep", "stage=p*"]',
)


def slowly(condition: str, kind: str, node: ImageNode, graph: LayerGraph) -> bool:
    """Does a rule with this condition alone select the image? Written without looking at how it is done."""
    image, seen = node.image, graph.seen.images.get(node.id)
    match condition:
        case 'used_within = "30d"' | 'filter = "used:30d"':
            return bool(node.containers) or bool(seen and (seen.last_used or 0) >= NOW - 30 * DAY)
        case 'older_than = "30d"':
            return image.created is not None and DAY < image.created < NOW - 30 * DAY
        case 'filter = "unused"':
            return not node.containers
        case 'filter = "unused:30d"':
            watched = seen is not None and seen.first <= NOW - 30 * DAY
            return not node.containers and watched and (seen.last_used or 0) < NOW - 30 * DAY  # type: ignore[union-attr]
        case 'names = ["shop/*"]':
            fits = [fnmatchcase(tag, "shop/*") for tag in image.tags]
            return bool(fits) and (any(fits) if kind == "keep" else all(fits))
        case 'names = ["*:latest", "web"]':
            fits = [tag.endswith(":latest") for tag in image.tags]
            return bool(fits) and (any(fits) if kind == "keep" else all(fits))
        case 'labels = ["keep", "stage=p*"]':
            return any(key == "keep" or (key == "stage" and value[0] == "p") for key, value in image.labels)
    return any(_among_the_last(condition, node, graph, repository) for repository in _repositories(condition, node))


def _repositories(condition: str, node: ImageNode) -> list[str]:
    if "host" in condition:
        return [""]
    return sorted({tag.rpartition(":")[0] for tag in node.image.tags})


def _among_the_last(condition: str, node: ImageNode, graph: LayerGraph, repository: str) -> bool:
    number = int(condition.split()[2])
    others = [o for o in graph.images if not repository or any(t.startswith(f"{repository}:") for t in o.image.tags)]

    def worth(other: ImageNode) -> object:
        if "version" in condition:
            tags = [t.rpartition(":")[2] for t in other.image.tags if t.startswith(repository)]
            return max((version for tag in tags if (version := version_of(tag))), default=None)
        if "arrived" in condition:
            sighting = graph.seen.images.get(other.id)
            times = [at for at in (other.image.last_tagged, sighting.first if sighting else None) if at]
            return min(times, default=None)
        created = other.image.created
        return created if created is not None and DAY <= created <= NOW + 300 else None

    mine = worth(node)
    if mine is None:
        return True
    newer = [w for o in others if (w := worth(o)) is not None and w > mine]  # type: ignore[operator]
    return len(set(newer) if "version" in condition else newer) < number


rule_sets = st.lists(st.tuples(st.sampled_from(("keep", "drop")), st.sampled_from(CONDITIONS)), min_size=1, max_size=5)


@THOROUGH
@given(named_hosts(), rule_sets, st.data())
def test_keep_rules_are_what_the_slow_way_says(
    graph: LayerGraph, rules: list[tuple[str, str]], data: st.DataObject
) -> None:
    rules = [(kind, condition) for kind, condition in rules if kind == "keep" or not condition.startswith("last")]
    text = "\n".join(f"[[{kind}]]\n{condition}" for kind, condition in rules)
    pins = set(data.draw(st.lists(st.sampled_from([n.id for n in graph.images] or [""]), max_size=1)))
    found = keep_plan(graph, read_rules(text, "keep.toml", NOW).rules, pins)
    kept, dropped = set(), set()
    for kind, condition in rules:
        selected = {node.id for node in graph.images if slowly(condition, kind, node, graph)}
        (kept if kind == "keep" else dropped).update(selected)
        alike = [one for one in found.rules if one.rule.kind == kind and {n.id for n in one.images} == selected]
        assert alike, (kind, condition)
    goes = dropped - kept - pins
    assert {node.id for node in found.plan.images} == goes
    assert found.plan.frees == plan(graph, goes).frees
    assert found.undecided == len(graph.images) - len(kept | dropped)
    assert {node.id for node in found.pinned} == (dropped & pins) - kept
    drops = [one for one in found.rules if one.rule.kind == "drop"]
    assert sum(one.adds for one in drops) == found.plan.frees
    for one in found.rules:
        alone = plan(graph, [node.id for node in one.decides])
        assert (one.alone, one.alone_bound) == (alone.frees, alone.bound)
    keeps = [one for one in found.rules if one.rule.kind == "keep"]
    assert sum(one.adds for one in keeps) == plan(graph, dropped - pins).frees - found.plan.frees


def test_all_conditions_of_one_rule_must_be_met() -> None:
    graph = build_graph(_two())
    (rule,) = read_rules('[[drop]]\nnames = "a:*"\nolder_than = "30d"', "k", NOW).rules
    assert [graph.images[at].name for at in rule.select(graph)] == ["a:old"]


def test_a_rule_in_words_says_that_one_of_its_names_is_enough() -> None:
    text = '[[keep]]\nnames = ["a/*", "b/*"]\nlabels = ["keep", "stage=prod"]\n[[keep]]\nnames = "a"'
    both, one = read_rules(text, "k", NOW).rules
    assert both.says == "named a/* or b/* · labelled keep or stage=prod"
    assert one.says == "named a"


def _two() -> Inventory:
    from tests.core.test_changes import ENGINE, image

    old, new = image("old", ("a", 5)), image("new", ("b", 6))
    return Inventory(
        ENGINE,
        (
            replace(old, tags=("a:old",), created=NOW - 40 * DAY),
            replace(new, tags=("a:new",), created=NOW - DAY),
        ),
        (Container("c", "web", old.id, "a:old", "running"),),
        taken_at=NOW,
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[[keep]]\nlast = 2\n\n[[keep]]\n  lasst = 3", "line 5: unknown key “lasst” in [[keep]]; did you mean last?"),
        ("[bugdet]", "line 1: unknown key “bugdet”; did you mean budget?"),
        ("[budget]\nfootprnt = 1", "line 2: unknown key “footprnt” in [budget]; did you mean footprint?"),
        ("[budget]\n[ budget . uniqe ]", "line 2: unknown key “uniqe” in [budget]; did you mean unique?"),
        ("[[keep]]\nlast = 'two'", "line 2: last must be a whole number, not “two”"),
        ("[[keep]]\nlast = true", "line 2: last must be a whole number, not true"),
        ("[[keep]]\nlast = 0", "line 2: last must be at least 1, not 0"),
        ("[[keep]]\nlast = 1\nby = 'date'", "line 3: by must be “created”, “arrived” or “version”, not “date”"),
        ("[[keep]]\nlast = 1\nper = 'tag'", "line 3: per must be “repository” or “host”, not “tag”"),
        ("[[keep]]\nby = 'version'", "line 2: by goes with last: write last = 2 and by = “version”"),
        ("[[drop]]\nlast = 2", "line 2: last says what to keep: write it under [[keep]]"),
        ("[[drop]]\nnote = 'x'", "line 1: a rule that says nothing"),
        ("[[drop]]\nused_within = 'soon'", "line 2: used_within: not a span of time: “soon”"),
        ("[[drop]]\nolder_than = 90", "line 2: older_than must be a span like “90d”, not 90"),
        ("[[drop]]\nfilter = 'unusd'", "line 2: filter “unusd”: taken as part of a name; did you mean unused?"),
        ("[[drop]]\nfilter = 'older:x'", "line 2: filter “older:x”: not an age"),
        ("[[drop]]\nfilter = ''", "line 2: filter “”: it selects nothing in particular"),
        ("[[drop]]\nnames = [1]", "line 2: names must be a list of text like [“shop/*”], not a list"),
        ("[keep]\nlast = 2", "line 1: write each rule under [[keep]], in double brackets"),
        ("drop = 3", "line 1: write each rule under [[drop]], in double brackets"),
        ("budget = 3", "line 1: write budgets under [budget]"),
        ("[budget]\nfootprint = '40 apples'", "line 2: footprint: not a size: “40 apples”; write it like “40GB”"),
        ("[budget]\nfootprint = -1", "line 2: footprint must be a size like “40GB”, not -1"),
        ("[budget]\nlayers = 'many'", "line 2: layers must be a number, not “many”"),
        ("[budget]\ndangling = true", "line 2: dangling must be a number, not true"),
        ("[budget]\nunique = 4", "line 2: unique is a table"),
        ("[budget.unique]\n'shop/*' = [1]", "line 2: shop/* must be a size like “40GB”, not a list"),
        ("x = [", "not TOML: Invalid value (at end of document)"),
        ("a = 1\na = 2", "not TOML: Cannot overwrite a value"),
        ("\x00", "not TOML: Invalid statement (at line 1, column 1)"),
        ('[[keep]]\n"\\u001b[31m" = 1', "unknown key “"),
    ],
)
def test_what_is_wrong_is_told_by_line_with_the_nearest_word(text: str, line: str) -> None:
    with pytest.raises(RulesError) as told:
        read_rules(text, "keep.toml", NOW)
    assert str(told.value).startswith(f"keep.toml: {line}")
    assert str(told.value).isprintable()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = " + "[" * 3000, "nested too deeply"),
        ("x = " + "{a=" * 3000, "nested too deeply"),
        ("x = " + "9" * 5000, "a number in it is too long"),
        (".".join("a" * 30_000) + " = 1", "line 1: more than 200 dots"),
        ("\n".join(f"[{'a.' * 190}b{at}]" for at in range(150)), "unknown key “a”"),
        ("x = 1\n" * 10_000, "not TOML"),
        ("[[keep]]\nlast = 1\n" * 300, "more than 200 rules"),
        ("#" * (MOST_BYTES + 1), "longer than 64 KiB"),
    ],
)
def test_a_bomb_is_one_line(text: str, words: str) -> None:
    with pytest.raises(RulesError, match=words) as told:
        read_rules(text, "k", NOW)
    assert str(told.value).isprintable()


def test_budgets_are_read() -> None:
    budget = read_rules(
        '[budget]\nfootprint = "40GB"\ncontent = 5\nlayers = 110\ndangling = "1GB"\nmissed = "1.5GiB"\n'
        'growth = "2GB"\n[budget.unique]\n"shop/*" = "200MB"',
        "k",
        NOW,
    ).budget
    assert (budget.footprint, budget.content, budget.layers) == (40 * 10**9, 5, 110)
    assert (budget.dangling, budget.dangling_bytes, budget.growth) == (None, 10**9, 2 * 10**9)
    assert budget.missed == 3 << 29
    assert [(pattern, size) for pattern, (size, _) in budget.unique.items()] == [("shop/*", 200 * 10**6)]
    assert read_rules("[budget]\ndangling = 3", "k", NOW).budget.dangling == 3
    assert not read_rules("[[drop]]\nfilter = 'unused'", "k", NOW).budget
