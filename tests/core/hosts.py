"""Hosts to test with: first what is true of one, then what each kind of engine answers about it.

A :class:`Host` is the truth: images with their layers, the weight of each, and for each
history entry whether it made a layer. :func:`inventory` is what is left of that when an
engine has answered: sizes beside texts, no digests, no empty flags. The engines' rules
are those of moby ``daemon/images/image_history.go``, ``daemon/containerd/image_history.go``
and Podman ``libimage/history.go``; the builders' are named where they are imitated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

from hypothesis import settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from layerscope.inventory import Container, Engine, HistoryEntry, Image, Inventory, StoreKind
from tests.core.model import Path, paths
from tests.picking import pick, shuffled

EMPTY_TAR = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"

THOROUGH = settings(max_examples=300)
"""Many hosts."""

NAMES: dict[StoreKind, str] = {"graphdriver": "overlay2", "containerd": "containerd", "podman": "overlay"}


class Step(Struct, frozen=True):
    """One history entry as the builder wrote it, and its flag: did it make a layer?"""

    text: str
    layer: bool
    comment: str = ""
    created: int | None = 1_700_000_000


class Built(Struct, frozen=True):
    """One true image."""

    id: str
    diff_ids: tuple[str, ...]
    history: tuple[Step, ...]
    tagged: bool = True
    parent_id: str = ""
    unpacked: bool = True
    """False: the containerd store has only its blobs."""

    @property
    def made(self) -> list[int]:
        """The history entries that made layers."""
        return [place for place, step in enumerate(self.history) if step.layer]


class Host(Struct, frozen=True):
    """One true host."""

    store: StoreKind
    weights: dict[str, int]
    """What a diff weighs in the store's unit, where it is stored."""
    images: tuple[Built, ...]
    starts: dict[Path, int]
    """Bytes of the snapshot that a containerd store keeps under a committed layer: the start of its container."""
    containers: tuple[Container, ...] = ()

    def sizes(self) -> dict[Path, int]:
        """Return what each layer weighs on disk: nothing when it is not unpacked."""
        stored = {layer for image in self.images if image.unpacked for layer in paths(image.diff_ids)}
        return {
            layer: self.weights[layer[-1]] if layer in stored else 0
            for image in self.images
            for layer in paths(image.diff_ids)
        }

    def makers(self) -> dict[Path, set[str]]:
        """Return the texts of the entries that made each layer, as the engine counts them off."""
        found: dict[Path, set[str]] = {}
        for image in self.images:
            for place, layer in consumed(self.store, image).items():
                found.setdefault(layer, set()).add(image.history[place].text)
        return found

    def listed(self, image: Built) -> bool:
        """Is it a row of ``docker images``? Untagged parents of others are not."""
        return image.tagged or all(other.parent_id != image.id for other in self.images)


def consumed(store: StoreKind, image: Built) -> dict[int, Path]:
    """Return the layer that each layer-making entry takes, by the engine's walk: Podman's is from the top."""
    layers = paths(image.diff_ids)
    if len(image.made) > len(layers):
        return {}  # the engine gives up
    spare = len(layers) - len(image.made) if store == "podman" else 0
    return {place: layers[spare + number] for number, place in enumerate(image.made)}


def inventory(host: Host) -> Inventory:
    """Return all that an engine of the host's kind can say about it."""
    engine = Engine("docker", "28.5.2", "1.51", NAMES[host.store], host.store, "unix:///var/run/docker.sock")
    return Inventory(engine, tuple(_answer(host, image) for image in host.images), host.containers)


