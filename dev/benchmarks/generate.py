"""Big hosts that no one has to build: a saved scan of as many images and layers as asked for.

    python -m dev.benchmarks.generate --images 5000 --layers 20000 [--seed 1] OUT.scan.json.gz

The host is what a busy shared build machine holds: a few operating systems, runtimes on
them, applications in many versions that share their lower layers, leftovers of rebuilds,
containers, several builders. The same arguments give the same bytes.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from layerscope.core.chain import EMPTY_DIFF_ID
from layerscope.inventory import Container, Engine, HistoryEntry, Image, Inventory
from layerscope.sources.scanfile import ScanFileError, save_inventory

TAKEN_AT = 1_780_000_000
DAY = 86_400
KB, MB = 10**3, 10**6
MOST_LAYERS = 125
"""In one image: the kernel's limit for overlay2."""

SYSTEMS = ("debian:bookworm-slim", "ubuntu:24.04", "alpine:3.22", "debian:trixie-slim", "rockylinux:9", "busybox:1.37")
RUNTIMES = ("python", "node", "eclipse-temurin", "golang", "nginx", "postgres", "redis", "ruby", "php", "rust")
TEAMS = ("shop", "billing", "search", "platform", "data", "identity", "media", "logistics", "ml", "internal-tools")
NOUNS = ("api", "worker", "web", "gateway", "scheduler", "ingest", "reports", "ledger", "catalogue", "mailer", "cron")
REGISTRIES = ("", "", "ghcr.io/acme/", "registry.acme.example:5000/", "eu-docker.pkg.example/acme-production/images/")
PACKAGES = ("ca-certificates", "curl", "git", "libpq5", "libjemalloc2", "tzdata", "imagemagick", "build-essential")
BUILDERS = ("buildkit",) * 12 + ("classic", "classic", "jib", "jib", "kaniko", "kaniko", "nix")


