"""What was said before a pull beside what came, on graphs of a few layers."""

from __future__ import annotations

from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.core.pull import pull_cost
from layerscope.core.pulled import has_come, pulled
from layerscope.core.stock import Memory, store_of
from layerscope.inventory import Blob, ContentStore, Engine, Image, Inventory, StoreKind
from tests.core.test_pull import CONFIG, blob, layer, local, remote


def graph(kind: StoreKind, *images: Image, content: ContentStore | None = None) -> LayerGraph:
    engine = Engine("podman" if kind == "podman" else "docker", "28.5.2", "1.45", "x", kind, "h", "linux", "amd64")
    return build_graph(Inventory(engine, images, content=content))


BASE, APP = local("base", "a"), local("app", "a", "b", "c")
IMAGE = remote("app", layer("a", 10), layer("b", 20, tar=900), layer("c", 30, tar=900))


def test_growth_is_that_of_the_layers_that_were_to_come() -> None:
    old, new = graph("graphdriver", BASE), graph("graphdriver", BASE, APP)
    said = pull_cost(store_of(old), [IMAGE]).images[0]
    assert has_come(said, old, new)
    found = pulled(said, old, new)
    assert (found.grew, found.grew_is, found.fetched) == (2000, "exact", None)
    assert not has_come(said, new, new)
    assert not has_come(said, old, old)


def test_what_others_brought_meanwhile_is_not_counted_nor_what_others_pulled() -> None:
    old = graph("graphdriver", BASE, local("else", "a", "b"))
    new = graph("graphdriver", BASE, local("else", "a", "b"), APP, local("more", "x"))
    said = pull_cost(store_of(graph("graphdriver", BASE)), [IMAGE]).images[0]
    assert pulled(said, old, new).grew == 1000


def test_layers_that_were_to_come_with_another_of_the_set_are_its() -> None:
    old, new = graph("graphdriver"), graph("graphdriver", APP)
    first = remote("base", layer("a", 10))
    said = pull_cost(store_of(old), [first, IMAGE]).images[1]
    assert pulled(said, old, new).grew == 2000


def test_while_a_size_is_not_known_nothing_is_said() -> None:
    old, new = (
        graph("graphdriver", BASE),
        graph("graphdriver", BASE, replace(APP, history=None, layers_size=None, engine_size=0)),
    )
    said = pull_cost(store_of(old), [IMAGE]).images[0]
    found = pulled(said, old, new)
    assert (found.grew, found.grew_is) == (None, "unknown")


def test_what_a_containerd_store_fetched_is_what_of_it_is_new_there() -> None:
    here = (Blob(blob("a"), 10),)
    came = (*here, Blob(blob("b"), 20), Blob(blob("c"), 30), Blob(blob("c-app"), CONFIG), Blob(blob("i-app"), 99))
    old = graph("containerd", BASE, content=ContentStore(blobs=here))
    new = graph("containerd", BASE, APP, content=ContentStore(blobs=(*came, Blob(blob("else"), 1000))))
    said = pull_cost(store_of(old, Memory(blobs=frozenset({blob("a")}))), [IMAGE]).images[0]
    assert said.download == (50 + CONFIG, 50 + CONFIG)
    assert pulled(said, old, new).fetched == 50 + CONFIG
    refused = graph("containerd", BASE, APP, content=ContentStore(refused="no"))
    assert pulled(said, old, refused).fetched is None


def test_what_grew_is_as_well_known_as_the_layer_that_is_known_least() -> None:
    old, new = graph("graphdriver", BASE), graph("graphdriver", BASE, APP)
    said = pull_cost(store_of(old), [IMAGE]).images[0]
    new.layers[-1].size_is = "inferred"
    found = pulled(said, old, new)
    assert (found.grew, found.grew_is) == (2000, "inferred")
