"""How long a report over 1,000 images takes, beside the bare requests that it needs.

    DOCKER_HOST=unix:///… python benchmarks/report_1000.py

Loads 1,000 small images named ``bench-layerscope:…`` if they are not there (a minute),
then times, in turns, best of a few rounds:

    bare       exactly the requests of a report, by http.client over kept-alive connections, nothing parsed
    report     ``python -m layerscope report --json`` as a process of its own, start to end
    docker-py  the same requests through docker-py as it comes

Exit status 1 when the report takes more than 2.5 times the bare requests (the faster of one
connection and as many as the scan uses). Use an engine of your own: ``--remove`` deletes the images again.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import io
import json
import os
import random
import resource
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

import docker

from layerscope.engine.connect import Connection, connect
from layerscope.engine.endpoint import socket_path

LIMIT = 2.5
NAME = "bench-layerscope"


# the images


def archive(count: int) -> bytes:
    """Return a ``docker load`` archive: each image has one of 10 bases, one of 100 runtimes, and a layer of its own."""
    buffer = io.BytesIO()
    manifest = []
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        written: set[str] = set()

        def put(name: str, data: bytes) -> None:
            if name not in written:
                written.add(name)
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))

        for number in range(count):
            steps = [("base", number % 10), ("runtime", number % 100), ("app", number)]
            layers = [_layer(f"{what}-{which}") for what, which in steps]
            history: list[dict[str, Any]] = []
            for what, which in steps:
                history.append(_entry(f"COPY {what}-{which} /srv/{what} # buildkit"))
                history.append(_entry(f"ENV {what.upper()}={which}", empty_layer=True))
            config = json.dumps(
                {
                    "architecture": "amd64",
                    "os": "linux",
                    "config": {"Env": [f"APP={number}"], "Labels": {"org.example.number": str(number)}},
                    "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(layer)}" for layer in layers]},
                    "history": history,
                }
            ).encode()
            for layer in layers:
                put(f"{_digest(layer)}.tar", layer)
            put(f"{_digest(config)}.json", config)
            manifest.append(
                {
                    "Config": f"{_digest(config)}.json",
                    "RepoTags": [f"{NAME}:{number:04}"],
                    "Layers": [f"{_digest(layer)}.tar" for layer in layers],
                }
            )
        put("manifest.json", json.dumps(manifest).encode())
    return buffer.getvalue()


def _layer(name: str) -> bytes:
    data = random.Random(name).randbytes(1000)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo(f"srv/{name}")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def _entry(created_by: str, **more: object) -> dict[str, Any]:
    return {"created": "2024-01-01T00:00:00Z", "created_by": created_by, "comment": "buildkit.dockerfile.v0", **more}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def ours(client: docker.APIClient) -> list[str]:
    """Return the names of the images of this benchmark that are there."""
    return [name for row in client.images(name=NAME) for name in row.get("RepoTags") or []]


def load(client: docker.APIClient, count: int) -> None:
    """Load the images that a report is to be timed over, unless they are there."""
    if len(ours(client)) >= count:
        return
    started = time.perf_counter()
    print(f"loading {count} images …", flush=True)
    with tempfile.TemporaryFile() as file:
        file.write(archive(count))
        file.seek(0)
        for _ in client.load_image(file):
            pass
    print(f"loaded in {time.perf_counter() - started:.0f} s", flush=True)


# what is timed


class Wire(http.client.HTTPConnection):
    """A connection to a Unix socket, or to a host and port."""

    def __init__(self, host: str) -> None:
        self.path = socket_path(host)
        super().__init__("localhost" if self.path else host.removeprefix("tcp://"))

    def connect(self) -> None:
        if self.path is None:
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


def bare(host: str, first: list[str], rest: list[str], connections: int) -> None:
    """Ask for every path, over so many connections, and read the answers."""

    def ask(paths: list[str]) -> None:
        wire = Wire(host)
        for path in paths:
            wire.request("GET", path)
            answer = wire.getresponse()
            answer.read()
            if answer.status != 200:
                sys.exit(f"{path} answered {answer.status}")
        wire.close()

    ask(first)
    threads = [threading.Thread(target=ask, args=(rest[n::connections],)) for n in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def paths_of(conn: Connection, names: list[str]) -> tuple[list[str], list[str]]:
    """Return the paths that a report asks for: those for all, and those for each image."""
    version = f"/v{conn.engine.api_version}"
    manifests = "&manifests=1" if conn.api_at_least((1, 47)) else ""
    shown = "?filters=%7B%22dangling%22%3A+%5B%22true%22%5D%7D" if conn.quirks.ask_listed == "dangling" else ""
    first = ["/version", f"{version}/info", f"{version}/images/json?all=1{manifests}"]
    first += [f"{version}/images/json{shown}"] if conn.quirks.ask_listed != "parents" else []
    first += [f"{version}/containers/json?all=1"]
    return first, [f"{version}/images/{image}/{what}" for image in names for what in ("json", "history")]


def report(host: str) -> None:
    """Run the command, with its output thrown away."""
    subprocess.run(
        [sys.executable, "-m", "layerscope", "--host", host, "report", "--json"], check=True, stdout=subprocess.DEVNULL
    )


def docker_py(host: str) -> None:
    """Ask for the same, through docker-py as it comes."""
    with docker.APIClient(base_url=host, version="auto") as client:
        client.info()
        client.images()
        client.containers(all=True)
        for row in client.images(all=True):
            client.inspect_image(row["Id"])
            client.history(row["Id"])


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Return the wall and the processor seconds (children's too) of doing it once."""

    def processor() -> float:
        both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(usage.ru_utime + usage.ru_stime for usage in both)

    wall, cpu = time.perf_counter(), processor()
    work()
    return time.perf_counter() - wall, processor() - cpu


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default=os.environ.get("DOCKER_HOST"), help="default: DOCKER_HOST")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-docker-py", action="store_true", help="leave out the slow comparison")
    parser.add_argument("--remove", action="store_true", help="delete the images of this benchmark, and time nothing")
    options = parser.parse_args()

    with connect(options.host) as conn:
        host = conn.endpoint.host
        if options.remove:
            for name in ours(conn.client):
                conn.client.remove_image(name)
            return 0
        load(conn.client, options.images)
        by_name = conn.quirks.ask_by_name
        ids = {row["Id"]: row for row in conn.client.images(all=True)}
        first, rest = paths_of(conn, [(row["RepoTags"] or [key])[0] if by_name else key for key, row in ids.items()])
        lanes = conn.requests_in_flight
        print(f"{conn.engine.kind} {conn.engine.version}, {conn.engine.store}: {len(ids)} images")
    works: dict[str, Callable[[], None]] = {
        "bare, 1 connection": lambda: bare(host, first, rest, 1),
        f"bare, {lanes} connections": lambda: bare(host, first, rest, lanes),
        "report": lambda: report(host),
    }
    if not options.no_docker_py:
        works["docker-py"] = lambda: docker_py(host)
    best: dict[str, tuple[float, float]] = {}
    for _ in range(options.rounds):
        for name, work in works.items():
            best[name] = min(best.get(name, (float("inf"), 0.0)), timed(work))
    needed = min(wall for name, (wall, _) in best.items() if name.startswith("bare"))
    print(f"{'':22}{'wall s':>8}{'cpu s':>8}{'× bare':>8}")
    for name, (wall, cpu) in best.items():
        print(f"{name:22}{wall:8.2f}{cpu:8.2f}{wall / needed:8.2f}")
    ratio = best["report"][0] / needed
    print(f"report / bare = {ratio:.2f}, at most {LIMIT}: {'kept' if ratio <= LIMIT else 'MISSED'}")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
