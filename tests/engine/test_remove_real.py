"""On real engines: what a plan predicts is what goes, to the byte, and what it says would be refused is refused.

By default on a private dockerd (overlay2). To try other stores, name engines to make images on and to
remove them from; only images made here are removed, but nothing else should change there meanwhile:

    LAYERSCOPE_TEST_REMOVAL_HOSTS="unix:///a.sock unix:///b.sock" pytest -m engine_long tests/engine/test_remove_real.py
"""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import docker
import pytest
from docker.errors import APIError
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.core.removal.carry_out import Step
from layerscope.core.removal.measured import Freed, fall
from layerscope.core.removal.plan import RemovalPlan, plan
from layerscope.engine.connect import Connection, connect
from layerscope.engine.remove import EngineRemover
from layerscope.engine.scan import scan
from layerscope.engine.usage import disk_usage
from layerscope.inventory import DiskUsage, Inventory
from layerscope.state.removal_log import RemovalLog
from tests.engine import corpus
from tests.engine.private import PrivateEngine, why_not

pytestmark = [pytest.mark.engine, pytest.mark.engine_long]

GIVEN = os.environ.get("LAYERSCOPE_TEST_REMOVAL_HOSTS", "").split()
SETS = 30
BLOCK = 4096
"""Bytes; the file system's, on all that these tests run on."""


class Bench:
    """An engine with images of ours on it, which can be removed and made again."""

    def __init__(self, host: str, folder: Path | None) -> None:
        self.folder = folder
        """The engine's data, where it is private."""
        self.conn: Connection = connect(host)
        self.client = docker.DockerClient(host, version="auto", timeout=300)
        # layers that nobody else has, not even another run
        self.token = os.environ.get("LAYERSCOPE_TEST_SEED") or secrets.token_hex(4)
        self.host = host
        self.dice = random.Random(self.token)
        self.archives = self._archives()
        self.theirs = {image.id for image in self.inventory.images}
        self.containers: list[str] = []
        self.fill()

    def __repr__(self) -> str:
        return f"<Bench on {self.host}, LAYERSCOPE_TEST_SEED={self.token}>"

    @property
    def private(self) -> bool:
        return self.folder is not None

    @property
    def inventory(self) -> Inventory:
        return scan(self.conn)

    @property
    def graph(self) -> LayerGraph:
        return build_graph(self.inventory)

    def ours(self, graph: LayerGraph) -> list[str]:
        """IDs of the rows that may be removed."""
        return [node.id for node in graph.images if node.id not in self.theirs]

    def fill(self) -> None:
        """Make what is missing.

        A containerd store (28.5) does not let an image that is loaded hold layers that are there already:
        they go with whatever brought them. So there new images are made of new layers once few are left.
        """
        here = [name for row in self.client.api.images() for name in row["RepoTags"] or ()]
        missing = [one for one in self.archives if not any(name.endswith(one[0][0]) for name in here)]
        if self.whole_only:
            if len(self.archives) - len(missing) > 3:
                return
            graph = self.graph
            self.empty()
            self.remove(plan(graph, self.ours(graph)))
            self.token += "n"
            missing = self.archives = self._archives()
        for _, data in missing:
            list(self.client.api.load_image(data))

    @property
    def whole_only(self) -> bool:
        return self.conn.engine.store_kind == "containerd"

    def empty(self) -> None:
        """Remove the containers."""
        for container in self.containers:
            with suppress(APIError):
                self.client.api.remove_container(container, force=True)
        self.containers.clear()

    def build(self) -> None:
        """Make images with a builder, with all that builders leave behind: on a private engine only."""
        if self.private:
            corpus._loaded(self.client)
            corpus._imported(self.client)
            corpus._classic(self.client, self.host)
            corpus._buildkit(self.client, self.host)

    def use(self, *, of_one_name: bool = False) -> None:
        """Make a container of any image, and now and then remove the one before: a few at a time."""
        if len(self.containers) == 3 or (self.containers and self.dice.random() < 0.5):
            self.client.api.remove_container(self.containers.pop(), force=True)
        rows = [row for row in self.client.api.images() if row["Id"] not in self.theirs]
        loaded = [row for row in rows if len(row["RepoTags"] or ()) == 1 and "removal-" in row["RepoTags"][0]]
        image = self.dice.choice(loaded if of_one_name else rows)["Id"]
        with suppress(APIError):  # not every engine makes containers of images that cannot run
            self.containers.append(self.client.api.create_container(image, ["/none"])["Id"])

    def run(self) -> bool:
        """Run a container of an image that nothing was made from; False where that cannot be done."""
        with suppress(APIError):
            run = self.client.containers.run("kit:runs", ["sleep", "1000"], detach=True, network_mode="none")
            self.containers.insert(0, run.id)
            return True
        return False

    def remove(self, found: RemovalPlan) -> tuple[Step, ...]:
        log = RemovalLog(None, self.conn.engine)
        return EngineRemover(self.conn, log).remove(found, lambda step: None, lambda: False)

    def close(self) -> None:
        self.empty()
        if not self.private:
            graph = self.graph
            self.remove(plan(graph, self.ours(graph)))
        self.client.close()
        self.conn.close()

    def _archives(self) -> list[tuple[list[str], bytes]]:
        """Images on three bases that share, branch, repeat and reorder their layers."""
        dice, token = self.dice, self.token
        sizes = {letter: dice.randrange(1, 200_000) for letter in "abcdefgh"} | {"z": 0}
        layers = {
            letter: corpus.layer(*([f"{token}-{letter}"] if size else []), size=size) for letter, size in sizes.items()
        }
        stacks = (
            "a",
            "ab",
            "abc",
            "abd",
            "abdc",
            "acb",
            "acz",
            "aa",
            "d",
            "de",
            "deab",
            "def",
            "g",
            "gz",
            "gh",
            "ghab",
        )
        made = []
        for number, stack in enumerate(stacks):
            tags = [f"removal-{token}:{stack}"]
            if number % 3 == 0:
                tags += [f"removal-{token}:also-{stack}", f"elsewhere.example:5000/removal-{token}/{stack}:1"]
            made.append((tags, self._archive(tags, [layers[letter] for letter in stack], stack)))
        if not self.whole_only:
            twin = [f"removal-{token}:twin"]  # the layers of another, and nothing of its own
            made.append((twin, self._archive(twin, [layers[letter] for letter in "abd"], "twin")))
        return made

    def _archive(self, tags: list[str], layers: Sequence[bytes], what: str) -> bytes:
        texts = [f"COPY {what}-{number} /" for number in range(len(layers))]
        return corpus.archive(tags, list(layers), corpus.steps(*texts, f"ENV TOKEN={self.token}"))


