"""The engine view: our figures beside those the engine gives of itself, and a sentence for each difference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from layerscope.core.graph import ImageNode, LayerGraph, union
from layerscope.core.stores import StoreRules, words_for
from layerscope.inventory import DiskUsage
from layerscope.text import clean
from layerscope.units import Units, count, format_size, format_span, natural_list
from layerscope.views.content import content_missing, unlisted_words

Verdict = Literal["same", "explained", "differs", "ours", "not asked"]

NOT_ASKED = "Not asked yet: the engine works it out on demand only, and that takes it a while."
NOT_SAVED = "The saved scan has no answer to it."


class Figure(Struct, frozen=True):
    """One figure: what we find, what the engine says, and why they differ. Bytes."""

    name: str
    ours: int | None
    """None: we have no such figure."""
    theirs: int | None
    """None: not asked, not answered, or no engine has such a figure."""
    verdict: Verdict
    """``same``; ``explained``: the engine counts other things; ``differs``: it should be the same and is not;
    ``ours``: it has no such figure."""
    sentence: str
    """What the figure is, and what the difference comes from. Clean, one line."""
    ours_is: Literal["", "≥", "≤"] = ""
    """Our figure is a bound only."""

    @property
    def difference(self) -> int | None:
        """The engine's figure less ours."""
        return None if self.ours is None or self.theirs is None else self.theirs - self.ours


class Reconciliation(Struct, frozen=True):
    """Everything that the engine view shows."""

    figures: tuple[Figure, ...]
    notes: tuple[str, ...]
    """What no figure shows. Clean lines."""
    asked: bool
    """Did the engine answer for its disk usage?"""


def reconcile(graph: LayerGraph, units: Units = Units.SI) -> Reconciliation:
    """Return our figures beside the engine's own, as far as it was asked (``inventory.usage``); worked out once."""
    known: dict[Units, Reconciliation] = graph.worked_out.setdefault("reconciled", {})
    if units not in known:
        work = _Work(graph, units)
        known[units] = Reconciliation(tuple(work.figures()), tuple(work.notes()), graph.inventory.usage is not None)
    return known[units]


