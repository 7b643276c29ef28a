"""Can an image be pulled again: what each family of stores knows of that."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.core.origin import Origin, only_here, origin_of
from layerscope.inventory import Blob, ContentStore, Engine, Image, Inventory, StoreKind

INDEX, MANIFEST, LAYER = (f"sha256:{digit * 64}" for digit in "abc")
CHAIN = f"sha256:{'d' * 64}"


def host(image: Image, kind: StoreKind, blobs: tuple[Blob, ...] | None = None) -> LayerGraph:
    engine = Engine("podman" if kind == "podman" else "docker", "28.5.2", "1.51", "x", kind, "unix:///x")
    content = ContentStore(blobs) if blobs is not None else None
    return build_graph(Inventory(engine, (replace(image, diff_ids=(CHAIN,), history=()),), content=content))


def origin(graph: LayerGraph) -> Origin:
    return origin_of(graph, graph.images[0])


def blobs(top: tuple[str, ...], layer: tuple[str, ...]) -> tuple[Blob, ...]:
    return (
        Blob(INDEX, 1, (MANIFEST,), sources=top),
        Blob(MANIFEST, 1, (LAYER,), (CHAIN,), sources=top),
        Blob(LAYER, 1, sources=layer, diff_id=CHAIN),
    )


@pytest.mark.parametrize("kind", ["graphdriver", "podman"])
def test_a_repository_digest_says_yes_and_none_says_only_here(kind: StoreKind) -> None:
    digest = f"app@{INDEX}"
    assert origin(host(Image(INDEX, ("app:1",), (digest,)), kind)) == Origin("yes", digest)
    graph = host(Image(INDEX, ("app:1",)), kind)
    assert origin(graph) == Origin("only here")
    assert only_here(graph, graph.images) == list(graph.images)


def test_the_digest_of_the_images_own_name_comes_first() -> None:
    digests = (f"other@{INDEX}", f"local:5000/app@{INDEX}")
    assert origin(host(Image(INDEX, ("local:5000/app:1",), digests), "graphdriver")).reference == digests[1]
    assert origin(host(Image(INDEX, (), digests), "graphdriver")).reference == digests[0]


def test_a_digest_without_a_name_is_none() -> None:
    assert origin(host(Image(INDEX, (), (f"<none>@{INDEX}",)), "graphdriver")) == Origin("only here")


def test_containerd_says_yes_where_the_name_and_a_layer_came_from_the_same_place() -> None:
    image = Image(INDEX, ("nginx:1",), (f"nginx@{INDEX}",))
    source = "docker.io/library/nginx"
    assert origin(host(image, "containerd", blobs((source,), ("x/y", source)))) == Origin("yes", f"{source}@{INDEX}")


@pytest.mark.parametrize(
    ("top", "layer"),
    [
        ((), ()),
        ((), ("docker.io/library/deb",)),  # built on a base that was pulled
        (("docker.io/library/app",), ()),  # BuildKit: something was built on it
        (("docker.io/library/app",), ("docker.io/library/deb",)),  # both
    ],
)
def test_containerd_does_not_know_of_what_was_built_here(top: tuple[str, ...], layer: tuple[str, ...]) -> None:
    graph = host(Image(INDEX, ("app:1",), (f"app@{INDEX}",)), "containerd", blobs(top, layer))
    assert origin(graph) == Origin("not known")
    assert only_here(graph, graph.images) == []


def test_containerd_without_its_content_knows_nothing() -> None:
    assert origin(host(Image(INDEX, ("app:1",), (f"app@{INDEX}",)), "containerd")) == Origin("not known")


def test_of_several_sources_the_one_that_a_tag_names_is_pulled() -> None:
    places = ("mirror.corp/nginx", "docker.io/library/nginx")
    graph = host(Image(INDEX, ("nginx:1",)), "containerd", blobs(places, places))
    assert origin(graph).reference == f"docker.io/library/nginx@{INDEX}"
    graph = host(Image(INDEX, ("web:1",)), "containerd", blobs(places, places))
    assert origin(graph).reference == f"mirror.corp/nginx@{INDEX}"
