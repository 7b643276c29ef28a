"""What people type on the command line means the image that they mean, or one clear line says why not."""

from __future__ import annotations

import pytest
from hypothesis import given
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.inventory import Image, Inventory
from layerscope.search.select import SelectionError, select
from tests.hosts import ENGINE, HOSTILE
from tests.strategies import texts

A, B, C, D, E = (
    f"sha256:{start}{'0' * (64 - len(start))}" for start in ("3f2a9c", "3f2a77", "deadbeef", "aaaa11", "beef")
)
DIGEST = "sha256:" + "7" * 64
HOST = Inventory(
    ENGINE,
    (
        Image(A, tags=("app:1", "app:latest"), digests=(f"registry.example:5000/team/app@{DIGEST}",), diff_ids=()),
        Image(B, tags=("app:2",), diff_ids=(), parent_id=E),
        Image(C, tags=("registry.example:5000/team/api:v1",), diff_ids=()),
        Image(D, tags=("docker.io/library/nginx:1.27", "localhost/tool:latest"), diff_ids=()),
        Image("sha256:" + "c" * 64, tags=("deadbeef:latest",), diff_ids=()),
        Image("sha256:" + "d" * 64, diff_ids=()),
        Image(E, diff_ids=(), listed=False),
    ),
)


@pytest.fixture(scope="module")
def graph() -> LayerGraph:
    return build_graph(HOST)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("app:1", A),
        ("app", A),  # :latest, as docker does
        ("app:2", B),
        ("docker.io/library/app:2", B),
        ("docker.io/app:2", B),
        ("nginx:1.27", D),
        ("docker.io/library/nginx:1.27", D),
        ("tool", D),
        ("localhost/tool:latest", D),
        ("registry.example:5000/team/api:v1", C),
        (f"registry.example:5000/team/app@{DIGEST}", A),
        (f"registry.example:5000/team/app:1@{DIGEST}", A),
        (DIGEST, A),
        ("3f2a9c", A),
        ("3F2A9C0000", A),
        ("sha256:3f2a9c", A),
        (A, A),
        ("deadbeef", "sha256:" + "c" * 64),  # a name comes before an ID
        ("sha256:deadbeef", C),
        ("dddd", "sha256:" + "d" * 64),
    ],
)
def test_one_image_is_meant(graph: LayerGraph, typed: str, found: str) -> None:
    assert [node.id for node in select(graph, [typed])] == [found]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (["app:*"], {A, B}),
        (["*/api:*"], {C}),
        (["ngin?:1.*"], {D}),
        (["*[0-9]"], {A, B, C, D}),
        (["app:1", "app:latest", "3f2a9c", "app:2"], {A, B}),  # one image, however often it is named
        (["localhost/*"], {D}),
    ],
)
def test_several_images_are_meant(graph: LayerGraph, typed: list[str], found: set[str]) -> None:
    nodes = select(graph, typed)
    assert {node.id for node in nodes} == found
    assert len(nodes) == len(found)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("ap:1", "there is no image “ap:1”; did you mean “app:1” or “app:2”?"),
        ("app:3", "there is no image “app:3”; “app” has 1, 2 and latest; “app:*” names all of them"),
        ("nginx", "there is no image “nginx:latest”; “nginx” has 1.27"),
        ("3f2a", "“3f2a” may be any of 2 images: app:1 3f2a9c0000000000 and app:2 3f2a770000000000; type more of it"),
        ("beef", "“beef” is a build parent of app:2, which `docker images` does not list: name app:2"),
        ("zzzz*", "no image has a name like “zzzz*”; `layerscope report` lists what there is"),
        ("nothing like it", "there is no image “nothing like it”; `layerscope report` lists what there is"),
        ("", "an empty name means no image; name one, or use --filter"),
        ("app@sha256:12", "there is no image “app@sha256:12”; did you mean “app” or “app:2” or “app:1”?"),
        ("\x1b[2Jevil\n", "there is no image “␛[2Jevil”; `layerscope report` lists what there is"),
    ],
)
def test_what_is_not_understood_is_one_line_that_helps(graph: LayerGraph, typed: str, says: str) -> None:
    with pytest.raises(SelectionError) as caught:
        select(graph, [typed])
    assert str(caught.value) == says


def test_a_short_name_of_two_images_is_ambiguous() -> None:
    two = replace(HOST, images=(Image(A, tags=("localhost/x:1",)), Image(B, tags=("docker.io/library/x:1",))))
    with pytest.raises(SelectionError, match="may be any of 2 images"):
        select(build_graph(two), ["x:1"])
    assert [node.id for node in select(build_graph(two), ["localhost/x:1"])] == [A]


@given(texts)
def test_nothing_that_is_typed_breaks_it_and_messages_are_printable(typed: str) -> None:
    graph = build_graph(HOSTILE)
    try:
        assert select(graph, [typed])
    except SelectionError as error:
        message = str(error)
    else:
        message = ""
    assert message.isprintable()
    assert len(message) < 1000
