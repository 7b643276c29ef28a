"""The filter language: what people type is understood, and what is not understood is explained where it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.core.build import build_graph
from layerscope.core.chain import chain_id
from layerscope.core.graph import LayerGraph
from layerscope.inventory import Container, Engine, HistoryEntry, Image, Inventory, Platform
from layerscope.search.query import parse
from layerscope.search.reference import split_reference
from layerscope.search.terms import HELP

NOW = 1_800_000_000
DAY = 86400
MB = 10**6
ENGINE = Engine("docker", "28.5.2", "1.51", "overlay2", "graphdriver", "unix:///var/run/docker.sock")


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def image(number: int, *tags: str, layers: dict[int, int | None], days: int | None = 1, **more: object) -> Image:
    """An image whose layers are {diff number: MB}; None for a size that nobody knows."""
    known = None not in layers.values()
    return Image(
        f"sha256:{number:04x}" + "9" * 60,
        tags,
        created=None if days is None else NOW - days * DAY,
        diff_ids=tuple(digest(diff) for diff in layers),
        history=tuple(HistoryEntry(f"ADD {diff} /", (mb or 0) * MB) for diff, mb in layers.items()) if known else None,
        layers_size=sum(mb or 0 for mb in layers.values()) * MB if known else None,
        os="linux",
        architecture="amd64",
        **more,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def host() -> LayerGraph:
    """Six images: a base, two on it, one dangling, one alone, and one whose history was refused."""
    images = (
        image(0x1111, "debian:12", layers={1: 100}, days=400),
        image(0x2222, "acme/Api:1.0", "acme/api:latest", layers={1: 100, 2: 30, 3: 0}, days=40),
        image(0x3333, "shop/web:2", layers={1: 100, 4: 500}, days=3, labels=(("Stage", "prod"), ("team", "web"))),
        image(0xBEEF, layers={1: 100, 5: 2}, days=10, digests=("acme/api@" + digest(77),)),
        image(
            0x5555,
            "localhost:5000/tool:arm",
            layers={6: 1},
            days=None,
            platforms=(Platform(digest(8), "linux/arm64/v8", "image", True, 1, 1),),
        ),
        image(0x6666, "odd:1", layers={7: None}, days=1),
    )
    containers = (
        Container("c1" * 32, "api-blue", images[1].id, "acme/api", "running"),
        Container("c2" * 32, "shop", images[2].id, "shop/web", "exited"),
    )
    return build_graph(Inventory(ENGINE, images, containers))


def names(host: LayerGraph, text: str) -> str:
    """The images that a filter selects, as one line of short names in the order of their IDs."""
    query = parse(text, NOW)
    assert not [problem for problem in query.problems if not problem.hint], query.problems
    selected = query.select(host)
    assert selected == [node for node in host.images if query.matches(node, host)]
    short = {"1": "base", "2": "api", "3": "web", "b": "dangling", "5": "tool", "6": "odd"}
    return " ".join(short[node.id[7]] for node in sorted(selected, key=lambda node: (node.id[7] == "b", node.id)))


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", "base api web tool odd dangling"),
        ("unused", "base tool odd dangling"),
        ("used", "api web"),
        ("running", "api"),
        ("stopped", "web"),
        ("dangling", "dangling"),
        ("untagged", "dangling"),
        ("is:dangling", "dangling"),
        ("tagged", "base api web tool odd"),
        ("shared", "base api web dangling"),
        ("unshared", "tool odd"),
        ("unknown", "odd"),
        # sizes: a size that is not known is neither small nor big
        (">500MB", "web"),
        (">=600MB", "web"),
        (">600MB", ""),
        ("<1G", "base api web tool dangling"),
        ("<2MB", "tool"),
        ("<1.5MiB", "tool"),
        ("≤100MB", "base tool"),
        ("size>500MB", "web"),
        ("size:>500MB", "web"),
        ("SIZE > 500 MB", "web"),
        ("size=100MB", "base"),
        ("size!=100MB", "api web tool dangling"),
        ("unique>29MB", "api web"),
        ("unique=0", "base"),
        ("shared>=100MB", "base api web dangling"),
        ("shared > 99MB", "base api web dangling"),
        ("shared >500MB", "web"),  # the word, and a size
        ("layers>2", "api"),
        ("layers:1", "base tool odd"),
        ("tags>1", "api"),
        ("containers=0", "base tool odd dangling"),
        # ages: what has no date is neither old nor new
        ("older:30d", "base api"),
        ("newer:2w", "web odd dangling"),
        ("older:1y", "base"),
        ("age>30days", "base api"),
        ("age<5d", "web odd"),
        ("older:2026-12-01", "base"),
        ("newer:2026-12-01", "api web odd dangling"),
        # names
        ("api", "api dangling"),  # the dangling one still has a digest of that repository
        ("API", "api dangling"),
        ("<none>", "dangling"),
        ("repo:api", "api dangling"),
        ("repo=acme/api", "api dangling"),
        ("repo=api", ""),
        ("repo:acme/*", "api dangling"),
        ("repo:acme/api:1.0", "api"),
        ("repo:5000", "tool"),
        ("tag:latest", "api"),
        ("tag:1", "base api odd"),
        ("tag=1", "odd"),
        ("tag:5000", ""),  # a port is no tag
        ("debian:12", "base"),
        ("api:*", "api"),  # also under a path
        ("'shop/web:2'", "web"),
        ("'unused'", ""),
        # IDs: their start, not their middle
        ("beef", "dangling"),
        ("9999", ""),
        ("bee", ""),
        ("sha256:2222", "api"),
        ("id:1", "base"),
        ("id:sha256:3333", "web"),
        ("digest:" + digest(77), "dangling"),
        ("digest:" + digest(8), "tool"),
        ("layer:" + digest(1), "base api web dangling"),
        ("layer:" + chain_id(digest(1), digest(4))[7:30], "web"),
        ("layer:" + digest(2)[:71], "api"),
        # the rest
        ("label:stage", "web"),
        ("label:stage=prod", "web"),
        ("label:stage=pro", ""),
        ("label:stage=p*", "web"),
        ("platform:arm64", "tool"),
        ("platform:linux/arm", "tool"),
        ("platform=arm", ""),
        ("platform:aarch64", "tool"),
        ("arch:x86_64", "base api web tool odd dangling"),
        ("container:blue", "api"),
        ("container:c2c2", "web"),
        # put together
        ("api -dangling", "api"),
        ("!api !<1G", "odd"),
        ("not api not used", "base tool odd"),
        ("unused and older:30d", "base"),
        ("dangling or older:1y", "base dangling"),
        ("dangling | running used", "api dangling"),
        ("repo: api tag:latest", "api"),
        ('repo:"acme/api" running', "api"),
    ],
)
def test_what_people_type_selects_what_they_mean(host: LayerGraph, text: str, selected: str) -> None:
    assert names(host, text) == selected


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        (">5OOMB", ">5OOMB", "not a size: write it like >500MB, 1.5G or 200MiB"),
        ("api unique>", "unique>", "not a size: write it like unique>500MB, 1.5G or 200MiB"),
        ("unused layers>many", "layers>many", "not a number: write layers>20"),
        ("older:30", "older:30", "not an age: write older:30d, 2w, 6mo, 1y or a day like 2026-01-31"),
        ("age=3d", "age=3d", "an age is compared with > or <: write age>30d"),
        ("repo:", "repo:", "what after “repo”? Write it like repo:api"),
        ("layer:zebra x", "layer:zebra", "not a digest: layer: takes hexadecimal digits, like layer:3f2a9c"),
        ("uniqe>5MB", "uniqe>5MB", "“uniqe” is nothing to compare; did you mean unique?"),
        ("tag>1", "tag>1", "“tag” is nothing to compare; did you mean tags?"),
        ("size:5MB", "size:5MB", "more or less than that? Write size>500MB"),
        ("created:30d", "created:30d", "more or less than that? Write age>30d"),
        ("api or", "or", "“or” needs a term on both sides"),
        ("api -", "-", "nothing to turn round: write -unused"),
    ],
)
def test_a_wrong_term_is_explained_in_place_and_left_out(host: LayerGraph, text: str, where: str, message: str) -> None:
    query = parse(text, NOW)
    (problem,) = query.problems
    assert (text[problem.start : problem.end], problem.message, problem.hint) == (where, message, False)
    assert query.select(host) == parse(text.replace(where, ""), NOW).select(host)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("unusd", "taken as part of a name; did you mean unused?"),
        ("lable:x", "“lable:” is no term, taken as part of a name; did you mean label:?"),
        ("'two words", "the quote ' is not closed"),
    ],
)
def test_a_probable_slip_is_used_as_a_word_and_hinted_at(text: str, message: str) -> None:
    query = parse(text, NOW)
    (problem,) = query.problems
    assert (problem.message, problem.hint) == (message, True)
    assert query


@pytest.mark.parametrize("text", ["u", "unuse", "danglin", "node:1", "localhost:5000/x", "don't", "<n", "<none>"])
def test_nothing_is_said_while_a_term_is_being_typed_or_of_a_name(text: str) -> None:
    assert parse(text, NOW).problems == ()


def test_it_says_in_words_what_it_selects() -> None:
    query = parse("unused >500MB -repo:api older:30d or label:stage=prod", NOW)
    assert query.explain == (
        "no container uses it · size over 500 MB · not (repository has “api”) · older than 30 days"
        " or label stage is “prod”"
    )
    assert parse("  ", NOW).explain == "every image"


def test_every_example_of_the_help_is_understood() -> None:
    for examples, _ in HELP:
        assert parse(examples, NOW).problems == (), examples
        assert parse(examples, NOW)


@given(st.text(max_size=40) | st.text("<>=:!-'\" orsizeunq125MBd*?", max_size=30))
def test_any_text_is_taken_and_problems_point_into_it(text: str) -> None:
    host = build_graph(Inventory(ENGINE, (image(1, "a:1", layers={1: 1}), image(2, layers={1: 1, 2: 3}))))
    query = parse(text, NOW)
    assert set(query.select(host)) <= set(host.images)
    assert "\n" not in query.explain
    for problem in query.problems:
        assert 0 <= problem.start < problem.end <= len(text)
        assert problem.message.isprintable()


@given(st.lists(st.sampled_from(["unused", "shared", ">50MB", "dangling", "api", "older:30d", "layers>1"]), max_size=3))
def test_a_sign_turns_a_term_round_and_blanks_mean_and(host: LayerGraph, terms: list[str]) -> None:
    chosen = set(parse(" ".join(terms), NOW).select(host))
    for term in terms:
        with_it = set(parse(term, NOW).select(host))
        without = set(parse("-" + term, NOW).select(host))
        assert with_it | without == set(host.images)
        assert not with_it & without
        assert chosen <= with_it
    assert chosen == set(host.images).intersection(*(parse(term, NOW).select(host) for term in terms))


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("api", ("api", "")),
        ("api:1", ("api", "1")),
        ("localhost:5000/a/b", ("localhost:5000/a/b", "")),
        ("localhost:5000/a/b:1", ("localhost:5000/a/b", "1")),
        ("api@sha256:12", ("api", "")),
        ("<none>", ("<none>", "")),
    ],
)
def test_a_reference_is_a_repository_and_a_tag(reference: str, parts: tuple[str, str]) -> None:
    assert split_reference(reference) == parts


@pytest.mark.parametrize(
    ("text", "doubts"),
    [
        ("foo:bar", ["no name has that, and “foo:” is no term"]),
        ("unused foo:bar", ["no name has that, and “foo:” is no term"]),
        ("foo:*", ["no name has that, and “foo:” is no term"]),
        ("-foo:bar", []),  # leaves everything
        ('"foo:bar"', []),  # quoted: meant so
        ("foo", []),
        ("repo:foo", []),
        ("lable:x", ["no name has that, and “lable:” is no term"]),
    ],
)
def test_what_to_say_of_a_word_like_a_term_where_no_image_is_left(text: str, doubts: list[str]) -> None:
    assert [doubt.message for doubt in parse(text, NOW).doubts] == doubts


@pytest.mark.parametrize("text", ["created>3d", "created > 3d"])
def test_created_is_another_word_for_age(host: LayerGraph, text: str) -> None:
    query = parse(text, NOW)
    assert not query.problems
    assert query.select(host) == parse("age>3d", NOW).select(host)
