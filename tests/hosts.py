"""A small host whose every figure can be worked out by hand, and a hostile one."""

from layerscope.inventory import Container, DiskUsage, Engine, HistoryEntry, Image, Inventory

NOW = 1_780_000_000
DAY = 86_400
MB = 1_000_000

ENGINE = Engine("docker", "28.5.2", "1.51", "overlay2", "graphdriver", "unix:///var/run/docker.sock")


def layer_digest(name: str) -> str:
    return "sha256:" + name.encode().hex().rjust(64, "0")


def image_id(name: str) -> str:
    return "sha256:" + name.encode().hex().ljust(64, "0")


def buildkit(text: str, size: int) -> HistoryEntry:
    return HistoryEntry(f"{text} # buildkit", size, NOW - 90 * DAY, "buildkit.dockerfile.v0")


BASE = buildkit("ADD rootfs.tar /", 117 * MB)
DEPS = buildkit("RUN /bin/sh -c apt-get install -y python3", 30 * MB)
APP1, APP2 = buildkit("COPY app1 /app", 1_500), buildkit("COPY app2 /app", 6_600_000)
ENV = HistoryEntry("ENV A=1", 0, NOW, "buildkit.dockerfile.v0")


def image(name: str, *tags: str, layers: str, history: tuple[HistoryEntry, ...], days: int) -> Image:
    """An image of one-letter layers; its Size is that of its history, as on a graphdriver store."""
    size = sum(entry.size for entry in history)
    return Image(
        image_id(name),
        tags=tags,
        created=NOW - days * DAY,
        engine_size=size,
        layers_size=size,
        diff_ids=tuple(map(layer_digest, layers)),
        history=history,
    )


SMALL = Inventory(
    ENGINE,
    images=(
        image("base", "deb:base", layers="b", history=(BASE,), days=150),
        image("app1", "app:1", layers="bdx", history=(BASE, DEPS, ENV, APP1), days=20),
        image("app2", "app:2", "app:latest", layers="bdy", history=(BASE, DEPS, ENV, APP2), days=3),
        image("old", layers="bdyz", history=(BASE, DEPS, ENV, APP2, buildkit("COPY z /", 999_950)), days=4),
    ),
    containers=(Container("c" * 64, "web", image_id("app2"), "app:2", "running"),),
    taken_at=NOW,
    usage=DiskUsage(layers_size=117 * MB + 30 * MB + 1_500 + 6_600_000 + 999_950),
)
"""Listed 575,201,450 (117 + 147.0015 + 153.6 + 154.59995 MB), footprint 154,601,450."""

EVIL = "\x1b]0;x\x07\n[red]\u202e\u200b" + "=" * 100_000
HOSTILE = Inventory(
    Engine("docker", EVIL, "1.51", EVIL, "graphdriver", EVIL),
    images=(
        Image(
            image_id("evil"),
            tags=(f"=cmd|' /C calc'!A0{EVIL}", EVIL),
            created=2**62,
            engine_size=5,
            diff_ids=(layer_digest("e"),),
            history=(HistoryEntry(EVIL, 5, 2**62, EVIL),),
        ),
        Image("=1+1", diff_ids=(layer_digest("e"), EVIL), history=None, note=EVIL),
        Image(EVIL, tags=("日本語" * 40,), note=EVIL),
    ),
    containers=(Container(EVIL, EVIL, image_id("evil"), EVIL, EVIL),),
    taken_at=NOW,
)
"""Text that would act on a terminal, a layout or a spreadsheet; layers and sizes that are not known."""