def _answer(host: Host, image: Built) -> Image:
    sizes = host.sizes()
    total = sum(sizes[layer] for layer in paths(image.diff_ids))
    unpacked = total + sum(host.starts.get(layer, 0) for layer in paths(image.diff_ids)) if image.unpacked else 0
    refused = len(image.made) > len(image.diff_ids)
    history = None
    if not refused:
        taken = {place: sizes[layer] for place, layer in consumed(host.store, image).items()}
        history = tuple(
            HistoryEntry(step.text, taken.get(place, 0), step.created, step.comment)
            for place, step in enumerate(image.history)
        )
    return Image(
        id=image.id,
        tags=(f"img:{image.id[7:12]}",) if image.tagged else (),
        engine_size=total + (0 if host.store == "graphdriver" else 2000),
        # containerd counts from the top snapshot, or nothing; Podman gives no such sum
        layers_size=None if host.store == "podman" else unpacked,
        parent_id=image.parent_id,
        listed=host.listed(image),
        diff_ids=image.diff_ids,
        history=history,
        note="the engine refused: too many non-empty layers in History section" if refused else "",
    )


# -- what an engine may leave out --------------------------------------------------------------


@st.composite
def forgetful(draw: st.DrawFn, whole: Inventory) -> Inventory:
    """The same host by an engine or a scan that left things out, its images in another order."""
    images = []
    for image in shuffled(draw, whole.images):
        lost = draw(st.sampled_from(("nothing",) * 4 + ("history", "total", "a size", "inspect", "intermediate")))
        if lost == "intermediate" and not image.listed:
            continue
        images.append(_without(image, lost, draw(st.integers(0, 9))))
    return replace(whole, images=tuple(images))


def _without(image: Image, lost: str, place: int) -> Image:
    match lost:
        case "history":
            return replace(image, history=None, note="the engine refused")
        case "total":
            return replace(image, layers_size=None)
        case "inspect":
            return replace(image, diff_ids=None, history=None)
        case "a size" if image.history:
            place %= len(image.history)
            entry = replace(image.history[place], size=-1)
            return replace(image, history=(*image.history[:place], entry, *image.history[place + 1 :]))
    return image


# -- builders ----------------------------------------------------------------------------------


class Yard:
    """Where hosts are built: hands out layers, IDs and texts, and keeps what was built."""

    def __init__(self, draw: st.DrawFn, store: StoreKind, weights: Sequence[int]) -> None:
        self.draw = draw
        self.store = store
        self.choices = weights
        self.weights = {EMPTY_TAR: min(weights)}
        self.images: list[Built] = []
        self.starts: dict[Path, int] = {}
        self.clock = 1_700_000_000
        self.count = 0

    def pick(self, *values: str) -> str:
        return pick(self.draw, values)

    def flip(self) -> bool:
        return self.draw(st.booleans())

    def times(self, most: int, least: int = 1) -> range:
        return range(self.draw(st.integers(least, most)))

    def fresh(self) -> str:
        self.count += 1
        return "sha256:" + sha256(str(self.count).encode()).hexdigest()

    def diff(self) -> str:
        """A layer's content: now and then one that is somewhere already, or the empty tar."""
        if self.draw(st.integers(0, 3)) == 0:
            return pick(self.draw, sorted(self.weights))
        diff_id = self.fresh()
        self.weights[diff_id] = pick(self.draw, self.choices)
        return diff_id

    def step(self, text: str, layer: bool, comment: str = "", created: int | None = 0) -> Step:
        """An entry whose text is like no other's, dated now unless its builder writes another date."""
        self.clock += 1
        self.count += 1
        numbered = text.replace("%", str(self.count))
        return Step(numbered, layer, comment, self.clock if created == 0 else created)

    def committed(self, below: Sequence[str], *, here: bool = True) -> str:
        """A layer that a container made: never the empty tar, since an unchanged one is not committed.

        ``here``: by this engine, which keeps the start of the container below it.
        """
        while (diff_id := self.diff()) == EMPTY_TAR:
            pass
        layer = (*below, diff_id)
        if (
            here
            and self.store == "containerd"
            and layer not in {path for image in self.images for path in paths(image.diff_ids)}
        ):
            self.starts[layer] = self.draw(st.sampled_from((0, 8192)))
        return diff_id

    def keep(self, diff_ids: Sequence[str], history: Sequence[Step], **more: object) -> Built:
        image = Built(self.fresh(), tuple(diff_ids), tuple(history), **more)  # type: ignore[arg-type]
        self.images.append(image)
        return image


