"""Who is missed most: what exists only here before what can be pulled again; a date that is no age is no reason."""

from __future__ import annotations

from layerscope.core.build import build_graph
from layerscope.core.removal.proposal import propose
from layerscope.inventory import Engine, HistoryEntry, Image, Inventory

NOW = 1_800_000_000
DAY = 86_400
MB = 1_000_000
ENGINE = Engine("docker", "28.5.2", "1.51", "overlay2", "graphdriver", "unix:///x")


def image(name: str, *, size: int = MB, days: float = 1, pulled: bool = False, number: int = 0) -> Image:
    number = number or sum(name.encode())
    digests = (f"{name.partition(':')[0]}@sha256:{number:064x}",) if pulled else ()
    chain = f"sha256:{number:064x}"
    tags = (name,) if name != "<none>" else ()
    created = int(NOW - days * DAY)
    entry = HistoryEntry("COPY x", size)
    return Image(f"sha256:{number + 7:064x}", tags, digests, created, size, size, diff_ids=(chain,), history=(entry,))


def names(*images: Image, target: int = MB, spare_local: bool = True) -> list[str]:
    graph = build_graph(Inventory(ENGINE, images, (), NOW))
    return sorted(node.name for node in propose(graph, target, spare_local=spare_local).plan.images)


def test_what_can_be_pulled_again_goes_before_what_exists_only_here() -> None:
    mine, theirs = image("mine:1", size=2 * MB, days=300), image("theirs:1", pulled=True)
    assert names(mine, theirs) == ["theirs:1"]
    assert names(mine, theirs, spare_local=False) == ["mine:1"]


def test_two_that_can_be_pulled_again_go_before_one_that_cannot() -> None:
    images = image("mine:1", size=2 * MB), image("a:1", pulled=True), image("b:1", pulled=True)
    assert names(*images, target=2 * MB) == ["a:1", "b:1"]
    assert names(*images, target=2 * MB, spare_local=False) == ["mine:1"]


def test_a_leftover_is_missed_least_wherever_it_came_from() -> None:
    assert names(image("<none>", number=5), image("theirs:1", pulled=True, days=900)) == ["<none>"]


def test_an_epoch_is_not_older_than_a_year() -> None:
    assert names(image("reproducible:1", days=NOW / DAY), image("old:1", days=400)) == ["old:1"]
    assert names(image("nix:1", days=(NOW - 1) / DAY), image("old:1", days=2)) == ["old:1"]
    assert names(image("older:1", days=500), image("old:1", days=400)) == ["older:1"], "the older of two ages"
