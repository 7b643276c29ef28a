"""What is measured: a name, and a function that measures and returns series. Add a line to :data:`MEASUREMENTS`."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.benchmarks.events import each_event
from dev.benchmarks.floor import floor_command
from dev.benchmarks.generate import big_host
from dev.benchmarks.keys import READY, Session, cases
from dev.benchmarks.measuring import Series, Taken, environment, in_turns, run
from dev.benchmarks.report_1000 import load, ours, paths_of
from dev.benchmarks.screen import MINIMAL, MINIMAL_READY, until
from layerscope.engine.connect import connect
from layerscope.engine.endpoint import socket_path
from layerscope.sources.scanfile import save_inventory

LAYERS_PER_IMAGE = 4
LOADED = 1000
KEYS = ("images, held", "find shop-api", "filter unused >500MB", "sort", "group and back", "to view 3 and back")
SAMPLE, SAMPLE_READY = 58, b"sample host"
"""How many images the sample host has, and what its screen says."""


@dataclass(slots=True)
class Bench:
    """What the measurements share."""

    folder: Path
    sizes: Sequence[int]
    rounds: int
    host: str
    """Address of a real engine to load images into; empty for none."""

    def ours(self, *args: str) -> list[str]:
        """Return the command line of layerscope, as it is installed beside this Python."""
        program = Path(sys.executable).with_name("layerscope")
        return [str(program), *args] if program.exists() else [sys.executable, "-m", "layerscope", *args]

    def env(self, cache: str = "cache") -> dict[str, str]:
        """Return the environment of what is measured; ``cache``: which of our caches it finds."""
        home = self.folder / "home"
        return environment(
            HOME=str(home), XDG_STATE_HOME=str(home / "state"), XDG_CACHE_HOME=str(self.folder / cache), COLUMNS="80"
        )

    def scan(self, size: int) -> Path:
        """Return a generated saved scan of so many images."""
        path = self.folder / f"{size}.scan.json"
        if not path.exists():
            save_inventory(big_host(size, size * LAYERS_PER_IMAGE), path)
        return path


def commands(bench: Bench) -> list[Series]:
    """What docker asks for at every help, beside the import that none can do without."""
    python, plugin = sys.executable, Path(sys.executable).with_name("docker-layerscope")
    found = {
        "python -c 'import click'": [python, "-c", "import click"],
        "--version": bench.ours("--version"),
        "--help": bench.ours("--help"),
    }
    if plugin.exists():
        found["plugin metadata"] = [str(plugin), "docker-cli-plugin-metadata"]
    return in_turns(found, 0, bench.rounds, bench.env())


def saved(bench: Bench) -> list[Series]:
    """Commands on saved scans of each size, and the graph alone."""
    found = []
    for size in bench.sizes:
        scan = str(bench.scan(size))
        load, graph = Series("load", size), Series("graph", size)
        for _ in range(bench.rounds):
            step = [sys.executable, "-m", "dev.benchmarks.core_graph", scan, "1"]
            told = subprocess.run(step, check=True, capture_output=True, text=True, env=environment()).stdout
            seconds = json.loads(told)
            load.taken.append(Taken(seconds["load"], seconds["load"], seconds["memory"]))
            graph.taken.append(Taken(seconds["build"], seconds["build"], seconds["memory"]))
        found += [load, graph]
        works = {
            "report -f": bench.ours("-f", scan, "report", "--json"),
            "plan -f": bench.ours("-f", scan, "plan", "--filter", "unused", "--json"),
        }
        found += in_turns(works, size, bench.rounds, bench.env())
    return found


def scanned(bench: Bench) -> list[Series]:
    """Scans of generated hosts, served as an engine: what the client alone takes, cold and warm."""
    found = []
    for size in bench.sizes:
        with _served(bench, size) as host:
            cold = Series("scan, cold (client)", size)
            for number in range(bench.rounds):
                cache = f"cache-{size}-{number}"
                cold.taken.append(run(bench.ours("-H", host, "report", "--json", "--no-history"), bench.env(cache)))
            warm = bench.ours("-H", host, "report", "--json", "--no-history")
            found += [cold, *in_turns({"scan, warm (client)": warm}, size, bench.rounds, bench.env(f"cache-{size}-0"))]
    return found


@contextmanager
def _served(bench: Bench, size: int) -> Iterator[str]:
    path = bench.folder / f"{size}.sock"
    command = [sys.executable, "-m", "dev.benchmarks.served", str(bench.scan(size)), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as server:
        assert server.stdout is not None
        server.stdout.readline()
        try:
            yield f"unix://{path}"
        finally:
            server.kill()


def real(bench: Bench) -> list[Series]:
    """A real engine with 1,000 images, beside the least that asking takes and beside docker's own commands."""
    if not bench.host:
        return []
    with connect(bench.host) as conn:
        if len(ours(conn.client)) < LOADED:
            load(conn.client, LOADED)
        rows = {row["Id"]: row for row in conn.client.images(all=True)}
        by_name = conn.quirks.ask_by_name
        first, rest = paths_of(conn, [(row["RepoTags"] or [key])[0] if by_name else key for key, row in rows.items()])
        usage = conn.target("/system/df", [("type", "image"), ("type", "build-cache")])
        lanes, sock = conn.requests_in_flight, str(socket_path(conn.endpoint.host))
    plain, language = floor_command(bench.folder, sock, lanes, [*first, *rest])
    floors = {
        f"floor in {language}, all questions": floor_command(bench.folder, sock, lanes, [*first, usage, *rest])[0],
        f"floor in {language}, without the total": plain,
        f"floor in {language}, lists only": floor_command(bench.folder, sock, lanes, first)[0],
    }
    size = len(rows)
    cold, rest_of = Series("report --json, cold", size), []
    report = bench.ours("-H", bench.host, "report", "--json")
    works: dict[str, list[str]] = {
        **floors,
        "report --json, warm": report,
        "report --json --no-total, warm": [*report, "--no-total"],
        "report --json --no-cache": [*report, "--no-cache"],
    }
    if shutil.which("docker"):
        works["docker images"] = ["docker", "-H", bench.host, "images"]
        works["docker system df -v"] = ["docker", "-H", bench.host, "system", "df", "-v"]
    run(report, bench.env("cache-real"))  # what the warm ones remember
    rest_of = [Series(name, size) for name in works]
    for number in range(bench.rounds):
        cold.taken.append(run(report, bench.env(f"cache-real-{number}")))
        for series, command in zip(rest_of, works.values(), strict=True):
            series.taken.append(run(command, bench.env("cache-real")))
    return [cold, *rest_of]