@pytest.fixture(scope="module", params=GIVEN or ["private"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param != "private":
        made = Bench(request.param, None)
        yield made
        made.close()
        return
    reason = why_not()
    if reason:
        if os.environ.get("LAYERSCOPE_REQUIRE_ENGINE") == "1":
            pytest.fail(f"LAYERSCOPE_REQUIRE_ENGINE=1, and no engine could be started: {reason}")
        pytest.skip(f"no engine: {reason}; name one in LAYERSCOPE_TEST_REMOVAL_HOSTS")
    with PrivateEngine() as engine:
        made = Bench(engine.host, engine.folder / "data")
        corpus.fill(engine.host)
        yield made
        made.close()


def layers_size(usage: DiskUsage) -> int:
    assert usage.layers_size is not None
    return usage.layers_size


def test_what_is_predicted_is_what_goes(bench: Bench) -> None:
    """Sets of any images, in use or not: the layers are those predicted, and the bytes by the engine's own total."""
    done = untagged = 0
    while done < SETS or (bench.private and not untagged):
        if done % 8 == 0:
            bench.build()
        bench.fill()
        bench.use()
        graph = bench.graph
        ours = bench.ours(graph)
        found = plan(graph, bench.dice.sample(ours, bench.dice.randint(1, min(9, len(ours)))))
        before = disk_usage(bench.conn)
        steps = bench.remove(found)
        after, left = disk_usage(bench.conn), bench.graph

        assert {(step.image_id, step.state, step.words) for step in steps} == {
            *((node.id, "removed", "") for node in found.removed),
            *((one.image.id, "untagged", "") for one in found.untagged),
        }
        assert left.image_by_id.keys() & {node.id for node in found.images} == {n.id for n in found.blocked_images}
        unnamed = {image.id: image for image in left.inventory.images if not image.listed}
        for one in found.untagged:  # what was made from it has it still, and it has no name left
            assert not unnamed[one.image.id].tags
            assert {child.id for child in one.children} <= left.image_by_id.keys() | unnamed.keys()
        untagged += len(found.untagged)
        for node in found.blocked_images:
            assert left.image_by_id[node.id].image.tags == node.image.tags
        gone = graph.layer_by_chain.keys() - left.layer_by_chain.keys()
        assert gone == {layer.chain_id for layer in found.freed}
        assert graph.totals.footprint - left.totals.footprint == found.frees
        assert found.exact
        _same_total(found, layers_size(before) - layers_size(after))
        done += bool(found.removed)


def _same_total(found: RemovalPlan, fell: int) -> None:
    """The engine's own total must have fallen by the prediction, and by what else it counts on its store."""
    if found.graph.rules.total_is_footprint:
        assert fell == found.frees
    elif found.graph.rules.unit.startswith("disk blocks"):  # compressed blobs are in the total too
        blobs = sum(node.image.content_size or 0 for node in found.removed)
        assert found.frees <= fell <= found.frees + blobs
    else:  # configuration and manifest of each image are in the total too
        assert found.frees <= fell <= found.frees + 20_000 * len(found.removed)


def test_what_is_said_to_be_refused_is_refused_in_these_words(bench: Bench) -> None:
    bench.build()
    bench.fill()
    running = bench.run()
    bench.use(of_one_name=True)
    graph = bench.graph
    refused = set()
    for node in graph.images:
        found = plan(graph, [node.id])
        if node.id not in bench.ours(graph) or found.removed:
            continue
        if len(node.image.tags) > 1:  # by ID another rule comes first, and by name it would lose the name
            continue
        with pytest.raises(APIError) as caught:
            bench.client.api.remove_image(node.id)
        said = {
            blocker.rule
            for blocker in (*found.blocked, *found.untagged)
            if blocker.rule in str(caught.value.explanation)
        }
        assert said, caught.value.explanation
        refused |= said
    assert refused
    if bench.private:
        rules = {graph.rules.stopped_rule, graph.rules.child_rule}
        assert refused == (rules | {graph.rules.running_rule} if running else rules)


def test_with_the_build_cache_pruned_the_disk_has_what_was_predicted(bench: Bench) -> None:
    """Bound: each file and directory that goes gives back its size rounded up to blocks, a directory at least one.

    So the disk's fall is at least the prediction, and at most a block more for each of them.
    """
    if bench.folder is None:
        pytest.skip("only the disk of a private engine can be looked at")
    for container in bench.client.containers.list(all=True):
        container.remove(force=True)
    bench.containers.clear()
    bench.build()
    remover = EngineRemover(bench.conn, RemovalLog(None, bench.conn.engine))
    graph = build_graph(_with_usage(bench))
    # a rebuild leaves the image before it untagged, with the same layers
    kit = {
        n.id for node in graph.images if node.name.startswith("kit:") and node.layers for n in node.layers[-1].images
    }
    if not kit:
        pytest.skip("there is no BuildKit here")
    found = plan(graph, kit)
    assert found.frees > 0
    assert found.frees_at_once is not None
    assert found.frees_at_once < found.frees == found.frees_after_prune
    full = _on_disk(bench.folder)
    at_first = disk_usage(bench.conn)
    bench.remove(found)
    held = _on_disk(bench.folder)
    # by the engine's own figures: so much left the images, and so much of it came back
    gone_first = fall(at_first, disk_usage(bench.conn))
    assert gone_first.low == gone_first.high
    assert found.frees_at_once <= gone_first.low < found.frees
    _is_what_the_disk_gave(gone_first, full, held)
    assert full[0] - held[0] >= found.frees_at_once
    assert full[0] - held[0] < found.frees  # the cache does hold some: the two figures differ for a reason
    with_cache = disk_usage(bench.conn)
    assert remover.prune_build_cache() is not None
    empty = _on_disk(bench.folder)
    _is_what_the_disk_gave(fall(with_cache, disk_usage(bench.conn)), held, empty)
    assert disk_usage(bench.conn).layers_size == with_cache.layers_size
    cache = sum(r.size for r in with_cache.build_cache or () if not r.shared) - (found.frees - found.frees_at_once)
    assert cache >= 0
    fell, inodes = full[0] - empty[0], full[1] - empty[1]
    assert found.frees <= fell <= found.frees + cache + BLOCK * inodes

    # with an empty cache it is all back at once, and nothing else goes with it
    bench.conn.client.post(f"{bench.conn.client.base_url}/build/prune?all=1").raise_for_status()
    graph = build_graph(_with_usage(bench))
    found = plan(graph, [node.id for node in graph.images])
    assert found.frees_at_once == found.frees > 0
    assert found.frees_after_prune is None
    full = _on_disk(bench.folder)
    bench.remove(found)
    empty = _on_disk(bench.folder)
    fell, inodes = full[0] - empty[0], full[1] - empty[1]
    assert found.frees <= fell <= found.frees + BLOCK * inodes


def _is_what_the_disk_gave(measured: Freed, full: tuple[int, int], rest: tuple[int, int]) -> None:
    """Bound: as for a prediction, each file and directory that goes gives back up to a block more than its size."""
    assert measured.low == measured.high
    fell, inodes = full[0] - rest[0], full[1] - rest[1]
    assert measured.low <= fell <= measured.low + BLOCK * inodes


def _with_usage(bench: Bench) -> Inventory:
    return replace(bench.inventory, usage=disk_usage(bench.conn))


def _on_disk(data: Path) -> tuple[int, int]:
    """Return (bytes of blocks, files and directories) of all layers on the disk of an overlay2 store."""
    size = number = 0
    for top in (data / "overlay2").glob("*/diff"):
        for path in (top, *top.rglob("*")):
            size += path.lstat().st_blocks * 512
            number += 1
    return size, number
