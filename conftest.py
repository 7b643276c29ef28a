"""For all tests: one profile of Hypothesis, no limit by the clock; what costs much is not done twice."""

import gc
import os
import signal
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

settings.register_profile("layerscope", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("layerscope"), derandomize=True, database=None)
settings.register_profile(
    "mutants", settings.get_profile("ci"), phases=[Phase.explicit, Phase.generate]
)  # a failure is enough, it need not be small
settings.load_profile("ci" if os.environ.get("CI") else "layerscope")

if threading.current_thread() is threading.main_thread():
    # A shell starts what is in its background deaf to the first two, nohup to the last, and so would be all that the
    # tests start.
    deaf = (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGQUIT, signal.SIG_DFL),
        (signal.SIGHUP, signal.SIG_DFL),
    )
    for number, meant in deaf:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, meant)


def pytest_configure(config: pytest.Config) -> None:
    """Compile each module once, here and in what the tests start, where nothing may be left beside the modules."""
    mutants = config.getoption("--hypothesis-profile") == "mutants"  # modules change in less than a second
    if sys.dont_write_bytecode and sys.pycache_prefix is None and not mutants:
        compiled = Path(config.rootpath, ".pytest_cache", "compiled")
        sys.dont_write_bytecode, sys.pycache_prefix = False, str(compiled)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(compiled)


def pytest_collection_finish() -> None:
    """What is loaded by now stays: to look through it for garbage again and again was a sixth of all tests' time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(150_000, 20, 50)  # below what layerscope.collector takes for much
