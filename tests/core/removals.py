"""Hosts to remove images from, and what must come of it, worked out the slow way: sets and loops, nothing of core's.

A layer is named by the diff IDs from the bottom up to it; what it weighs is in its last letter and its depth.
"""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from layerscope.core.chain import EMPTY_DIFF_ID, chain_ids
from layerscope.inventory import Blob, Container, ContentStore, Engine, HistoryEntry, Image, Inventory, StoreKind
from tests.picking import pick, shuffled, some

Path = tuple[str, ...]

DRIVERS = {"graphdriver": "overlay2", "containerd": "containerd", "podman": "overlay"}


def weigh(path: Path) -> int:
    """What a layer weighs: the same diff weighs differently on another parent, and a z weighs nothing."""
    return sum(map(ord, path[-1])) % 7 * 10 ** (len(path) % 4) + len(path) if path[-1] != "z" else 0


def paths(stack: str) -> list[Path]:
    return [tuple(stack[: end + 1]) for end in range(len(stack))]


class Made(Struct, frozen=True):
    """An image, as the truth has it."""

    name: str
    stack: str
    """A letter for each layer, the oldest first."""
    tagged: bool = True
    parent: str = ""
    states: tuple[str, ...] = ()
    """Of its containers."""
    created: int | None = 0


class Host(Struct, frozen=True):
    images: tuple[Made, ...]
    store: StoreKind = "graphdriver"
    orphans: int = 0
    """Containers whose image is gone."""

    @property
    def rows(self) -> dict[str, Made]:
        """By name: what ``docker images`` lists: what has a tag, or nothing made from it."""
        parents = {image.parent for image in self.images}
        return {image.name: image for image in self.images if image.tagged or image.name not in parents}

    @property
    def inventory(self) -> Inventory:
        engine = Engine("docker", "28.5.2", "1.51", DRIVERS[self.store], self.store, "unix:///var/run/docker.sock")
        containers = [
            Container(f"{number:02}{image.name:>062}", f"{image.name}-{number}", image_id(image.name), "", state)
            for image in self.images
            for number, state in enumerate(image.states)
        ]
        containers += [
            Container(f"{n:064}", f"orphan-{n}", image_id("gone"), "gone:1", "exited") for n in range(self.orphans)
        ]
        rows = self.rows
        images = [
            Image(
                image_id(image.name),
                tags=(f"{image.name}:1",) if image.tagged else (),
                created=image.created,
                parent_id=image_id(image.parent) if image.parent else "",
                listed=image.name in rows,
                diff_ids=tuple(map(diff_of, image.stack)),
                history=tuple(
                    HistoryEntry(f"RUN {path[-1]} # buildkit", weigh(path), 1, "buildkit.dockerfile.v0")
                    for path in paths(image.stack)
                ),
                layers_size=sum(map(weigh, paths(image.stack))) if self.store == "graphdriver" else None,
            )
            for image in self.images
        ]
        found = Inventory(engine, tuple(images), tuple(containers))
        return held_as_named(found) if self.store == "containerd" else found


def diff_of(letter: str) -> str:
    """A diff ID; z is the empty archive, the one layer that is known to weigh nothing."""
    return EMPTY_DIFF_ID if letter == "z" else f"sha256:{letter}"


def letter_of(diff_id: str) -> str:
    """What :func:`diff_of` was given."""
    return "z" if diff_id == EMPTY_DIFF_ID else diff_id.removeprefix("sha256:")


def image_id(name: str) -> str:
    return "sha256:" + name.encode().hex().ljust(64, "0")


class Outcome(Struct, frozen=True):
    """What removing a set must come to."""

    gone: frozenset[str]
    """Names of all images that go, rows or not."""
    freed: frozenset[Path]
    """Layers that rows needed and nothing needs any more."""
    hidden: frozenset[Path]
    """Layers that no row needed and nothing needs any more."""
    kept: frozenset[Path]
    """Layers of the set that something still needs."""
    untagged: frozenset[str]
    """Names of the rows that stay without their names."""

    @property
    def frees(self) -> int:
        return sum(map(weigh, self.freed))


def remove(host: Host, names: Iterable[str]) -> Outcome:
    """Work out the removal: whatever may go goes, until nothing more may."""
    wanted = set(names)
    rows = host.rows
    left = {image.name: image for image in host.images}
    while True:
        for image in left.values():
            children = [other for other in left.values() if other.parent == image.name]
            if image.name in rows:
                may = image.name in wanted and not (host.store == "graphdriver" and children)
            elif host.store == "containerd":  # the first that was made from it takes it along
                may = any(other.parent == image.name for other in host.images if other.name not in left)
            else:
                may = not children
            if may and not image.states:
                del left[image.name]
                break
        else:
            break
    needed = {path for image in left.values() for path in paths(image.stack)}
    of_rows = {path for image in rows.values() for path in paths(image.stack)}
    of_all = {path for image in host.images for path in paths(image.stack)}
    of_set = {path for name in wanted for path in paths(rows[name].stack)}
    untagged = {
        name
        for name in wanted & left.keys()
        if host.store == "graphdriver" and left[name].tagged and not left[name].states
    }
    return Outcome(
        untagged=frozenset(untagged),
        gone=frozenset(image.name for image in host.images) - left.keys(),
        freed=frozenset(of_rows - needed),
        hidden=frozenset(of_all - of_rows - needed),
        kept=frozenset(of_set & needed),
    )


STORES: tuple[StoreKind, ...] = ("graphdriver", "containerd", "podman")
CREATED = st.none() | st.integers(0, 9)


def held_as_named(inventory: Inventory) -> Inventory:
    """Return the inventory with a reference graph by which every image holds the layers that it names."""
    blobs = tuple(
        Blob(image.id, 0, snapshots=chain_ids(image.diff_ids)[-1:] if image.diff_ids else ())
        for image in inventory.images
    )
    return replace(inventory, content=ContentStore(blobs, build_history=(), build_cache=()))


@st.composite
def hosts(draw: st.DrawFn, stores: tuple[StoreKind, ...] = STORES, most: int = 9) -> Host:
    """Hosts of images on chains that they share, some made from others, some of those untagged, some in use.

    Mostly a child has its parent's layers and more, as builders make it; sometimes not, as a squashed one.
    """
    store = draw(st.sampled_from(stores))
    letters = "abz" if store == "graphdriver" else "abc"  # elsewhere every layer weighs something
    images: list[Made] = []
    for number in range(draw(st.integers(1, most))):
        base = pick(draw, [None, *images])
        more = draw(st.text(letters, max_size=3))
        parent = base.name if base is not None and draw(st.booleans()) else ""
        squashed = bool(parent) and draw(st.integers(0, 9)) == 0
        stack = more if base is None or squashed else base.stack + more
        states = tuple(some(draw, ("running", "exited", "created", "paused"), 2, twice=True))
        images.append(
            Made(
                f"i{number}",
                stack,
                tagged=draw(st.booleans()),
                parent=parent,
                states=states if draw(st.integers(0, 3)) == 0 else (),
                created=draw(CREATED),
            )
        )
    return Host(tuple(shuffled(draw, images)), store, pick(draw, (0, 0, 1)))


@st.composite
def hosts_and_sets(draw: st.DrawFn, number: int = 1) -> tuple[Host, ...]:
    """A host and ``number`` sets of its rows, as lists of names."""
    host = draw(hosts())
    names = sorted(host.rows)
    sets = [some(draw, names) for _ in range(number)]
    return (host, *sets)  # type: ignore[return-value]
