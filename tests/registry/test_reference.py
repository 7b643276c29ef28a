from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.registry.errors import RegistryError
from layerscope.registry.reference import HUB, parse_reference

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "registry", "path", "tag", "digest"),
    [
        ("alpine", HUB, "library/alpine", "latest", ""),
        ("alpine:3", HUB, "library/alpine", "3", ""),
        ("shop/api", HUB, "shop/api", "latest", ""),
        ("docker.io/alpine", HUB, "library/alpine", "latest", ""),
        ("index.docker.io/shop/api:1", HUB, "shop/api", "1", ""),
        ("localhost/a", "localhost", "a", "latest", ""),
        ("localhost:5000/a:1", "localhost:5000", "a", "1", ""),
        ("registry.corp/team/shop/api:2.4", "registry.corp", "team/shop/api", "2.4", ""),
        ("Corp/api", "Corp", "api", "latest", ""),
        ("[::1]:5000/a", "[::1]:5000", "a", "latest", ""),
        ("[2001:db8::7]/a:x", "[2001:db8::7]", "a", "x", ""),
        (f"alpine@{DIGEST}", HUB, "library/alpine", "", DIGEST),
        (f"r.corp:5000/a:1@{DIGEST}", "r.corp:5000", "a", "1", DIGEST),
        ("a__b/c-d.e", HUB, "a__b/c-d.e", "latest", ""),
    ],
)
def test_names(text: str, registry: str, path: str, tag: str, digest: str) -> None:
    found = parse_reference(text)
    assert (found.registry, found.path, found.tag, found.digest) == (registry, path, tag, digest)
    assert parse_reference(str(found)) == found
    assert found.target == (digest or tag)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "write it like name"),
        ("API", "capital letters"),
        ("shop/API:1", "capital letters"),
        ("a:", "its tag"),
        ("a:b:c", "its tag"),
        ("a@sha256:12", "its digest"),
        ("a@md5:" + "0" * 32, "its digest"),
        ("-a", "write it like name"),
        ("a/../b", "write it like name"),
        ("r.corp:99999/a", "no host name"),
        ("r.corp:0/a", "no host name"),
        ("[zz]:1/a", "no host name"),
        ("[:::1]/a", "no host name"),
        ("http://r.corp/a", "no host name"),
        ("0" * 64, "it is an ID"),
        (DIGEST, "it is an ID"),
        ("a" * 300, "write it like name"),
        ("a" * 5000, "too long"),
        ("a b", "write it like name"),
        ("a\x1b[31m", "write it like name"),
    ],
)
def test_what_is_no_name_is_said_in_a_line(text: str, why: str) -> None:
    with pytest.raises(RegistryError, match=why) as caught:
        parse_reference(text)
    assert caught.value.wrong_use
    assert str(caught.value).isprintable()


@given(st.text(max_size=40) | st.from_regex(r"[a-z.:\[\]@/0-9-]{1,40}", fullmatch=True))
def test_anything_is_a_name_or_a_line(text: str) -> None:
    try:
        found = parse_reference(text)
    except RegistryError as error:
        said = str(error)
    else:
        said = str(found)
        assert parse_reference(said) == found
    assert said.isprintable()
