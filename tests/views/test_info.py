"""The info panel: everything there is about a thing, whatever it holds, and IDs whole."""

from __future__ import annotations

from hypothesis import given, settings
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.inventory import Inventory, Platform
from layerscope.units import Units
from layerscope.views.info import LONGEST, MOST, Section, as_text, container_info, image_info, layer_info
from tests.hosts import EVIL, HOSTILE, NOW, SMALL, image_id, layer_digest
from tests.strategies import inventories
from tests.views.forests import host


def lines(sections: tuple[Section, ...]) -> dict[str, str]:
    return {f"{section.heading}: {fact.name}": fact.value for section in sections for fact in section.facts}


def test_an_image_from_its_tags_to_its_labels() -> None:
    app = replace(
        SMALL.images[2],
        digests=("app@sha256:77",),
        author="Ann <a@b>",
        labels=(("stage", "prod"), ("empty", "")),
        os="linux",
        architecture="arm64",
        variant="v8",
    )
    graph = build_graph(replace(SMALL, images=(*SMALL.images[:2], app, SMALL.images[3])))
    sections = image_info(graph.image_by_id[app.id], graph, NOW)
    assert as_text(sections) == (
        "Image\n"
        "  Tags        app:2\n"
        "              app:latest\n"
        f"  ID          {image_id('app2')}\n"
        "  Digests     app@sha256:77\n"
        "  Made        2026-05-25 20:26:40 UTC, 3 days ago\n"
        "  Pull again  yes: a registry had it\n"
        "  Platform    linux/arm64/v8\n"
        "  Author      Ann <a@b>\n"
        "\n"
        "On disk\n"
        "  Size        154 MB (153,600,000 bytes)\n"
        "  Unique      0 B (0 bytes): no other image needs it\n"
        "  Shared      154 MB (153,600,000 bytes)\n"
        "  Layers      3\n"
        "  Counted in  apparent size of the files in the layer\n"
        "\n"
        "Used by\n"
        "  web  running\n"
        "\n"
        "Labels\n"
        "  stage  prod\n"
        "  empty  (empty)\n"
        "\n"
        "History, newest first: 4 entries\n"
        "    6.6 MB  COPY app2 /app\n"
        "       0 B  ENV A=1\n"
        "   30.0 MB  RUN apt-get install -y python3\n"
        "    117 MB  ADD rootfs.tar /\n"
    )
    assert lines(image_info(graph.image_by_id[app.id], graph, NOW, Units.BINARY))["On disk: Size"].startswith("146 MiB")


def test_a_layer_with_what_made_it_and_who_needs_it() -> None:
    graph = build_graph(SMALL)
    deps = graph.image_by_id[image_id("app1")].layers[1]
    found = lines(layer_info(deps, graph, NOW))
    assert found["Layer: Chain ID"] == deps.chain_id
    assert found["Layer: Diff ID"] == layer_digest("d")
    assert found["Layer: Parent layer"] == graph.image_by_id[image_id("base")].layers[0].chain_id
    assert found["Made by: Instruction"] == "RUN apt-get install -y python3"
    assert found["Made by: As recorded"] == "RUN /bin/sh -c apt-get install -y python3 # buildkit"
    assert found["On disk: Size"] == "30.0 MB (30,000,000 bytes)"
    assert found["On disk: Sharing saves"] == "60.0 MB (60,000,000 bytes)"
    assert found["Needed by 3 images: " + image_id("app2")[7:19]] == "app:2"


def test_the_same_content_stored_again_is_named() -> None:
    graph = host("ab", "cb")
    first, second = (layer for layer in graph.layers if layer.diff_id == layer_digest("b"))
    sections = layer_info(first, graph, NOW)
    assert lines(sections)["On disk: Stored again"] == "1 time on other layers, 91 B in all"
    assert second.chain_id in as_text(sections)


