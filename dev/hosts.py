"""Ask about many generated hosts what is exact, and hold it against the truth: ``python -m dev.hosts [NUMBER]``.

Prints a line for honest, lying and blank histories each, with and without the engine's account of its disk; status 1 if
anything that was called exact or a bound is wrong.
"""

from __future__ import annotations

import sys

from tests.core.many import KINDS, run


def main(number: int) -> int:
    wrong = 0
    for kind in KINDS:
        for usage in (True, False):
            found = run(range(number), kind, usage=usage)
            wrong += len(found.wrong)
            print(f"{kind:<6} {'with' if usage else 'without'} disk usage: {found}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1500))