class _Work:
    def __init__(self, graph: LayerGraph, units: Units) -> None:
        self.graph = graph
        self.units = units
        self.usage: DiskUsage | None = graph.inventory.usage
        self.rules: StoreRules = graph.rules
        self.unique_flaw = words_for(graph.inventory.engine, graph.rules.unique_flaw)
        self.missing = NOT_SAVED if graph.inventory.from_file else NOT_ASKED
        self.shared = dict(self.usage.shared_sizes) if self.usage is not None else {}

    def size(self, size: int) -> str:
        return format_size(size, self.units)

    def figures(self) -> Iterator[Figure]:
        totals, nodes = self.graph.totals, self.graph.images
        yield replace(self.listed(), ours_is=_side(totals.listed_bound))
        yield replace(self.footprint(), ours_is=_side(totals.footprint_bound))
        yield replace(self.saved(), ours_is=_side(totals.saved_bound))
        yield self.reclaimable()
        bounds = {node.unique_bound for node in nodes} - {""}
        yield replace(self.unique(), ours_is=_side(bounds.pop()) if len(bounds) == 1 else "" if not bounds else "≥")
        yield replace(self.shared_sum(), ours_is="" if all(node.sharing_exact for node in nodes) else "≥")
        cache = self.build_cache()
        if cache is not None:
            yield cache
        blobs = self.blobs()
        if blobs is not None:
            yield blobs

    # -- sums of images --------------------------------------------------------------------

    def listed(self) -> Figure:
        totals = self.graph.totals
        ours, theirs = totals.listed, totals.engine_listed
        what = f"Every image in full, as `{self.graph.inventory.engine.kind} images` prints them, summed"
        if theirs is None:
            return self._figure("Sum of sizes", ours, None, "ours", f"{what}; the engine gave no size for some.")
        if theirs == ours:
            return self._figure("Sum of sizes", ours, theirs, "same", f"{what}: a layer counts once for each image.")
        if totals.listed_bound:
            return self._figure("Sum of sizes", ours, theirs, "explained", f"{what}; {self._unknown()}")
        blobs = totals.listed_content
        if blobs is None:
            blobs = sum(node.image.content_size or 0 for node in self.graph.images)
        rest = theirs - ours - blobs
        if rest < 0 or (rest and not self.rules.size_adds):
            return self._figure("Sum of sizes", ours, theirs, "differs", f"{what}; the two should be the same.")
        adds = [f"compressed blobs ({self.size(blobs)})"] if blobs else []
        if rest:
            adds.append(f"{self.rules.size_adds} ({self.size(rest)})")
        text = f"{what}: the engine adds {natural_list(adds)}."
        return self._figure("Sum of sizes", ours, theirs, "explained", text)

    def footprint(self) -> Figure:
        # a containerd store's disk holds content too, which is a figure of its own
        name = "Unpacked layers" if self.rules.keeps_content else "On disk"
        ours = self.graph.totals.footprint
        if self.usage is None:
            return self._figure(name, ours, None, "not asked", f"Every stored layer once. {self.missing}")
        theirs = self.usage.layers_size
        if theirs is None:
            return self._figure(name, ours, None, "ours", "Every stored layer once. This engine does not work it out.")
        if theirs == ours:
            return self._figure(name, ours, theirs, "same", "Every stored layer once: the same to the byte.")
        if not self.rules.total_is_footprint:
            counts = words_for(self.graph.inventory.engine, self.rules.total_counts)
            text = f"Every stored layer once. The engine counts {counts}."
            return self._figure(name, ours, theirs, "explained", text)
        if not self.graph.inventory.complete:
            return self._figure(name, ours, theirs, "explained", "The scan is not complete yet.")
        if self.graph.totals.footprint_bound and theirs > ours:
            return self._figure(name, ours, theirs, "explained", f"Every stored layer once; {self._unknown()}")
        if theirs > ours:
            text = "The engine has layers of no image that was scanned: images came since then, or it kept left-overs."
        else:
            text = "Images that were scanned have gone since: scan again."
        return self._figure(name, ours, theirs, "differs", text)

    def saved(self) -> Figure:
        text = "What storing each layer once saves, instead of once for each image. No engine reports this."
        return self._figure("Saved by sharing", self.graph.totals.saved, None, "ours", text)

    # -- what would come back --------------------------------------------------------------

    def reclaimable(self) -> Figure:
        name, graph = "Reclaimable", self.graph
        used = [node for node in graph.images if node.containers]
        kept = {layer.index for layer in union(used)} | self._under_intermediates()
        back = graph.weigh(layer for layer in graph.layers if layer.index not in kept)
        ours, bound = back.low, _side("" if back.exact and not graph.totals.unknown_images else "≥")
        what = (
            f"What comes back when the {count(len(graph.images) - len(used), 'image')} without a container go, together"
        )
        if self._cache_shares():
            what += " (some of it only once the build cache is pruned)"
        if self.usage is None:
            return self._figure(name, ours, None, "not asked", f"{what}. {self.missing}", bound=bound)
        by_total, by_unique = self._two_ways(used)
        theirs = by_total if self.usage.reclaimable is None else self.usage.reclaimable
        if theirs is None:
            return self._figure(name, ours, None, "ours", f"{what}. The engine gives no such figure.", bound=bound)
        if theirs == ours:
            return self._figure(name, ours, theirs, "same", f"{what}.", bound=bound)
        if theirs < 0:
            why = "The engine's is negative: its sizes of images count what its total leaves out."
        elif theirs == by_total:
            parts = ["what images in use share with each other"] if len(used) > 1 else []
            if self.usage.layers_size != graph.totals.footprint:
                parts.append("whatever else is in its total")
            why = (
                f"The engine takes its total less what is UNIQUE to images in use, so it counts {natural_list(parts)}."
            )
            if not parts:
                why = "The engine takes its total less what is UNIQUE to images in use."
        elif theirs == by_unique:
            why = "The engine adds up what is UNIQUE to each, so it leaves out what only they share with each other."
        else:
            why = "The engine works it out in a way of its own."
        return self._figure(name, ours, theirs, "explained", f"{what}. {why}", bound=bound)

    def _two_ways(self, used: list[ImageNode]) -> tuple[int | None, int]:
        """Return RECLAIMABLE as ``docker system df`` up to 28 works it out, and as Engine 29.4.1 and later do."""
        total = None if self.usage is None else self.usage.layers_size
        in_use = {node.id for node in used}
        by_unique = sum(self._their_unique(node) or 0 for node in self.graph.images if node.id not in in_use)
        return None if total is None else total - sum(self._their_unique(node) or 0 for node in used), by_unique

    def _under_intermediates(self) -> set[int]:
        """The layers that containers of unlisted build steps keep."""
        using = {container.image_id for container in self.graph.orphan_containers}
        stacks = self.graph.stacks
        return {layer.index for image in self.graph.unlisted if image.id in using for layer in stacks.get(image.id, ())}

    # -- shared and unique -----------------------------------------------------------------

    def unique(self) -> Figure:
        name, images = "Sum of UNIQUE", self.graph.images
        ours = sum(node.unique for node in images)
        what = "Layers that one image alone needs"
        if self.usage is None:
            return self._figure(name, ours, None, "not asked", f"{what}. {self.missing}")
        theirs = {node.id: self._their_unique(node) for node in images}
        given = [node for node in images if theirs[node.id] is not None]
        if not given:
            return self._figure(
                name, ours, None, "ours", f"{what}. The engine gives no SHARED SIZE to work it out from."
            )
        total = sum(theirs[node.id] or 0 for node in given)
        less = [node for node in given if (theirs[node.id] or 0) < node.unique]
        more = [node for node in given if (theirs[node.id] or 0) > node.unique]
        if not less and not more and len(given) == len(images):
            return self._figure(name, ours, total, "same", f"{what}: the same for every image.")
        why = []
        if self._shares_nothing():
            why.append("The engine says of every image that it shares nothing.")
        elif more:
            reason = self.unique_flaw or "cause unknown"
            why.append(f"The engine says more of {count(len(more), 'image')}: {reason}.")
        if less:
            own = all(node.intermediates for node in less)
            reason = (
                "counts hidden build steps of an image as other images that share its layers"
                if own
                else "counts images that are not listed as sharers"
            )
            subject = "It" if why else "The engine"
            why.append(f"{subject} says less of {count(len(less), 'image')}: it {reason}.")
        if len(given) < len(images):
            why.append(f"{'It' if why else 'The engine'} says nothing of {count(len(images) - len(given), 'image')}.")
        explained = self._shares_nothing() or not more or bool(self.unique_flaw)
        return self._figure(name, ours, total, "explained" if explained else "differs", f"{what}. {' '.join(why)}")

    def shared_sum(self) -> Figure:
        name, images = "Sum of SHARED", self.graph.images
        ours = sum(node.shared for node in images)
        what = "Counts a shared layer once for each image that has it: it says nothing of the disk"
        if self.usage is None:
            return self._figure(name, ours, None, "not asked", f"{what}. {self.missing}")
        given = [node for node in images if node.id in self.shared]
        if not given:
            return self._figure(name, ours, None, "ours", f"{what}. The engine gives none.")
        theirs = sum(self.shared[node.id] for node in given)
        if theirs == ours:
            return self._figure(name, ours, theirs, "same", f"{what}.")
        if self._shares_nothing():
            why = "The engine answers 0 for every image."
        elif any(node.intermediates for node in images) and theirs > ours:
            why = "The engine counts hidden build steps of an image as other images that share its layers."
        else:
            why = "The engine's differs as its UNIQUE does."
        return self._figure(name, ours, theirs, "explained", f"{what}. {why}")

    def _their_unique(self, node: ImageNode) -> int | None:
        size, shared = node.image.engine_size, self.shared.get(node.id)
        return None if size is None or shared is None else size - shared

    def _shares_nothing(self) -> bool:
        return not any(self.shared.values()) and any(node.shared for node in self.graph.images)

    # -- besides the layers of images ------------------------------------------------------

    def build_cache(self) -> Figure | None:
        name = "Build cache"
        if self.usage is None:
            return self._figure(name, None, None, "not asked", self.missing)
        if self.usage.build_cache is None:
            return None
        records = self.usage.build_cache
        total = sum(record.size for record in records)
        shared = sum(record.size for record in records if record.shared)
        if not shared:
            return self._figure(name, total, total, "same", "No image uses any of it.", bound="")
        if self.rules.build_cache_holds_layers:
            text = (
                f"{self.size(shared)} of the cache are layers of images too, and on disk once: without them it takes "
                f"{self.size(total - shared)}. `docker builder prune -a` reports them as well."
            )
            return self._figure(name, total - shared, total, "explained", text, bound="")
        text = (
            f"{self.size(shared)} of it are marked as shared with images, yet most of that is a copy: "
            f"pruning gives back between {self.size(total - shared)} and {self.size(total)}."
        )
        return self._figure(name, total - shared, total, "explained", text, bound="≥")

    def blobs(self) -> Figure | None:
        content = self.graph.content
        if content is not None:
            listed = self.size(content.listed)
            text = (
                f"Compressed blobs that images reach, each once; {listed} when counted for each image. They come on "
                "top of the layers: a disk holds both."
            )
            return self._figure("Content", content.size, None, "ours", text)
        sizes = [node.image.content_size for node in self.graph.images if node.image.content_size]
        if not sizes:
            return None
        text = (
            "Kept compressed beside the unpacked layers, and not in our figures. Blobs that images share are on disk "
            "once; counted here for each."
        )
        return self._figure("Compressed blobs", sum(sizes), None, "ours", text, bound="≤")

    # -- notes -----------------------------------------------------------------------------

    def notes(self) -> Iterator[str]:
        graph = self.graph
        yield f"Our size of a layer is the {graph.rules.unit}."
        if ahead := graph.inventory.clock_ahead:
            which = "behind" if ahead > 0 else "ahead of"
            yield f"This machine's clock is {format_span(abs(ahead))} {which} the engine's: ages are by the engine's."
        if graph.totals.unknown_layers or graph.totals.unknown_images:
            yield f"Our sizes are lower bounds: {self._unknown()}"
        if graph.hidden_layers:
            known = graph.weigh(graph.hidden_layers)
            size = f"{'' if known.exact else '≥'}{self.size(known.low)}"
            yield (
                f"{count(len(graph.hidden_layers), 'layer')} ({size}) are of build steps alone, which no "
                "listed image needs: stored, but in none of these figures."
            )
        gone = graph.orphan_containers
        if gone:
            names = natural_list([clean(container.name, 40) for container in gone], 3)
            yield (
                f"{count(len(gone), 'container')} ({names}) of images that are not listed: what those keep on "
                "disk beyond the layers here cannot be seen."
            )
        yield from filter(None, (unlisted_words(graph, self.units), self._rest_of_content()))
        if missing := content_missing(graph):
            yield f"Content is {missing}."
        if not graph.disk_rule.once:
            words = graph.disk_rule.words
            yield f"Listed, shared and unique are right as the engine counts; the disk has other figures: {words}."
        if graph.inventory.vanished:
            yield f"{count(graph.inventory.vanished, 'image')} went during the scan."
        if not graph.inventory.complete:
            yield "The scan is not complete: figures are of what is known so far."

    def _rest_of_content(self) -> str:
        """Say what else is in the store's list of blobs: with what images reach it adds up to all of it."""
        content = self.graph.content
        if content is None:
            return ""
        parts = [
            (content.of_steps, "of build steps"),
            (content.of_history, "of the build history, which expires after 48 hours"),
            (content.of_cache, "of the build cache, or of a build, load or pull under way"),
        ]
        said = [f"{self.size(content.total(part))} {what}" for part, what in parts if part]
        return f"Besides, the store lists content: {'; '.join(said)}." if said else ""

    # -- helpers ---------------------------------------------------------------------------

    def _cache_shares(self) -> bool:
        if self.usage is None or not self.graph.rules.build_cache_holds_layers:
            return False
        return any(record.shared for record in self.usage.build_cache or ())

    def _unknown(self) -> str:
        totals = self.graph.totals
        parts = []
        if totals.unknown_layers:
            parts.append(f"the size of {count(totals.unknown_layers, 'layer')}")
        if totals.unknown_images:
            parts.append(f"the layers of {count(totals.unknown_images, 'image')}")
        return (
            f"{natural_list(parts)} {'is' if totals.unknown_layers and not totals.unknown_images else 'are'} not known."
        )

    def _figure(
        self,
        name: str,
        ours: int | None,
        theirs: int | None,
        verdict: Verdict,
        sentence: str,
        bound: Literal["", "≥", "≤"] = "",
    ) -> Figure:
        return Figure(name, ours, theirs, verdict, sentence, bound)


def _side(bound: str) -> Literal["", "≥", "≤"]:
    """Return a bound of a figure; one that may be off on both sides is at least no exact one."""
    return "" if not bound else "≤" if bound == "≤" else "≥"
