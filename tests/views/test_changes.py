"""What changed on a live engine: by name when it is one thing, in numbers when it is several."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.inventory import Container, HistoryEntry, Image, Inventory
from layerscope.text import fit_first
from layerscope.units import Units
from layerscope.views.changes import describe
from tests.hosts import ENGINE, EVIL


def image(name: str, *layers: tuple[str, int], tags: tuple[str, ...] | None = None) -> Image:
    return Image(
        id=f"sha256:{name}",
        tags=(f"{name}:1",) if tags is None else tags,
        engine_size=sum(size for _, size in layers),
        layers_size=sum(size for _, size in layers),
        diff_ids=tuple(f"sha256:{diff}" for diff, _ in layers),
        history=tuple(HistoryEntry(f"RUN {diff}", size, comment="buildkit.dockerfile.v0") for diff, size in layers),
    )


BASE, APP = image("base", ("a", 100_000_000)), image("app", ("a", 100_000_000), ("b", 31_000_000))
TOOL = image("tool", ("t", 2_000_000))
WEB = Container("c1", "web", "sha256:base", "base:1", "running")


def host(*images: Image, containers: tuple[Container, ...] = ()) -> LayerGraph:
    return build_graph(Inventory(ENGINE, images, containers))


def said(old: LayerGraph, new: LayerGraph) -> str:
    wordings = describe(old, new, Units.SI)
    return wordings[0] if wordings else ""


def test_one_image_is_named_with_what_it_costs() -> None:
    assert said(host(BASE), host(BASE, APP)) == "+ app:1 · +31.0 MB on disk"
    assert said(host(BASE, APP), host(BASE)) == "− app:1 · −31.0 MB on disk"
    assert said(host(BASE, APP), host(APP)) == "− base:1 · nothing less on disk"
    twin = replace(APP, id="sha256:twin", tags=("twin:1",))
    assert said(host(APP), host(APP, twin)) == "+ twin:1 · nothing more on disk"


def test_several_images_are_counted() -> None:
    assert said(host(), host(BASE, APP, TOOL)) == "+3 images, +133 MB on disk"
    assert said(host(BASE, APP, TOOL), host()) == "−3 images, −133 MB on disk"
    assert said(host(BASE, APP), host(TOOL)) == "+1 −2 images, −129 MB on disk"
    twins = [replace(APP, id=f"sha256:{i}", tags=(f"twin:{i}",)) for i in range(2)]
    assert said(host(APP), host(APP, *twins)) == "+2 images, nothing more or less on disk"


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (("api:2",), ("api:2", "api:latest"), "api:2 tagged api:latest"),
        (("api:2", "api:latest"), ("api:2",), "api:2 no longer tagged api:latest"),
        (("api:2", "api:3"), (), "api:2 untagged"),
        ((), ("api:2",), "<none> x tagged api:2"),
        (("api:2",), ("api:3",), "api:2 renamed api:3"),
        (("api:2",), ("api:2", "a:1", "a:2"), "api:2 tagged a:1 and 1 more"),
    ],
)
def test_tags_are_named(before: tuple[str, ...], after: tuple[str, ...], line: str) -> None:
    assert said(host(image("x", ("a", 1), tags=before)), host(image("x", ("a", 1), tags=after))) == line


def test_a_tag_that_moves_is_one_thing() -> None:
    old = image("old", ("a", 1), tags=("api:1", "api:latest")), image("new", ("b", 1), tags=("api:2",))
    new = image("old", ("a", 1), tags=("api:1",)), image("new", ("b", 1), tags=("api:2", "api:latest"))
    assert said(host(*old), host(*new)) == "api:2 tagged api:latest"


def test_a_build_that_takes_a_tag_over_is_told_as_what_it_made() -> None:
    before = image("old", ("a", 1), tags=("api:2",))
    after = replace(before, tags=())
    built = image("new", ("a", 1), ("b", 6_600_000), tags=("api:2",))
    assert said(host(before), host(after, built)) == "+ api:2 · +6.6 MB on disk"


def test_other_tags_of_several_images_are_counted() -> None:
    tagged = [replace(one, tags=(*one.tags, f"{one.tags[0]}-b")) for one in (BASE, APP)]
    assert said(host(BASE, APP), host(*tagged)) == "other tags on 2 images"


def test_containers_are_named() -> None:
    stopped, other = replace(WEB, state="exited"), replace(WEB, id="c2", name="db")
    assert said(host(BASE), host(BASE, containers=(WEB,))) == "container web created"
    assert said(host(BASE, containers=(WEB,)), host(BASE)) == "container web removed"
    assert said(host(BASE, containers=(stopped,)), host(BASE, containers=(WEB,))) == "container web running"
    assert said(host(BASE, containers=(WEB,)), host(BASE, containers=(stopped,))) == "container web exited"
    assert said(host(BASE), host(BASE, containers=(WEB, other))) == "2 containers created"
    assert said(host(BASE, containers=(WEB, other)), host(BASE)) == "2 containers removed"
    assert said(host(BASE, containers=(WEB,)), host(BASE, containers=(other,))) == (
        "container db created · container web removed"
    )


def test_several_kinds_are_told_together() -> None:
    assert said(host(BASE), host(BASE, APP, containers=(WEB,))) == "+ app:1 · +31.0 MB on disk · container web created"


def test_where_there_is_no_room_for_all_of_it_the_first_is_told_in_full() -> None:
    wordings = describe(host(BASE), host(BASE, APP, containers=(WEB,)), Units.SI)
    assert fit_first(wordings, 45) == "+ app:1 · +31.0 MB on disk · and 1 more"


def test_nothing_changed_is_nothing_said() -> None:
    assert describe(host(BASE, APP), host(BASE, APP), Units.SI) == ()


def test_a_name_gives_way_before_the_figure_does() -> None:
    long = replace(APP, tags=("registry.example.com/a/very/long/path/" + "x" * 300 + ":1",))
    wordings = describe(host(BASE), host(BASE, long), Units.SI)
    for width in (40, 60, 100):
        line = fit_first(wordings, width)
        assert cell_len(line) <= width
        assert line.endswith("· +31.0 MB on disk")
    assert max(map(cell_len, wordings)) < 100


def test_hostile_names_are_shown_and_never_obeyed() -> None:
    evil = replace(APP, tags=(EVIL,))
    line = said(host(BASE), host(BASE, evil, containers=(replace(WEB, name=EVIL), replace(WEB, id="2"))))
    named = said(host(BASE), host(BASE, containers=(replace(WEB, name=EVIL),)))
    for text in (line, named):
        assert text.isprintable()
        assert "\x1b" not in text
