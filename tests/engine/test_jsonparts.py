"""Large answers are parsed as the standard library parses them, and never in one go."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.engine import jsonparts
from layerscope.engine.jsonparts import parsed
from tests.replay import NAMES, load_recording

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
)


@pytest.fixture(autouse=True)
def _everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonparts, "SMALL", -1)


def small(body: bytes) -> Any:
    return jsonparts._small(body)


BOTH = st.sampled_from([parsed, small])


@given(BOTH, VALUES, st.sampled_from([None, 1]), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.booleans())
def test_a_value_is_the_same_in_parts(
    parsed: Any, value: Any, indent: int | None, encoding: str, ascii_only: bool
) -> None:
    body = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode(encoding, "surrogatepass")
    assert parsed(body) == json.loads(body)


@given(BOTH, st.text(st.sampled_from('[]{},:"0e-. \n\\uadtrfnlsNI'), max_size=24))
def test_what_is_none_is_refused_as_the_standard_library_refuses_it(parsed: Any, text: str) -> None:
    def answer(of: Any) -> Any:
        try:
            return repr(of(text.encode()))
        except (ValueError, RecursionError):
            return "refused"

    assert answer(parsed) == answer(json.loads)


@pytest.mark.parametrize("name", NAMES)
def test_answers_of_engines_are_the_same(name: str) -> None:
    body = json.dumps(load_recording(name)).encode()
    assert parsed(body) == json.loads(body)


@pytest.mark.parametrize("around", ["%s", '{"a":%s}', '{"a":{"Items":%s,"b":1}}'])
def test_no_item_of_a_list_is_parsed_with_another(monkeypatch: pytest.MonkeyPatch, around: str) -> None:
    """Between two of them other threads get their turn."""
    seen: list[int] = []
    scan = jsonparts._SCAN

    def noted(text: str, at: int) -> tuple[Any, int]:
        value, end = scan(text, at)
        seen.append(end - at)
        return value, end

    monkeypatch.setattr(jsonparts, "_SCAN", noted)
    items = [{"Id": "x" * 40, "Manifests": [{"ID": str(n)}]} for n in range(50)]
    parsed((around % json.dumps(items)).encode())
    assert len([size for size in seen if size > 40]) == len(items)
    assert max(seen) < 2 * 80


def test_deep_nesting_is_refused() -> None:
    for opening in ("[", '{"a":'):
        with pytest.raises((RecursionError, ValueError)):
            parsed((opening * 200_000).encode())


def test_what_is_wrong_is_told_with_its_place() -> None:
    with pytest.raises(ValueError, match=re.escape("neither , nor ] at 2")):
        parsed(b"[1;")