def screens(bench: Bench) -> list[Series]:
    """The first screen that is true, beside the least that an interface with Textual takes."""
    found = []
    minimal = [sys.executable, "-c", MINIMAL]
    hosts = [(SAMPLE, bench.ours("--demo"), SAMPLE_READY)]
    hosts += [(size, bench.ours("-f", str(bench.scan(size))), READY) for size in bench.sizes]
    for size, command, ready in hosts:
        floor, first = Series("a minimal Textual app", size), Series("first screen", size)
        for _ in range(bench.rounds):
            floor.taken.append(until(minimal, bench.env(), MINIMAL_READY))
            first.taken.append(until(command, bench.env(), ready))
        found += [floor, first]
    return found


def keys(bench: Bench) -> list[Series]:
    """What some keys cost in processor time, in the interface on a saved scan of each size."""
    found = []
    for size in bench.sizes:
        session = Session(bench.scan(size), 120, 40)
        try:
            session.start()
            for case in cases(30):
                if case.name in KEYS:
                    seconds = session.measure(case)[0] / 1000
                    found.append(Series(f"a key: {case.name}", size, [Taken(seconds, seconds, session.memory() * 1e6)]))
        finally:
            session.close()
    return found


def changed(bench: Bench) -> list[Series]:
    """What a change on a live engine costs in processor time until it is drawn."""
    found = []
    for size in bench.sizes:
        for name, spent in asyncio.run(each_event(size, size * LAYERS_PER_IMAGE)).items():
            taken = [Taken(milliseconds / 1000, milliseconds / 1000, 0) for milliseconds in spent]
            found.append(Series(f"an event: {name}", size, taken))
    return found


Measure = Callable[[Bench], list[Series]]
MEASUREMENTS: list[tuple[str, Measure]] = [
    ("commands", commands),
    ("saved scans", saved),
    ("first screens", screens),
    ("keys", keys),
    ("events", changed),
    ("scans", scanned),
    ("a real engine", real),
]
"""Title, and what measures it."""


@contextmanager
def bench(sizes: Sequence[int], rounds: int, host: str) -> Iterator[Bench]:
    """Lend a folder for what is measured."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        (Path(folder) / "home").mkdir()
        yield Bench(Path(folder), sizes, rounds, host)