def big_host(images: int, layers: int, seed: int = 1) -> Inventory:
    """Return a host with exactly ``images`` listed images on exactly ``layers`` distinct stored layers.

    It is a Docker host on overlay2: sizes are apparent bytes, and all layers' sizes
    follow from the histories, but for those of a few images whose builder writes none.
    Build intermediates (unlisted) come on top of ``images``. Raises ValueError
    when so many layers cannot be had, or so few.
    """
    if images < 1 or not images <= layers <= images * 20:
        raise ValueError(f"{images} images need {images} to {images * 20} layers, not {layers}")
    return _Host(images, layers, seed).inventory()


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One instruction of one build, on top of the step before: so it stands for all up to here."""

    entry: HistoryEntry | None
    """What history says of it; None where the builder writes nothing."""
    diff_id: str | None = None
    size: int = 0


@dataclass(slots=True, eq=False)
class Family:
    """The versions of one thing: an operating system, a runtime, or an application."""

    name: str
    """With a tag where there is only one version."""
    builder: str
    base: Family | None = None
    workdir: str = "/srv/app"
    since: int = 0
    versions: list[tuple[Step, ...]] = field(default_factory=list)


class _Host:
    def __init__(self, images: int, layers: int, seed: int) -> None:
        self.images = images
        self.layers = layers
        self.seed = seed
        self.pick = random.Random(seed)
        self.count = 0
        self.shelf: list[Image] = []
        self.image_of: dict[Step, str] = {}
        """The image that ends with a step, where it can be a ParentId."""
        self.copies: list[tuple[str, int]] = []
        self.stored: set[tuple[Step | None, str]] = set()
        """(the step below that made a layer, diff ID): together they are one chain ID."""

    def inventory(self) -> Inventory:
        plan = list(self._plan())
        for (family, last), new in zip(plan, self._shares([family for family, _ in plan]), strict=True):
            self._build(family, new, last)
        engine = Engine(
            kind="docker",
            version="28.5.2",
            api_version="1.51",
            store="overlay2",
            store_kind="graphdriver",
            host="unix:///var/run/docker.sock",
            name="build-01",
            root_dir="/var/lib/docker",
            os="Debian GNU/Linux 12 (bookworm)",
            architecture="x86_64",
        )
        newest_first = tuple(sorted(self.shelf, key=lambda image: -(image.created or 0)))
        return Inventory(engine, newest_first, tuple(self._containers()), TAKEN_AT)

    # -- what is built, on what, and of how many new layers ---------------------------------

    def _plan(self) -> Iterator[tuple[Family, bool]]:
        """Yield (family, is it the newest of it) once for each image, bases before what stands on them."""
        pick, left = self.pick, self.images
        systems = [Family(name, "system", since=900) for name in SYSTEMS[: max(1, min(len(SYSTEMS), left // 8))]]
        runtimes: list[Family] = []
        while left > 0 and len(runtimes) < self.images // 12:
            number = len(runtimes)
            name = f"{RUNTIMES[number % len(RUNTIMES)]}:{9 + number // len(RUNTIMES)}.{pick.randrange(20)}"
            runtimes.append(Family(name, "buildkit", systems[min(number % 7, number % len(systems))], "/", 850))
            left -= 1
        bases = [*systems, *runtimes]
        yield from ((family, True) for family in bases)
        left = self.images - len(bases)
        names: set[str] = set()
        while left > 0:
            family = self._application(runtimes if runtimes and pick.random() < 0.9 else systems, names)
            versions = min(left, 40, int(pick.paretovariate(0.6)))
            yield from ((family, number == versions - 1) for number in range(versions))
            left -= versions

    def _application(self, bases: list[Family], names: set[str]) -> Family:
        pick = self.pick
        builder = "bazel" if pick.random() < 0.02 else pick.choice(BUILDERS)
        base = bases[min(int(pick.paretovariate(0.8)), len(bases)) - 1]
        name = f"{pick.choice(REGISTRIES)}{pick.choice(TEAMS)}/{pick.choice(NOUNS)}"
        if pick.random() < 0.1:
            name += f"-{'-'.join(pick.choices(NOUNS, k=4))}-service"
        while name in names:
            name += f"-{pick.choice(NOUNS)}"
        names.add(name)
        workdir = pick.choice(("/srv/app", "/app", "/opt/service", "/"))
        return Family(name, builder, None if builder == "nix" else base, workdir, pick.randrange(40, 800))

    def _shares(self, plan: list[Family]) -> list[int]:
        """Return how many new layers each image of the plan gets: together exactly as many as are asked for."""
        weights, seen = [], set()
        for family in plan:
            low, high = (0.2, 5) if family in seen else (4, 12)
            weights.append(0 if family.builder == "system" else self.pick.uniform(low, high))
            seen.add(family)
        spare = self.layers - len(plan)
        scale = spare / sum(weights) if sum(weights) else 0
        shares = [1 + min(40, int(weight * scale)) for weight in weights]
        while (rest := self.layers - sum(shares)) > 0:
            for index in self.pick.sample(range(len(shares)), min(rest, len(shares))):
                shares[index] += 1
        return shares

    # -- one build ---------------------------------------------------------------------------

    def _build(self, family: Family, new: int, last: bool) -> None:
        base = family.base.versions[-1] if family.base else ()
        steps = list(base)
        if family.versions:
            old = family.versions[-1][len(base) :]
            steps += old[: self.pick.randrange(len(old))]
            while sum(1 for step in steps if step.diff_id) > MOST_LAYERS - new:
                steps.pop()
        age = family.since * 0.9 ** len(family.versions) * DAY
        created = TAKEN_AT - int(age) - self.pick.randrange(DAY)
        while new:
            step = self._step(family, steps, created, new)
            steps.append(step)
            new -= step.diff_id is not None
        if family.builder not in {"nix", "bazel", "jib"}:
            steps.append(self._metadata(family, created))
        family.versions.append(tuple(steps))
        parent = self._intermediates(family, steps, len(base), created) if family.builder == "classic" else ""
        tags = self._tags(family, last)
        self.image_of[steps[-1]] = self._image(steps, tags, created, parent, listed=True)

    def _tags(self, family: Family, last: bool) -> tuple[str, ...]:
        if ":" in family.name.rpartition("/")[2]:
            return (family.name,)
        if not last and self.pick.random() < 0.2:
            return ()  # a rebuild took the tag
        number = len(family.versions)
        version = f"{1 + number // 9}.{number % 9}.{self.pick.randrange(5)}"
        if len(family.name) > 60:
            version += f"-rc.{self.pick.randrange(9)}-g{self._digest()[7:15]}"
        return (f"{family.name}:{version}", *((f"{family.name}:latest",) if last else ()))

    def _image(self, steps: list[Step], tags: tuple[str, ...], created: int, parent: str, *, listed: bool) -> str:
        name = self._digest()
        size = sum(step.size for step in steps)
        self.shelf.append(
            Image(
                id=name,
                tags=tags,
                digests=tuple(f"{tag.rpartition(':')[0]}@{self._digest()}" for tag in tags[:1] if "." in tag[:20]),
                created=created,
                engine_size=size,
                layers_size=size,
                parent_id=parent,
                listed=listed,
                diff_ids=tuple(step.diff_id for step in steps if step.diff_id),
                history=tuple(step.entry for step in steps if step.entry),
                os="linux",
                architecture="amd64",
                labels=(("org.opencontainers.image.vendor", "Acme"),) if tags else (),
            )
        )
        return name

    def _intermediates(self, family: Family, steps: list[Step], base: int, created: int) -> str:
        """Leave an untagged image for each step but the last, as classic builds do; return the last one's ID."""
        parent = self.image_of.get(steps[base - 1], "") if base else ""
        for end in range(base + 1, len(steps)):
            step = steps[end - 1]
            if step not in self.image_of:
                self.image_of[step] = self._image(steps[:end], (), created, parent, listed=False)
            parent = self.image_of[step]
        return parent

    # -- one step ----------------------------------------------------------------------------

    def _step(self, family: Family, below: list[Step], created: int, new: int) -> Step:
        """Return the next step: what it does, how much it weighs, and what the builder writes of it."""
        pick = self.pick
        if family.builder in {"buildkit", "classic"} and pick.random() < 0.25:
            return self._metadata(family, created)
        kind = pick.choices(("packages", "install", "copy", "lock", "workdir", "touch"), (3, 3, 5, 3, 2, 1))[0]
        what, median, spread = {
            "packages": (f"apt-get update && apt-get install -y {' '.join(pick.sample(PACKAGES, 3))}", 60 * MB, 0.9),
            "install": (pick.choice(("pip install -r requirements.txt", "npm ci --omit=dev", "make")), 45 * MB, 1.3),
            "copy": (f". {family.workdir}", 3 * MB, 1.5),
            "lock": (f"package.json package-lock.json {family.workdir}/", 180 * KB, 1.0),
            "workdir": (family.workdir if family.workdir != "/" else "/usr/src", 0, 0),
            "touch": ("chmod -R g+w /var/cache", 0, 0),
        }[kind]
        if family.builder == "system":
            what, median, spread = f"rootfs-{family.name.replace(':', '-')}.tar.xz /", 60 * MB, 0.6
        size = int(pick.lognormvariate(0, spread) * median)
        diff = self._digest()
        if kind in {"copy", "lock"} and self.copies and pick.random() < 0.06:
            diff, size = pick.choice(self.copies)  # the same files in another image
        elif not size and pick.random() < 0.2:
            diff = EMPTY_DIFF_ID
        under = next((step for step in reversed(below) if step.diff_id), None)
        if (under, diff) in self.stored:
            diff = self._digest()
        self.stored.add((under, diff))
        if kind in {"copy", "lock"}:
            self.copies.append((diff, size))
        return Step(self._entry(family, kind, what, size, created, new), diff, size)

    def _entry(self, family: Family, kind: str, what: str, size: int, created: int, new: int) -> HistoryEntry | None:
        word = {"copy": "COPY", "lock": "COPY", "workdir": "WORKDIR"}.get(kind, "RUN")
        target = what.rpartition(" ")[2]
        match family.builder:
            case "buildkit":
                text = {"RUN": f"RUN /bin/sh -c {what} # buildkit", "COPY": f"COPY {what} # buildkit"}
                return HistoryEntry(text.get(word, f"WORKDIR {what}"), size, created, "buildkit.dockerfile.v0")
            case "classic" if word == "RUN":
                return HistoryEntry(f"/bin/sh -c {what}", size, created)
            case "classic" if word == "WORKDIR":
                return HistoryEntry(f"/bin/sh -c #(nop) WORKDIR {what}", size, created)
            case "classic" | "system":
                add = "COPY" if family.builder == "classic" else "ADD"
                return HistoryEntry(f"/bin/sh -c #(nop) {add} file:{self._digest()[7:]} in {target} ", size, created)
            case "jib":
                comment = ("classes", "resources", "dependencies")[new % 3]
                return HistoryEntry("jib-maven-plugin:3.4.3", size, 0, comment)
            case "nix":
                return HistoryEntry("", size, 1, f"store paths: ['/nix/store/{self._digest()[7:39]}-{self.count}']")
            case "bazel":
                return None
        return HistoryEntry(f"{word} {what}", size)  # kaniko

    def _metadata(self, family: Family, created: int) -> Step:
        text = self.pick.choice(
            (
                'CMD ["./run", "--port", "8080"]',
                "ENV PYTHONUNBUFFERED=1 LANG=C.UTF-8",
                "EXPOSE map[8080/tcp:{}]",
                "LABEL org.opencontainers.image.vendor=Acme",
                "USER app",
            )
        )
        if family.builder == "buildkit":
            return Step(HistoryEntry(text, 0, created, "buildkit.dockerfile.v0"))
        return Step(HistoryEntry(f"/bin/sh -c #(nop)  {text}", 0, created))

    # -- the rest ------------------------------------------------------------------------------

    def _containers(self) -> Iterator[Container]:
        listed = [image for image in self.shelf if image.listed and image.tags]
        for number in range(max(1, self.images // 25)):
            image = self.pick.choice(listed)
            name = image.tags[0].rpartition("/")[2].partition(":")[0]
            state = self.pick.choice(("running", "running", "running", "exited", "created"))
            created = max(image.created or 0, TAKEN_AT - self.pick.randrange(90 * DAY))
            yield Container(self._digest()[7:], f"{name}-{number}", image.id, image.tags[0], state, created)
        yield Container(self._digest()[7:], "left-behind", self._digest(), "gone:1", "exited", TAKEN_AT - 300 * DAY)

    def _digest(self) -> str:
        self.count += 1
        return "sha256:" + sha256(f"{self.seed} {self.count}".encode()).hexdigest()


def main() -> None:
    """Write one host as a saved scan."""
    parser = argparse.ArgumentParser(prog="python -m dev.benchmarks.generate", description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=5000, help="listed images (default: 5000)")
    parser.add_argument("--layers", type=int, default=20000, help="distinct stored layers (default: 20000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("out", metavar="OUT.scan.json.gz")
    args = parser.parse_args()
    try:
        save_inventory(big_host(args.images, args.layers, args.seed), args.out)
    except (ValueError, ScanFileError) as error:
        sys.exit(f"generate: {error}")


if __name__ == "__main__":
    main()
