"""For all tests: documents are held to their schemas, and tests of one real engine run in one process."""

import pytest

from tests.documents import hold_all

hold_all()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what shares an engine, and the tests of a file, in one worker: each engine is started and filled once."""
    for item in items:
        if item.get_closest_marker("engine"):
            parameters = getattr(item, "callspec", None)
            engine = parameters.params.get("engine_host") if parameters else None
            item.add_marker(
                pytest.mark.xdist_group(engine or (item.nodeid if item.get_closest_marker("sets") else item.path.stem))
            )
