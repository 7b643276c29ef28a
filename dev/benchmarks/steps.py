"""What single steps of the pure rooms cost in CPU time: one line each, with its limit.

    python -m dev.benchmarks.steps

The median of seven rounds, on generated hosts and on text that is hostile by its length. Exit status 1 where one is
above its limit; the limits are of a quiet machine of 2024.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import process_time

from dev.benchmarks.generate import big_host
from layerscope.core.build import build_graph
from layerscope.core.compare import Comparison, relatives
from layerscope.search.fuzzy import WIDEST, Finder
from layerscope.search.query import parse
from layerscope.sources.scanfile import dumps, loads
from layerscope.text import clean, fit, fold_instruction
from layerscope.units import format_size
from layerscope.views.forest import Forest
from layerscope.views.map import lay_out
from layerscope.views.paint import Picture
from layerscope.views.tree import Tree

ROUNDS = 7
NOW = 1_800_000_000


@dataclass(frozen=True)
class Step:
    """Something that is measured, and the CPU time that it may take, in milliseconds."""

    name: str
    limit: float
    run: Callable[[], object]


def _clean(text: str) -> None:
    clean(text)
    fold_instruction(text)


def _fit(text: str) -> None:
    for _ in range(100):
        fit(fold_instruction(text, 200), 40)


def steps() -> Iterator[Step]:
    """Yield what is measured."""
    host = build_graph(big_host(2000, 8000))
    tree = Tree(host)
    tree.fold_all(open_=True)

    def toggle() -> None:
        tree.toggle(0)
        [(row.guides, row.label, row.detail) for row in tree.rows[:60]]

    yield Step("tree of 2,000 images: fold a base", 50, toggle)
    forest = Forest(host)

    def paint() -> None:
        picture = Picture(lay_out(forest, 200, 50))
        [[span.text for span in picture.line(y, None)] for y in range(50)]

    yield Step("map of 2,000 images, 200×50", 50, paint)
    inventory = big_host(5000, 20000)
    host = build_graph(inventory)
    for text in ("api", "older:30d unused", "label:stage=prod", "layer:aa", "-api or >5MB", "team*"):
        yield Step(f"filter 5,000 images: {text}", 30, partial(parse(text, NOW).select, host))
    names = [f"registry.example.org/team{n % 40}/service-{n}:1.{n % 9}"[:WIDEST] for n in range(5000)]
    finder = Finder(names)
    for typed in ("s", "serv", "serv 12", "sv12"):
        yield Step(f"find in 5,000 names: {typed}", 15, partial(finder.find, typed))

    def compare_few() -> None:
        for node in host.images[:200]:
            Comparison(host, [node, *relatives(node, 5)])

    yield Step("compare one of 5,000 images with five, 200 times", 1000, compare_few)

    def compare() -> None:
        many = Comparison(host, host.images[::25])
        [many.shared(one, other) for one in range(200) for other in range(200)]

    yield Step("compare 200 of 5,000 images, each pair", 1000, compare)
    data = dumps(inventory)
    yield Step(f"load a scan of 5,000 images, {len(data) / 1e6:.1f} MB", 2000, lambda: loads(data))
    for unit in ("x", "\n", "\u0301", "日", "\u202e", "RUN |1 ", "a \u0301"):
        long = unit * (100_000 // len(unit))
        yield Step(f"clean 100 kB of {unit!a}", 1000, partial(_clean, long))
        yield Step(f"fit 100 kB of {unit!a} into 40 cells, 100 times", 1000, partial(_fit, long))
    yield Step("10,000 sizes as text", 500, lambda: [format_size(size) for size in range(0, 10_000_000_000, 1_000_000)])


def main() -> int:
    """Measure all and print a table."""
    late = 0
    print(f"{'median':>10} {'limit':>9}  step")
    for step in steps():
        spent = []
        for _ in range(ROUNDS):
            gc.collect()
            begin = process_time()
            step.run()
            spent.append((process_time() - begin) * 1e3)
        late += median(spent) > step.limit
        print(f"{median(spent):7.1f} ms {step.limit:6.0f} ms  {step.name}{'  LATE' * (median(spent) > step.limit)}")
    return int(late > 0)


if __name__ == "__main__":
    sys.exit(main())
