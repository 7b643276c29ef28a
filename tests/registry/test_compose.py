from __future__ import annotations

from pathlib import Path

import pytest

from layerscope.registry.compose import compose_images
from layerscope.registry.errors import RegistryError


def images(tmp_path: Path, text: str, **variables: str) -> list[str]:
    (tmp_path / "compose.yaml").write_text(text)
    return [image.name for image in compose_images(tmp_path / "compose.yaml", variables)]


FILE = """
x-common: &common
  image: registry.corp/base:${VERSION:-1}
  platform: linux/arm64
services:
  web:
    <<: *common
    environment: {A: 1}
  db: {image: "postgres:16"}
  same: {image: postgres:16}
  built: {build: .}
  never: {image: x, pull_policy: never}
  debug: {image: tools, profiles: [debug]}
"""


def test_the_images_of_services_each_once(tmp_path: Path) -> None:
    assert images(tmp_path, FILE) == ["registry.corp/base:1", "postgres:16"]
    assert images(tmp_path, FILE, VERSION="2", COMPOSE_PROFILES="debug,x") == [
        "registry.corp/base:2",
        "postgres:16",
        "tools",
    ]
    found = compose_images(tmp_path / "compose.yaml", {})
    assert [image.platform for image in found] == ["linux/arm64", ""]


@pytest.mark.parametrize(
    ("text", "variables", "found"),
    [
        ("a:$V", {"V": "1"}, "a:1"),
        ("a:${V}", {"V": "1"}, "a:1"),
        ("a:${V-2}", {"V": ""}, "a:"),
        ("a:${V:-2}", {"V": ""}, "a:2"),
        ("a:${V:-${W:-3}}", {}, "a:3"),
        ("a${V:+:x}", {"V": "1"}, "a:x"),
        ("a${V+:x}", {}, "a"),
        ("a:${V?}", {"V": ""}, "a:"),
        ("a:$$V", {"V": "1"}, "a:$V"),
        ("1.10", {}, "1.10"),
        ("on", {}, "on"),
    ],
)
def test_variables_are_put_in(tmp_path: Path, text: str, variables: dict[str, str], found: str) -> None:
    assert images(tmp_path, f"services: {{a: {{image: '{text}'}}}}", **variables) == [found]


def test_dotenv_is_read_and_the_environment_counts_more(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# no\nV='1' \nexport W=2 # two\nX\n")
    assert images(tmp_path, "services: {a: {image: 'a:$V-$W'}}") == ["a:1-2"]
    assert images(tmp_path, "services: {a: {image: 'a:$V-$W'}}", V="9") == ["a:9-2"]


def test_services_extend_and_files_include(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/base.yaml").write_text("services: {b: {image: base, platform: linux/amd64}, c: {extends: b}}")
    text = """
include: [sub/base.yaml]
services:
  a: {extends: {file: sub/base.yaml, service: c}}
  d: {extends: {service: a}, image: own}
"""
    assert images(tmp_path, text) == ["base", "own"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no compose file"),
        ("[]", "no compose file"),
        ("a: [", "no YAML in line 1"),
        ("a: *b", "no YAML in line 1"),
        ("!!python/object/apply:os.system ['true']", "no YAML"),
        ("a: 1", "no services"),
        ("services: {a: 1}", "service a is not there, or no mapping"),
        ("services: {a: {image: [b]}}", "is no text"),
        ("services: {a: {image: '${A'}}", "does not end"),
        ("services: {a: {image: '${A:?set it}'}}", "the variable A is not set: set it"),
        ("services: {a: {extends: b}, b: {extends: a}}", "in a circle"),
        ("services: {a: {extends: 3.5}}", "not there"),
        ("include: [compose.yaml]", "in a circle"),
        ("include: [missing.yaml]", "missing.yaml: no such file"),
        ("services: &a {b: *a}", None),
        pytest.param("a: " + "[" * 5000, "no YAML", id="nested too deeply"),
        pytest.param("#" * (1 << 20) + "#", "larger than 1 MiB", id="too large"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(tmp_path: Path, text: str, why: str | None) -> None:
    if why is None:
        assert images(tmp_path, text) == []
        return
    with pytest.raises(RegistryError, match=why) as caught:
        images(tmp_path, text)
    assert caught.value.wrong_use
    assert str(caught.value).isprintable()
