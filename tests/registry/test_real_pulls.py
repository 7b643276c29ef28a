"""What is said before a pull, against what the registry's log and the store say after it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from layerscope.cli import cli
from tests.registry.private import PrivateRegistry
from tests.registry.pulls import Engine, Pull, run

pytestmark = [pytest.mark.engine, pytest.mark.engine_long]


@pytest.fixture(scope="module")
def engine(pull_host: str, registry: PrivateRegistry) -> Iterator[Engine]:
    engine = Engine(pull_host)
    yield engine
    engine.remove_all(registry.host)


def made(engine: Engine, registry: PrivateRegistry, *, by_api_only: bool) -> list[Pull]:
    engine.remove_all(registry.host)
    pulls = list(run(engine, registry, by_api_only=by_api_only))
    for pull in pulls:
        print(pull)
    return pulls


def test_every_pull_is_as_was_said(engine: Engine, registry: PrivateRegistry) -> None:
    pulls = made(engine, registry, by_api_only=True)
    assert len(pulls) >= 12
    assert [str(pull) for pull in pulls if pull.wrong] == []
    assert any(pull.said.download[0] == pull.said.download[1] for pull in pulls)
    left_open = any(pull.said.download[0] < pull.said.download[1] for pull in pulls)
    assert left_open is (engine.kind != "containerd"), "of a containerd store the graph tells which blobs are here"
    sparse = next(pull for pull in pulls if pull.step == "sparse")
    if engine.kind != "podman":
        assert sparse.said.adds_is == "inferred"
    if engine.kind == "graphdriver":
        assert sparse.grew > (sparse.said.adds or 0), "why no size of a tar is ever called the most that can come"


def test_where_the_engines_memory_can_be_read_the_download_is_exact(engine: Engine, registry: PrivateRegistry) -> None:
    if engine.kind != "graphdriver":
        pytest.skip("only graphdriver engines keep it in files of their own")
    pulls = made(engine, registry, by_api_only=False)
    after_the_first = [pull for pull in pulls if not pull.failed][
        1:
    ]  # without an image nothing proves whose folder it is
    assert {pull.said.download[1] - pull.said.download[0] for pull in after_the_first} == {0}
    assert [str(pull) for pull in pulls if pull.wrong] == []


def test_the_command_only_looks(engine: Engine, registry: PrivateRegistry) -> None:
    engine.remove_all(registry.host)
    before = engine.stored()
    mark = registry.mark()
    names = [f"{registry.host}/base:1", f"{registry.host}/app:1"]
    result = CliRunner().invoke(cli, ["--host", engine.host, "pull-cost", "--json", *names])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [image["name"] for image in found["images"]] == names
    assert found["images"][1]["layers"][0]["comes_with"] == names[0]
    assert engine.stored() == before
    asked = registry.requests(mark)
    assert asked
    assert all(size < 10_000 for _, _, _, size, _ in asked), "no layer was fetched"
