"""A removal carried out on an engine that is a few lines of Python: no docker, no screen."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.removal.carry_out import CarriedOut, Step, carry_out, prune
from layerscope.core.removal.measured import UNKNOWN, Freed
from layerscope.core.removal.plan import RemovalPlan, plan
from layerscope.errors import BackendError
from layerscope.inventory import BuildCacheRecord, DiskUsage, Inventory, StoreKind
from tests.core.removals import Host, Made, image_id

HOST = Host((Made("base", "a"), Made("app", "ab"), Made("web", "ac")))


class Fake:
    """Removes what it is asked to, but for what it refuses; its totals are those of our own graph."""

    warning = ""

    def __init__(self, found: Inventory, *, refuses: str = "", cache: tuple[int, ...] = ()) -> None:
        self.inventory = found
        self.refuses = image_id(refuses)
        self.cache = cache
        self.dead = self.busy = False
        self.calls: list[str] = []
        self.listed: list[dict[str, int] | None] = []
        """What :meth:`blobs` answers in turn."""

    def look_again(self) -> Inventory:
        self.calls.append("look")
        if self.dead:
            raise BackendError("nobody listens", "start it")
        return self.inventory

    def usage(self) -> Inventory:
        self.calls.append("usage")
        if self.dead or self.busy:
            raise BackendError("nobody listens" if self.dead else "busy", "")
        graph = build_graph(self.inventory)
        sizes = {layer.size for layer in graph.layers}
        records = (BuildCacheRecord(str(n), (), "regular", "", False, s in sizes, s) for n, s in enumerate(self.cache))
        return replace(self.inventory, usage=DiskUsage(graph.totals.footprint, build_cache=tuple(records)))

    def blobs(self) -> dict[str, int] | None:
        self.calls.append("blobs")
        return self.listed.pop(0) if self.listed else None

    def remove(
        self, plan: RemovalPlan, progress: Callable[[Step], object], cancelled: Callable[[], bool]
    ) -> tuple[Step, ...]:
        steps = []
        for node in plan.removed:
            if cancelled():
                step = Step(node.id, "skipped")
            elif node.id == self.refuses:
                step = Step(node.id, "refused", "no")
            else:
                self.calls.append(f"remove {node.name}")
                self.inventory = replace(
                    self.inventory, images=tuple(i for i in self.inventory.images if i.id != node.id)
                )
                step = Step(node.id, "removed")
            progress(step)
            steps.append(step)
        return tuple(steps)

    def prune_build_cache(self) -> int | None:
        self.calls.append("prune")
        if self.busy:
            raise BackendError("busy", "wait")
        self.cache = ()
        return 999


def carried_out(fake: Fake, *names: str, cancelled: Callable[[], bool] = lambda: False) -> CarriedOut:
    whole = plan(build_graph(fake.inventory), map(image_id, names))
    return carry_out(
        whole,
        fake,
        fake,
        progress=lambda step: fake.calls.append(step.state),
        measuring=lambda: fake.calls.append("measuring"),
        cancelled=cancelled,
    )


def fake_of(store: StoreKind = "graphdriver", *, refuses: str = "", cache: tuple[int, ...] = ()) -> Fake:
    return Fake(replace(HOST, store=store).inventory, refuses=refuses, cache=cache)


def test_the_totals_are_asked_for_before_and_after() -> None:
    fake = fake_of()
    came = carried_out(fake, "app")
    assert fake.calls == ["usage", "remove app:1", "removed", "measuring", "look", "usage"]
    assert (came.lost, came.unmeasured) == (None, "")
    assert came.measured.left == came.plan.frees > 0
    assert came.measured.back == Freed(came.plan.frees, came.plan.frees)
    assert came.measured.held == 0
    assert came.graph is not None
    assert set(came.graph.image_by_id) == {image_id("base"), image_id("web")}


def test_a_refused_image_is_taken_off_what_was_to_go() -> None:
    fake = fake_of(refuses="web")
    came = carried_out(fake, "app", "web")
    assert {step.state for step in came.steps} == {"removed", "refused"}
    assert came.measured.left == came.measured.part.frees < came.plan.frees
    assert [node.name for node in came.measured.part.removed] == ["app:1"]


def test_what_others_took_away_meanwhile_went_too() -> None:
    class Late(Fake):
        def remove(
            self, plan: RemovalPlan, progress: Callable[[Step], object], cancelled: Callable[[], bool]
        ) -> tuple[Step, ...]:
            return tuple(replace(step, state="gone") for step in super().remove(plan, progress, cancelled))

    came = carried_out(Late(HOST.inventory), "app")
    assert [step.state for step in came.steps] == ["gone"]
    assert came.measured.part.removed == came.plan.removed
    assert came.measured.left == came.measured.part.frees > 0


def test_where_totals_say_nothing_the_layers_that_are_gone_are_the_measure() -> None:
    fake = fake_of("containerd")
    came = carried_out(fake, "app")
    assert "usage" not in fake.calls
    assert came.measured.left == came.plan.frees > 0


def test_what_the_build_cache_still_holds_is_told_and_comes_back_with_it() -> None:
    size = plan(build_graph(HOST.inventory), [image_id("app")]).frees
    fake = fake_of(cache=(size,))
    came = carried_out(fake, "app")
    assert came.measured.left == size
    assert (came.measured.back, came.measured.held, came.measured.held_at_most) == (Freed(), size, False)
    pruned = prune(fake, fake)
    assert (pruned.back, pruned.counted, pruned.wrong) == (Freed(size, size), 999, "")


def test_what_the_cache_may_hold_is_told_though_the_engine_gives_no_totals_afterwards() -> None:
    size = plan(build_graph(HOST.inventory), [image_id("app")]).frees
    fake = fake_of(cache=(size,))
    whole = plan(build_graph(fake.inventory), [image_id("app")])
    assert whole.held_by_cache is None

    def busy() -> None:
        fake.busy = True

    came = carry_out(whole, fake, fake, progress=lambda _: None, measuring=busy, cancelled=lambda: False)
    assert (came.measured.left, came.measured.held, came.measured.held_at_most) == (None, size, True)


def test_the_cache_holds_no_more_than_what_went() -> None:
    whole = plan(build_graph(HOST.inventory), [image_id("app"), image_id("web")])
    sizes = tuple(layer.known_size for layer in whole.freed)
    fake = fake_of(refuses="web", cache=sizes)

    def busy() -> None:
        fake.busy = True

    came = carry_out(whole, fake, fake, progress=lambda _: None, measuring=busy, cancelled=lambda: False)
    assert came.measured.held == came.measured.part.frees < sum(sizes)


def test_an_engine_that_is_busy_is_removed_from_all_the_same() -> None:
    fake = fake_of()
    fake.busy = True
    came = carried_out(fake, "app")
    assert [step.state for step in came.steps] == ["removed"]
    assert (came.measured.left, came.measured.back, came.unmeasured) == (None, UNKNOWN, "busy")
    assert came.graph is not None
    assert prune(fake, fake).wrong == "busy; wait"


def test_an_engine_that_is_lost_after_its_cache_was_pruned_says_why() -> None:
    class Dying(Fake):
        def prune_build_cache(self) -> int | None:
            self.dead = True
            return super().prune_build_cache()

    fake = Dying(HOST.inventory)
    pruned = prune(fake, fake)
    assert (pruned.graph, pruned.counted, pruned.wrong) == (None, 999, "")
    assert str(pruned.lost) == "nobody listens; start it"


def test_a_lost_engine_leaves_no_graph_and_says_why() -> None:
    fake = fake_of()
    whole = plan(build_graph(fake.inventory), [image_id("app")])

    def dies() -> None:
        fake.dead = True

    came = carry_out(whole, fake, fake, progress=lambda _: None, measuring=dies, cancelled=lambda: False)
    assert (came.graph, came.measured.left, came.unmeasured) == (None, None, "nobody listens")
    assert came.lost is not None
    assert came.lost.hint == "start it"


def test_nothing_more_is_removed_once_it_is_cancelled() -> None:
    came = carried_out(fake_of(), "app", cancelled=lambda: True)
    assert [step.state for step in came.steps] == ["skipped"]
    assert came.measured.left == 0


def test_a_prune_of_a_store_that_keeps_content_is_measured_by_its_blobs() -> None:
    fake = fake_of("containerd")
    fake.listed = [{"a": 5, "b": 7, "c": 1}, {"b": 7}]
    pruned = prune(fake, fake, content=True)
    assert (pruned.content, pruned.counted, pruned.wrong) == (6, 999, "")
    assert fake.calls == ["blobs", "prune", "blobs", "look"]
    fake.listed = []
    assert prune(fake, fake, content=True).content is None