NOTHING = Built("", (), ())
Builder = Callable[[Yard, Built], None]


def buildkit(yard: Yard, base: Built) -> None:
    """BuildKit, ``dockerfile2llb/convert.go``; the exporter adds entries for layers that have none (``writer.go``)."""
    diffs, history = list(base.diff_ids), list(base.history)
    for _ in yard.times(4):
        text = yard.pick(
            "RUN /bin/sh -c make % # buildkit", "COPY %.bin / # buildkit", "WORKDIR /srv/%", "ENV A=%", "CMD %"
        )
        layer = text[:3] not in {"ENV", "CMD"}
        history.append(yard.step(text, layer, "buildkit.dockerfile.v0"))
        diffs += [yard.diff()] if layer else []
    spare = len(diffs) - sum(step.layer for step in history)
    history += [yard.step("exported %", True, "buildkit.exporter.image.v0") for _ in range(spare)]
    yard.keep(diffs, history)


def classic(yard: Yard, base: Built) -> None:
    """The classic builder leaves an image for each step, and no layer where nothing changed (``NewChildImage``)."""
    image = base
    steps = yard.times(4)
    for number in steps:
        text = yard.pick(
            "/bin/sh -c do %",
            "/bin/sh -c #(nop) WORKDIR /%",
            "/bin/sh -c #(nop) COPY % in /",
            "/bin/sh -c #(nop)  ENV A=%",
        )
        layer = "ENV" not in text and yard.flip()
        diffs = (*image.diff_ids, yard.committed(image.diff_ids)) if layer else image.diff_ids
        history = (*image.history, yard.step(text, layer))
        image = yard.keep(diffs, history, parent_id=image.id, tagged=number == steps[-1])


def pulled(yard: Yard, base: Built) -> None:
    """A classic build that was pulled: the same history, and no parents in the store."""
    before, starts = len(yard.images), yard.starts.copy()
    classic(yard, base)
    last = yard.images[-1]
    yard.images[before:] = [replace(last, parent_id="")]
    yard.starts = starts  # its containers started elsewhere


def squash(yard: Yard, base: Built) -> None:
    """``docker build --squash``, ``image_squash.go``: one entry for all that was built, the others made empty."""
    whole = yard.flip()
    history = [replace(step, layer=False) for step in base.history] if whole else list(base.history)
    history += [yard.step(yard.pick("/bin/sh -c do %", "/bin/sh -c #(nop)  ENV A=%"), False) for _ in yard.times(2, 0)]
    comment = "create new from sha256:1" if whole else "merge sha256:1 to sha256:2"
    if len(base.made) > len(base.diff_ids):
        return
    yard.keep((*(() if whole else base.diff_ids), yard.diff()), (*history, yard.step("", True, comment)))


def one_to_one(text: str, comment: str = "", created: int | None = None) -> Builder:
    """Make a builder that appends one entry for each layer and none for anything else."""

    def build(yard: Yard, base: Built) -> None:
        added = [yard.step(text, True, comment, created) for _ in yard.times(3)]
        yard.keep((*base.diff_ids, *(yard.diff() for _ in added)), (*base.history, *added))

    return build


def jib(yard: Yard, base: Built) -> None:
    """Jib, ``BuildImageStep``: fillers for base layers without an entry come after the base's entries."""
    spare = len(base.diff_ids) - len(base.made)
    fillers = [yard.step("", True, "auto-generated by Jib", 0) for _ in range(spare)]
    one_to_one("jib-maven-plugin:3.4.%", "classes", 0)(yard, replace(base, history=(*base.history, *fillers)))


def nix(yard: Yard, base: Built) -> None:
    """nixpkgs ``dockerTools``: one entry for each layer, those of the base too, whose own history is lost."""
    one_to_one("", "store paths: ['/nix/store/%']", 1)(
        yard, replace(base, history=tuple(yard.step("", True, "store paths: []", 1) for _ in base.diff_ids))
    )


