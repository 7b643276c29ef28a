"""Everything that is fast, or is not, side by side in one run: as tables, and as a plot.

    python -m dev.benchmarks [--host unix:///…] [--sizes 50,1000] [--rounds 7] [--only "saved scans"] [--readme]

With ``--host`` a real engine is measured too: 1,000 small images are loaded into it unless they are there, so use one
of your own (``python -m dev.benchmarks.report_1000 --remove`` deletes them again). ``--readme`` puts the tables
into README.md, between its two marks, and the plot beside its pictures. Run it on a quiet machine: figures are medians,
and ratios are of one run, but what else runs is in them all the same.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from compileall import compile_dir
from datetime import date
from pathlib import Path

from dev.benchmarks.measuring import Series, machine
from dev.benchmarks.suite import MEASUREMENTS, bench
from dev.benchmarks.tables import plot, table

ROOT = Path(__file__).parents[2]
SIZES = (50, 500, 1000, 5000, 10_000, 20_000, 40_000)
BEGIN, END = "<!-- benchmarks -->\n", "<!-- end of benchmarks -->\n"
PLOT = "screenshots/benchmarks.svg"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default=os.environ.get("DOCKER_HOST", ""), help="default: DOCKER_HOST; or none")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="images, of generated hosts")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", action="append", choices=[title for title, _ in MEASUREMENTS], help="may be repeated")
    parser.add_argument("--plot", type=Path, help="write the plot into this file")
    parser.add_argument("--readme", action="store_true")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    compile_dir(ROOT / "layerscope", quiet=2)
    words = f"{machine()}; medians of {options.rounds}, {date.today().isoformat()}"
    parts, found = [], list[Series]()
    with bench(sizes, options.rounds, options.host) as shared:
        for title, measure in MEASUREMENTS:
            if options.only and title not in options.only:
                continue
            print(f"measuring {title} …", file=sys.stderr, flush=True)
            series = measure(shared)
            found += series
            if series:
                parts.append(table(title, series))
                print(parts[-1], flush=True)
    print(words)
    drawn = plot(found, words)
    if options.plot is not None:
        options.plot.write_text(drawn, encoding="utf-8")
    if options.readme:
        put_into_readme(ROOT / "README.md", parts, words)
        (ROOT / PLOT).write_text(drawn, encoding="utf-8")
    return 0


def put_into_readme(readme: Path, parts: Sequence[str], words: str) -> None:
    """Put the tables between the two marks of a file. Raises ValueError where it has none."""
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{readme} has no {BEGIN.strip()} and {END.strip()}")
    folded = "<details><summary>All figures</summary>"
    body = "\n".join([f"{words}.", "", f"![CPU time by images]({PLOT})", "", folded, "", *parts, "</details>", ""])
    readme.write_text(f"{before}{begin}{body}{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
