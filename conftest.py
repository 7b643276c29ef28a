"""For all tests: one profile of Hypothesis, no limit by the clock on the wall."""

import os

from hypothesis import HealthCheck, Phase, settings

settings.register_profile("layerscope", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("layerscope"), derandomize=True, database=None)
settings.register_profile(
    "mutants", settings.get_profile("ci"), phases=[Phase.explicit, Phase.generate]
)  # a failure is enough, it need not be small
settings.load_profile("ci" if os.environ.get("CI") else "layerscope")