def buildpacks(yard: Yard, base: Built) -> None:
    """imgutil ``NormalizedHistory``: a blank entry for each layer instead of all history."""
    blank = replace(base, history=tuple(yard.step("", True, created=315_532_801) for _ in base.diff_ids))
    one_to_one("", created=315_532_801)(yard, blank)


def bazel(yard: Yard, base: Built) -> None:
    """rules_oci: layers and no history for them."""
    yard.keep((*base.diff_ids, *(yard.diff() for _ in yard.times(2))), base.history)


def bare(yard: Yard, base: Built) -> None:
    """buildah --omit-history, and whoever else writes none."""
    yard.keep((*base.diff_ids, yard.diff()), ())


def buildah(yard: Yard, base: Built) -> None:
    """buildah --layers=false: one layer for the whole file; the other instructions are empty entries."""
    before = [yard.step("/bin/sh -c do %", False) for _ in yard.times(2, 0)]
    made = yard.step("/bin/sh -c do %", True)
    yard.keep((*base.diff_ids, yard.committed(base.diff_ids, here=False)), (*base.history, *before, made))


def commit(yard: Yard, base: Built) -> None:
    """``docker commit``: one entry, with a layer if the container changed anything."""
    layer = yard.flip()
    diffs = (*base.diff_ids, yard.committed(base.diff_ids)) if layer else base.diff_ids
    yard.keep(diffs, (*base.history, yard.step("bash", layer)), parent_id=base.id)


def surplus(yard: Yard, base: Built) -> None:
    """Made by hand: more layer entries than layers. A containerd store and Podman take it, and refuse its history."""
    extra = len(base.diff_ids) - len(base.made) + 1
    if yard.store != "graphdriver":
        yard.keep(base.diff_ids, (*base.history, *(yard.step("odd %", True) for _ in range(extra))))


imported = one_to_one("", "Imported from -", 0)
kaniko = one_to_one("RUN make %")
ko = one_to_one("ko build ko://example.com/%", "go build output, at /ko-app/%")
apko = one_to_one("apko", "This is an apko single-layer image", 1)
crane = one_to_one("")

PLAIN: tuple[Builder, ...] = (buildkit, jib, kaniko, ko, apko, crane, nix, buildpacks, imported)
"""Builders that write an entry for each layer, with a text that tells which entries made one."""
ALL: tuple[Builder, ...] = (*PLAIN, classic, pulled, squash, bazel, bare, buildah, commit, surplus)

WEIGHTS: dict[str, tuple[StoreKind, tuple[int, ...]]] = {
    "graphdriver": ("graphdriver", (0, 0, 5, 5, 7)),
    "containerd": ("containerd", (4096, 4096, 8192, 12288)),
    "containerd on xfs": ("containerd", (0, 4096, 4096, 8192)),
    "podman": ("podman", (1024, 1536, 1536, 3072)),
}
"""Few weights, so that sizes alone seldom tell which entry is whose."""


@st.composite
def hosts(
    draw: st.DrawFn, builders: Sequence[Builder] = ALL, stores: Sequence[str] = tuple(WEIGHTS), packed: bool = True
) -> Host:
    """A true host of a few small images on one another, by several builders; ``packed``: some may not be unpacked."""
    store, weights = WEIGHTS[draw(st.sampled_from(tuple(stores)))]
    yard = Yard(draw, store, weights)
    for _ in yard.times(5):
        base = pick(draw, [NOTHING, *yard.images])
        pick(draw, builders)(yard, base)
    if store == "containerd" and packed:
        yard.images = [replace(image, unpacked=draw(st.integers(0, 7)) > 0) for image in yard.images]
    targets = [*(image.id for image in yard.images), "sha256:" + "0" * 64]
    containers = tuple(
        Container(f"c{number}", f"box-{number}", pick(draw, targets), "img", "running") for number in yard.times(2, 0)
    )
    return Host(store, yard.weights, tuple(yard.images), yard.starts, containers)