def test_what_is_not_known_is_said() -> None:
    graph = host("Za", "")
    node = next(node for node in graph.images if node.layers)
    found = lines(image_info(node, graph, NOW))
    assert (found["On disk: Size"], found["Image: Made"], found["Used by: "]) == ("?", "?", "no container")
    assert found["On disk: Layers"] == "2, 2 of unknown size"
    layer = as_text(layer_info(graph.layers[0], graph, NOW))
    assert "no history for this layer" in layer
    assert "not known" in layer
    assert "none: it is a first layer" in layer


def test_platforms_of_a_multi_platform_image() -> None:
    platforms = (
        Platform("sha256:aa", "linux/amd64", "image", True, 5_000_000, 12_000_000),
        Platform("sha256:bb", "linux/arm64", "image", True, 6_000_000, 0),
        Platform("sha256:cc", "attestation", "attestation", True, 1_601, 0),
        Platform("sha256:dd", "linux/riscv64", "image", False, None, None),
    )
    graph = build_graph(replace(SMALL, images=(replace(SMALL.images[0], platforms=platforms),)))
    found = lines(image_info(graph.images[0], graph, NOW))
    assert found["Platforms: linux/amd64"] == "compressed 5.0 MB, unpacked 12.0 MB"
    assert found["Platforms: linux/arm64"] == "compressed 6.0 MB, not unpacked"
    assert found["Platforms: attestation"] == "compressed 1.6 kB"
    assert found["Platforms: linux/riscv64"] == "not here"


def test_a_container_and_its_image() -> None:
    graph = build_graph(SMALL)
    found = lines(container_info(SMALL.containers[0], graph, NOW))
    assert (found["Container: State"], found["Container: Image"]) == ("running", "app:2")
    gone = replace(SMALL.containers[0], image_id="sha256:gone")
    assert lines(container_info(gone, graph, NOW))["Container: Image"] == "not listed: gone, or a build step"


def test_hostile_text_is_data_and_bounded() -> None:
    labels = tuple((f"{EVIL}{number}", EVIL) for number in range(MOST + 5))
    images = (replace(HOSTILE.images[0], labels=labels, author=EVIL), *HOSTILE.images[1:])
    graph = build_graph(replace(HOSTILE, images=images))
    everything = [image_info(node, graph, NOW) for node in graph.images]
    everything += [layer_info(layer, graph, NOW) for layer in graph.layers]
    everything += [container_info(container, graph, NOW) for container in HOSTILE.containers]
    for sections in everything:
        for section in sections:
            assert len(section.facts) < 3 * MOST
            assert all(fact.name.isprintable() and fact.value.isprintable() for fact in section.facts)
            assert all(len(fact.value) <= LONGEST for fact in section.facts)
        assert as_text(sections).replace("\n", "").isprintable()
    assert any("… and 5 more" in as_text(sections) for sections in everything)


@settings(max_examples=30)
@given(inventories)
def test_any_inventory_has_its_info(inventory: Inventory) -> None:
    graph = build_graph(inventory)
    for node in graph.images:
        assert node.id == "" or any(fact.name == "ID" for fact in image_info(node, graph, NOW)[0].facts)
    for layer in graph.layers:
        assert layer_info(layer, graph, NOW)


def test_an_inferred_instruction_is_marked() -> None:
    graph = build_graph(SMALL)
    graph.layers[0].instruction_is = "inferred"
    assert "inferred" in lines(layer_info(graph.layers[0], graph, NOW))["Made by: Certainty"]


def test_what_an_earlier_run_knew_says_what_was_not_asked_for() -> None:
    known = replace(SMALL, images=tuple(replace(image, remembered=True, last_tagged=None) for image in SMALL.images))
    graph = build_graph(known)
    text = as_text(image_info(graph.images[0], graph, NOW))
    assert "not asked for: these details are from an earlier run; r asks again" in text
    fresh = build_graph(replace(SMALL, images=tuple(replace(image, last_tagged=None) for image in SMALL.images)))
    assert "Tagged last" not in as_text(image_info(fresh.images[0], fresh, NOW))
