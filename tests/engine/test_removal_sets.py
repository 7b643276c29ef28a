"""Plans called exact are, on real engines, for random sets; more of them: ``python -m dev.removal_sets``."""

from __future__ import annotations

import os

import pytest

from tests.engine.corpus import fill
from tests.engine.private import PrivateEngine, debian_13, why_not
from tests.engine.sets import try_sets


@pytest.mark.engine
@pytest.mark.sets
@pytest.mark.parametrize("store", ["overlay2", "containerd"])
def test_ten_random_sets_go_as_their_plans_say(store: str) -> None:
    """overlay2: the machine's own dockerd; containerd: Debian 13's."""
    reason = why_not()
    if reason:
        if os.environ.get("LAYERSCOPE_REQUIRE_ENGINE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    containerd = store == "containerd"
    with PrivateEngine(root=debian_13() if containerd else None, containerd=containerd) as engine:
        fill(engine.host)
        found = try_sets(engine, 10, "ten")
    print(found)
    assert not found.wrong
    assert found.sets == 10
    assert found.exact >= 9
