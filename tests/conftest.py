"""For all tests: schemas hold their documents, tests of one real engine run in one process, no cache is shared."""

from itertools import count

import pytest

from tests.documents import hold_all

hold_all()
_tests = count()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that one test learned of an engine is known to the next; the folder is made only if it is needed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / f"cache-{next(_tests)}"))


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
