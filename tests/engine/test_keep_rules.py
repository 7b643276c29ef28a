"""What keep rules are said to free is freed, on a real engine; more of them: ``python -m dev.keep_sets``."""

from __future__ import annotations

import os

import pytest

from tests.engine.corpus import fill
from tests.engine.keeping import try_rules
from tests.engine.private import PrivateEngine, why_not


@pytest.mark.engine
@pytest.mark.sets
def test_four_random_sets_of_rules_free_what_they_say() -> None:
    reason = why_not()
    if reason:
        if os.environ.get("LAYERSCOPE_REQUIRE_ENGINE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with PrivateEngine() as engine:
        fill(engine.host)
        found = try_rules(engine, 4, "four")
    print(found)
    assert not found.wrong
    assert found.sets == 4
    assert found.exact
