"""For all tests: documents are held to their schemas, and tests of one real engine run in one process."""

import pytest

from tests.documents import hold_all

hold_all()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what shares an engine in one worker, so that each engine is started and filled once."""
    for item in items:
        if item.get_closest_marker("engine"):
            parameters = getattr(item, "callspec", None)
            item.add_marker(
                pytest.mark.xdist_group(parameters.params.get("engine_host", "own") if parameters else "own")
            )
