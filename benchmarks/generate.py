"""Big hosts that no one has to build: a saved scan of as many images and layers as asked for.

    python -m benchmarks.generate --images 5000 --layers 20000 [--seed 1] OUT.scan.json.gz

The host is what a busy shared build machine holds: a few operating systems, runtimes on
them, applications in many versions that share their lower layers, leftovers of rebuilds,
containers, several builders. The same arguments give the same bytes.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

from layerscope.core.chain import EMPTY_DIFF_ID
from layerscope.inventory import Container, Engine, HistoryEntry, Image, Inventory
from layerscope.scanfile import save_inventory

TAKEN_AT = 1_780_000_000
DAY = 86_400
KB, MB = 10**3, 10**6
MOST_LAYERS = 100
"""New layers of one image: overlay2 mounts at most 128 in all."""


def big_host(images: int, layers: int, seed: int = 1) -> Inventory:
    """Return a host with exactly ``images`` listed images on exactly ``layers`` distinct stored layers.

    It is a Docker host on overlay2: sizes are apparent bytes, and the sizes of all
    layers follow from the histories, but for those of a few images by a builder that
    writes none. Build intermediates (unlisted) come on top of ``images``.
    Raises ValueError when the numbers cannot be met.
    """
    if images < 1 or not images <= layers <= images * MOST_LAYERS // 4:
        raise ValueError(f"cannot spread {layers} layers over {images} images: ask for {images} to {images * 25} layers")
    return _Host(images, layers, seed).inventory()


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction of a build: what history says of it, and the layer it made."""

    entry: HistoryEntry | None
    diff_id: str | None = None
    size: int = 0


@dataclass(slots=True)
class Family:
    """The versions of one thing: an operating system, a runtime, or an application."""

    names: tuple[str, ...]
    builder: str
    base: Made | None
    versions: list[Made]
    workdir: str = "/srv/app"


@dataclass(slots=True)
class Made:
    """One image that was built."""

    steps: tuple[Step, ...]
    depth: int
    base: int
    """How many of the steps are its base's."""
    created: int


SYSTEMS = ("debian:bookworm-slim", "ubuntu:24.04", "alpine:3.22", "debian:trixie-slim", "rockylinux:9", "busybox:1.37")
RUNTIMES = ("python", "node", "eclipse-temurin", "golang", "nginx", "postgres", "redis", "ruby", "php", "rust", "dotnet/aspnet")
TEAMS = ("shop", "billing", "search", "platform", "data", "identity", "media", "logistics", "ml", "internal-tools")
NOUNS = ("api", "worker", "web", "gateway", "scheduler", "ingest", "reports", "ledger", "catalogue", "mailer", "cron", "admin")
REGISTRIES = ("", "", "ghcr.io/acme/", "registry.acme.example:5000/", "eu-docker.pkg.example/acme-production/containers/")
PACKAGES = ("ca-certificates", "curl", "git", "libpq5", "libjemalloc2", "tzdata", "imagemagick", "openssh-client", "build-essential")
BUILDERS = ("buildkit",) * 12 + ("classic", "classic", "jib", "jib", "kaniko", "kaniko", "nix", "bazel")


class _Host:
    def __init__(self, images: int, layers: int, seed: int) -> None:
        self.random = random.Random(seed)
        self.seed = seed
        self.count = 0
        self.taken: set[tuple[str, ...]] = set()
        self.copies: list[tuple[str, int]] = []
        self.shelf: list[Image] = []
        self.wanted = images
        self.layers = layers

    # -- what is built, and of how many new layers ------------------------------------------

    def inventory(self) -> Inventory:
        plan = list(self._plan())
        for (family, tagged), new in zip(plan, self._shares(plan), strict=True):
            self._build(family, new, tagged)
        listed = [image for image in self.shelf if image.listed]
        return Inventory(
            engine=Engine(
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
            ),
            images=tuple(sorted(self.shelf, key=lambda image: -(image.created or 0))),
            containers=tuple(self._containers(listed)),
            taken_at=TAKEN_AT,
        )

    def _plan(self) -> Iterator[tuple[Family, bool]]:
        """Yield (family, is it tagged) for each image, bases before what stands on them."""
        pick = self.random
        systems = [Family((name,), "system", None, []) for name in SYSTEMS[: max(1, min(6, self.wanted // 8))]]
        runtimes: list[Family] = []
        left = self.wanted
        for family in systems:
            yield family, True
            left -= 1
        for number in range(min(left, max(1, self.wanted // 12))):
            name = f"{RUNTIMES[number % len(RUNTIMES)]}:{3 + number // len(RUNTIMES)}.{pick.randrange(20)}"
            base = systems[min(number % 7, number % len(systems))].versions[0]
            runtimes.append(Family((name,), "buildkit", base, [], "/"))
            yield runtimes[-1], True
            left -= 1
        while left > 0:
            app = self._application(runtimes, systems)
            for number in range(min(left, 1 + int(pick.paretovariate(0.7)) % 40)):
                yield app, number == 0 or pick.random() > 0.18
                left -= 1

    def _application(self, runtimes: list[Family], systems: list[Family]) -> Family:
        pick = self.random
        builder = pick.choice(BUILDERS)
        base = pick.choice(runtimes if pick.random() < 0.9 else systems).versions[0]
        word = f"{pick.choice(TEAMS)}/{pick.choice(NOUNS)}"
        if pick.random() < 0.1:
            word = f"{word}-{'-'.join(pick.choices(NOUNS, k=5))}-service"
        if any(word == name.rpartition(":")[0] for name in self._names()):
            word = f"{word}-{len(self.shelf)}"
        name = pick.choice(REGISTRIES) + word
        return Family((name,), builder, None if builder == "nix" else base, [], pick.choice(("/srv/app", "/app", "/")))

    def _names(self) -> Iterator[str]:
        return (tag for image in self.shelf[-200:] for tag in image.tags)

    def _shares(self, plan: list[tuple[Family, bool]]) -> list[int]:
        """Return how many new layers each image gets: all together exactly as many as asked for."""
        pick = self.random
        seen: set[int] = set()
        weights = []
        for family, _ in plan:
            first = id(family) not in seen
            seen.add(id(family))
            weights.append(0.01 if family.builder == "system" else pick.uniform(4, 12) if first else pick.uniform(0.2, 5))
        spare = self.layers - len(plan)
        scale = spare / sum(weights)
        shares = [1 + min(MOST_LAYERS // 2, int(weight * scale)) for weight in weights]
        while (rest := self.layers - sum(shares)) > 0:
            for index in pick.sample(range(len(shares)), min(rest, len(shares))):
                shares[index] += 1
        return shares
