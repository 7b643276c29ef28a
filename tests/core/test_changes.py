"""What changed between two graphs of one host."""

from __future__ import annotations

from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.changes import changes
from layerscope.core.graph import LayerGraph
from layerscope.inventory import Container, Engine, HistoryEntry, Image, Inventory

ENGINE = Engine("docker", "28.5.2", "1.51", "overlay2", "graphdriver", "unix:///d.sock")


def image(name: str, *layers: tuple[str, int]) -> Image:
    return Image(
        id=f"sha256:{name}",
        tags=(f"{name}:1",),
        engine_size=sum(size for _, size in layers),
        layers_size=sum(size for _, size in layers),
        diff_ids=tuple(f"sha256:{diff}" for diff, _ in layers),
        history=tuple(HistoryEntry(f"RUN {diff}", size, comment="buildkit.dockerfile.v0") for diff, size in layers),
    )


BASE, APP = image("base", ("a", 100_000_000)), image("app", ("a", 100_000_000), ("b", 31_000_000))


def host(*images: Image, containers: tuple[Container, ...] = ()) -> LayerGraph:
    return build_graph(Inventory(ENGINE, images, containers))


def test_a_new_image_costs_only_its_own_layer() -> None:
    found = changes(host(BASE), host(BASE, APP))
    assert found.added == ("sha256:app",)
    assert (found.footprint, found.listed) == (31_000_000, 131_000_000)


def test_a_removed_base_frees_nothing_while_its_child_stays() -> None:
    assert changes(host(BASE, APP), host(APP)).removed == ("sha256:base",)


def test_tags_and_containers_are_changes_too() -> None:
    tagged = replace(BASE, tags=("base:1", "base:2"))
    assert changes(host(BASE), host(tagged)).retagged == ("sha256:base",)
    container = Container("c1", "web", "sha256:base", "base:1", "running")
    assert changes(host(BASE), host(BASE, containers=(container,))).created == (container,)
    assert changes(host(BASE, containers=(container,)), host(BASE)).gone == (container,)
    stopped = replace(container, state="exited")
    found = changes(host(BASE, containers=(container,)), host(BASE, containers=(stopped,)))
    assert found.altered == (stopped,)
    assert found.reused


def test_nothing_changed_is_no_change() -> None:
    assert not changes(host(BASE, APP), host(BASE, APP))
