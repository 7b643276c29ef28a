"""Ready-made sets: what is in them, and what never is."""

from __future__ import annotations

from zlib import crc32

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.inventory import Container, Engine, Image, Inventory
from layerscope.units import Units
from layerscope.views.presets import Found, presets

NOW = 1_800_000_000
DAY = 86_400


def image(name: str, days: float | None, digest: str = "") -> Image:
    number = crc32(f"{name} {days}".encode())
    tags = () if name.startswith("<none>") else (name,)
    created = None if days is None else int(NOW - days * DAY)
    chain = f"sha256:{number:064x}"
    digests = (digest,) if digest else ()
    return Image(f"sha256:{number + 1:064x}", tags, digests, created, 10, 10, diff_ids=(chain,), history=())


def found(*images: Image, used: tuple[Image, ...] = (), pinned: tuple[Image, ...] = ()) -> dict[str, set[str]]:
    containers = tuple(Container(f"c{at}", f"c{at}", one.id, "", "exited") for at, one in enumerate(used))
    engine = Engine("docker", "28.5.2", "1.51", "overlay2", "graphdriver", "unix:///x")
    graph: LayerGraph = build_graph(Inventory(engine, images, containers, NOW))
    got: list[Found] = presets(graph, {one.id for one in pinned}, NOW, Units.SI)
    names = {one.id: (one.tags or ("<none>",))[0] for one in images}
    return {one.preset.key: {names[image_id] for image_id in one.ids} for one in got}


def test_each_set_has_what_it_says() -> None:
    sets = found(
        image("app:1", 90), image("app:2", 60), image("app:3", 1), image("<none>", 5), image("<none>x", 5, "a@sha256:1")
    )
    assert sets["1"] == {"<none>"}
    assert sets["2"] == {"<none>"}
    assert sets["3"] == {"app:1", "app:2"}
    assert sets["4"] == {"app:1"}
    assert sets["5"] == {"app:1", "app:2", "app:3", "<none>"}


def test_left_over_and_only_here_leaves_out_what_a_registry_had() -> None:
    only, pullable = image("<none>", 5), image("<none>x", 5, "a@sha256:1")
    assert found(only)["2"] == {"<none>"}
    assert found(pullable)["1"] == {"<none>"}
    assert found(pullable)["2"] == set()


def test_what_is_used_or_pinned_is_in_none() -> None:
    old, older = image("app:1", 90), image("web:1", 400)
    assert not any(found(old, used=(old,)).values())
    assert not any(found(older, pinned=(older,)).values())


def test_a_date_that_is_no_age_is_neither_old_nor_superseded() -> None:
    odd = (
        image("app:1", NOW / DAY),
        image("app:2", None),
        image("app:3", -30),
        image("app:4", (NOW - 315_532_801) / DAY),
    )
    sets = found(*odd, image("app:5", 1), image("app:6", 2))
    assert sets["3"] == set()
    assert sets["4"] == set()


def test_the_newest_two_of_each_repository_stay() -> None:
    sets = found(*(image(f"app:{n}", 40 - n) for n in range(5)), image("web:1", 99))
    assert sets["4"] == {"app:0", "app:1", "app:2"}
