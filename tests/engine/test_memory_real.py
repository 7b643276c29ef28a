"""What is remembered, on real engines: after every kind of change the figures are those of a scan without."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from click.testing import CliRunner

from layerscope.cli import cli
from tests.engine.corpus import archive, fill, layer, steps
from tests.engine.private import PrivateEngine, debian_13, why_not

pytestmark = [pytest.mark.engine, pytest.mark.engine_long]

Change = Callable[[docker.APIClient], object]


def _load(client: docker.APIClient) -> None:
    base = layer("m/base", size=30_000)
    for tags, layers in ((["mem:a"], [base, layer("m/a")]), (["mem:b"], [base, layer("m/a"), layer("m/b")])):
        data = archive(tags, layers, steps(*(f"COPY {number} /" for number in range(len(layers)))))
        list(client.load_image(io.BytesIO(data)))


def _build(client: docker.APIClient) -> None:
    dockerfile = io.BytesIO(b"FROM mem:a\nLABEL step=1\nCOPY Dockerfile /one\nLABEL step=2\nCOPY Dockerfile /two\n")
    said = list(client.build(fileobj=dockerfile, tag="mem:built", rm=True, decode=True))
    assert not any("error" in line for line in said), said


def _remove_and_build_again(client: docker.APIClient) -> None:
    client.remove_image("mem:built")
    _build(client)


CHANGES: list[tuple[str, Change]] = [
    ("load", _load),
    ("tag", lambda client: client.tag("mem:a", "other", "name")),
    ("build", _build),
    ("a container", lambda client: client.create_container("mem:b", ["/none"], name="mem-one")),
    ("untag", lambda client: client.remove_image("other:name")),
    ("move a tag", lambda client: client.tag("mem:built", "mem", "a", force=True)),
    ("remove by force what a container uses", lambda client: client.remove_image("mem:b", force=True)),
    ("remove the container", lambda client: client.remove_container("mem-one")),
    ("load what was removed", _load),
    ("remove and build again", _remove_and_build_again),
    ("prune", lambda client: client.prune_images({"dangling": True})),
]
AT_LAST = -2
"""Docker 26.1 answers no more removals on its containerd store once an image that was removed by force is back."""


@pytest.mark.parametrize("containerd", [False, True], ids=["overlay2", "containerd"])
def test_the_figures_are_the_same_after_every_kind_of_change(
    containerd: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason := why_not():
        pytest.skip(f"no private engine: {reason}")
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "DOCKER_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path / name))

    def said(host: str, *args: str) -> str:
        done = CliRunner().invoke(cli, ["--host", host, "report", "--json", "--no-history", *args])
        assert done.exit_code == 0, done.output
        return re.sub(r'"taken_at":"[^"]*"', "", done.stdout)

    with PrivateEngine(root=debian_13() if containerd else None, containerd=containerd) as engine:
        fill(engine.host)
        with docker.APIClient(engine.host, version="auto", timeout=300) as client:
            assert said(engine.host) == said(engine.host, "--no-cache")
            for name, change in CHANGES[: AT_LAST if containerd else None]:
                change(client)
                for _ in range(30):  # an engine collects its garbage when it likes
                    before = said(engine.host, "--no-cache")
                    first, again = said(engine.host), said(engine.host)
                    after = said(engine.host, "--no-cache")
                    if before == after:
                        break
                    time.sleep(0.5)
                assert before == after, name
                assert first == after, name
                assert again == after, name
