"""Everything about one thing, as (name, value) lines under headings: what the info panel shows and copies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from layerscope.core.ages import why_no_age
from layerscope.core.graph import ImageNode, Layer, LayerGraph
from layerscope.core.origin import Again, origin_of
from layerscope.inventory import Container, HistoryEntry, Platform
from layerscope.text import clean, fold_instruction
from layerscope.units import UNKNOWN, Units, count, format_age, format_number, format_size
from layerscope.views.content import content_missing, packed_of
from layerscope.views.history import use_words
from layerscope.views.names import NO_HISTORY, NO_INSTRUCTION, amount, image_label, short_id, unique_amount
from layerscope.views.rmi import pull_line
from layerscope.views.states import state_sentence

LONGEST = 20_000
"""Characters of one value that are shown; an image may carry more."""
MOST = 200
"""Lines of one list that are shown: labels, images."""


AGAIN: Mapping[Again, str] = {
    "yes": "yes: a registry had it",
    "only here": "no: it exists only on this machine, as far as the engine knows",
    "not known": "not known: the engine does not tell whether a registry has it",
}
"""Can an image be pulled again."""


class Fact(Struct, frozen=True):
    """One line."""

    name: str
    """Empty: goes on with the one before."""
    value: str
    """Clean; may be long, and is one line."""
    copies: bool = False
    """Worth copying: an ID, a name, an instruction. What is copied is :attr:`value`."""


class Section(Struct, frozen=True):
    """Lines under one heading."""

    heading: str
    facts: tuple[Fact, ...]


def as_text(sections: Iterable[Section]) -> str:
    """Return sections as plain text, for copying all of it."""
    lines: list[str] = []
    for section in sections:
        lines.append(section.heading)
        width = max((len(fact.name) for fact in section.facts), default=0)
        lines += [f"  {fact.name:<{width}}  {fact.value}".rstrip() for fact in section.facts]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def image_info(node: ImageNode, graph: LayerGraph, now: int, units: Units = Units.SI) -> tuple[Section, ...]:
    """Return everything about an image; ages are counted to ``now``, in Unix seconds."""
    image = node.image
    about = _Facts()
    about.each("Tags", image.tags, none="none: dangling")
    about.add("ID", image.id, copies=True)
    about.each("Digests", image.digests)
    about.add("Made", _moment(image.created, now))
    if why := why_no_age(image.created, now):
        about.add("Age", f"none: {why}")
    if image.last_tagged is not None:
        about.add("Tagged last", f"{_moment(image.last_tagged, now)}: here since then, or longer")
    elif image.remembered:
        about.add("Tagged last", "not asked for: these details are from an earlier run; r asks again")
    origin = origin_of(graph, node)
    about.add("Pull again", AGAIN[origin.again])
    about.add("", pull_line(graph.inventory.engine, origin), copies=True)
    about.add("Platform", "/".join(part for part in (image.os, image.architecture, image.variant) if part))
    about.add("Author", image.author)
    about.add("Parent", image.parent_id, copies=True)
    if node.intermediates:
        about.each("Build steps", [step.id for step in node.intermediates], copies=True)
    if image.read_only:
        about.add("Store", "a read-only one: it cannot be removed, and is not this store's to free")
    about.add("Missing", image.note)
    if graph.seen.images:
        about.add("Seen", use_words(node, graph, now))

    sizes = _Facts()
    sizes.add("Size", _size(node.size if node.known or node.size else None, not node.exact, units))
    if node.sharing_exact:
        sizes.add("Unique", f"{_size(node.unique, False, units)}: no other image needs it")
    else:
        sizes.add("Unique", unique_amount(node, graph.totals.unknown_images, units))
    sizes.add("Shared", _size(node.shared, not node.sharing_exact, units))
    sizes.add("Layers", _layers(node, graph))
    if not graph.rules.image_size_is_layers:
        sizes.add(f"{graph.inventory.engine.kind} images", _size(image.engine_size, False, units))
    if node.content is None and image.content_size is not None:
        sizes.add("Compressed", _size(image.content_size, False, units))
    sizes.add("Counted in", graph.rules.unit)
    if not graph.disk_rule.once:
        sizes.add("The disk", graph.disk_rule.words)

    sections = [about.section("Image"), sizes.section("On disk")]
    if graph.rules.keeps_content:
        sections.append(_content(node, graph, units))
    sections.append(_containers(node.containers, now))
    if image.platforms:
        sections.append(_platforms(image.platforms, units))
    if image.labels:
        labels = _Facts()
        for key, value in image.labels[:MOST]:
            labels.add(clean(key, 200), value or "(empty)", copies=True)
        labels.more(len(image.labels))
        sections.append(labels.section("Labels"))
    if image.history:
        sections.append(_history(image.history, units))
    return tuple(sections)


def layer_info(layer: Layer, graph: LayerGraph, now: int, units: Units = Units.SI) -> tuple[Section, ...]:
    """Return everything about a stored layer; ages are counted to ``now``, in Unix seconds."""
    about = _Facts()
    about.add("Chain ID", layer.chain_id, copies=True)
    about.add("Diff ID", layer.diff_id, copies=True)
    about.add(
        "Parent layer", layer.parent.chain_id if layer.parent is not None else "none: it is a first layer", copies=True
    )
    about.add("Layers below", format_number(layer.depth))
    about.add("Made", _moment(layer.created, now))

    made = _Facts()
    if layer.instruction is None:
        made.add("Instruction", NO_HISTORY)
    else:
        made.add("Instruction", fold_instruction(layer.instruction, LONGEST) or NO_INSTRUCTION, copies=True)
        raw = clean(layer.instruction, LONGEST)
        if raw and raw != made.facts[-1].value:
            made.add("As recorded", raw, copies=True)
        made.add("Comment", layer.comment)
        if layer.instruction_is == "inferred":
            made.add("Certainty", "inferred: the history does not say which entry made which layer")

    sizes = _Facts()
    sizes.add("Size", _size(layer.size, False, units))
    sizes.add("Size is", {"exact": "exact", "inferred": "inferred", "unknown": "not known"}[layer.size_is])
    sizes.add("From", layer.size_from)
    sizes.add("Sharing saves", _size(layer.saves, layer.size is None, units) if layer.shared else "")
    sizes.add("Counted in", graph.rules.unit)
    again = [other for other in (*graph.layers, *graph.hidden_layers) if _same_content(other, layer)]
    if again:
        bytes_ = sum(other.known_size for other in again)
        in_all = amount(bytes_, any(other.size_is != "exact" for other in again), units)
        sizes.add("Stored again", f"{count(len(again), 'time')} on other layers, {in_all} in all")
        for other in again[:MOST]:
            sizes.add("", other.chain_id, copies=True)
        sizes.more(len(again))

    users = _Facts()
    for node in layer.images[:MOST]:
        users.add(short_id(node.id), image_label(node), copies=True)
    users.more(len(layer.images))
    return (
        about.section("Layer"),
        made.section("Made by"),
        sizes.section("On disk"),
        users.section(f"Needed by {count(len(layer.images), 'image')}"),
        *_packed(layer, graph, units),
    )


def container_info(container: Container, graph: LayerGraph, now: int) -> tuple[Section, ...]:
    """Return everything about a container; ages are counted to ``now``, in Unix seconds."""
    node = graph.image_by_id.get(container.image_id)
    facts = _Facts()
    facts.add("Name", container.name, copies=True)
    facts.add("ID", container.id, copies=True)
    facts.add("State", container.state)
    facts.add("Made", _moment(container.created, now))
    facts.add("Made from", container.image, copies=True)
    facts.add("Image", image_label(node) if node is not None else "not listed: gone, or a build step")
    facts.add("Image ID", container.image_id, copies=True)
    return (facts.section("Container"),)


# -- lines ---------------------------------------------------------------------------------


class _Facts:
    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def add(self, name: str, value: str, *, copies: bool = False) -> None:
        """Add a line; none for an empty value."""
        if value:
            self.facts.append(Fact(name, clean(value, LONGEST), copies))

    def each(self, name: str, values: Sequence[str], *, none: str = "", copies: bool = True) -> None:
        """Add a line for each value, the first with the name."""
        for value in values[:MOST]:
            self.facts.append(Fact(name if value is values[0] else "", clean(value, LONGEST), copies))
        self.more(len(values))
        if not values:
            self.add(name, none)

    def more(self, number: int) -> None:
        """Say how many were left out of a list of ``number``."""
        if number > MOST:
            self.facts.append(Fact("", f"… and {format_number(number - MOST)} more"))

    def section(self, heading: str) -> Section:
        return Section(heading, tuple(self.facts))


def _size(size: int | None, at_least: bool, units: Units) -> str:
    """Return ``1.14 GB (1,138,204,417 bytes)``."""
    if size is None or (at_least and not size):
        return UNKNOWN
    return f"{amount(size, at_least, units)} ({count(size, 'byte')})"


def _layers(node: ImageNode, graph: LayerGraph) -> str:
    if not node.layers:
        return state_sentence(node, graph)
    text = format_number(len(node.layers))
    return f"{text}, {format_number(node.unknown_layers)} of unknown size" if node.unknown_layers else text


def _moment(created: int | None, now: int) -> str:
    if created is None:
        return UNKNOWN
    try:
        moment = datetime.fromtimestamp(created, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{created} seconds since 1970"
    if why_no_age(created, now):
        return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    age = format_age(created, now)
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC, {age}{'' if age.startswith('in ') else ' ago'}"


def _containers(containers: Sequence[Container], now: int) -> Section:
    facts = _Facts()
    for container in containers[:MOST]:
        made = "" if container.created is None else f", made {format_age(container.created, now)} ago"
        facts.add(clean(container.name, 60) or short_id(container.id), f"{container.state}{made}")
    facts.more(len(containers))
    if not containers:
        facts.add("", "no container")
    return facts.section("Used by")


def _history(history: Sequence[HistoryEntry], units: Units) -> Section:
    """Every entry as the engine gives them, newest first, those that made no layer too."""
    facts = _Facts()
    for entry in history[::-1][:MOST]:
        text = fold_instruction(entry.created_by, LONGEST) or clean(entry.comment, LONGEST) or NO_INSTRUCTION
        facts.add(format_size(entry.size if entry.size >= 0 else None, units).rjust(8), text, copies=True)
    facts.more(len(history))
    return facts.section(f"History, newest first: {count(len(history), 'entry', 'entries')}")


def _content(node: ImageNode, graph: LayerGraph, units: Units) -> Section:
    """The compressed blobs of an image, and how many images have each."""
    facts, use, content = _Facts(), node.content, graph.content
    if use is None or content is None:
        facts.add("", content_missing(graph))
        return facts.section("Content, compressed")
    facts.add("Stored once", _size(use.size, False, units))
    facts.add("Unique", f"{_size(use.unique, False, units)}: no other image has it")
    facts.add("Shared", _size(use.shared, False, units))
    if use.missing:
        facts.add(
            "Missing", f"{count(use.missing, 'blob')} that it names {'is' if use.missing == 1 else 'are'} not here"
        )
    blobs = sorted(
        (content.blobs[digest] for digest in content.reach(node.id)), key=lambda blob: (-blob.size, blob.digest)
    )
    for blob in blobs[:MOST]:
        who = len(content.users.get(blob.digest, ()))
        shared = f", {count(who, 'image')} have it" if who > 1 else ""
        facts.add(f"{format_size(blob.size, units):>8}", f"{blob.digest}{shared}", copies=True)
    facts.more(len(blobs))
    return facts.section("Content, compressed")


def _packed(layer: Layer, graph: LayerGraph, units: Units) -> Iterator[Section]:
    """The blobs that hold a layer compressed, and every image that has them: more than have the layer, often."""
    packed = packed_of(layer, graph)
    if packed is None or graph.content is None:
        return
    facts = _Facts()
    for digest in packed.digests:
        facts.add(format_size(graph.content.blobs[digest].size, units).rjust(8), digest, copies=True)
    for user in packed.users[:MOST]:
        node = graph.image_by_id.get(user)
        facts.add(short_id(user), image_label(node) if node is not None else "", copies=True)
    facts.more(len(packed.users))
    yield facts.section(f"Content, compressed: kept by {count(len(packed.users), 'image')}")


def _platforms(platforms: Sequence[Platform], units: Units) -> Section:
    facts = _Facts()
    for platform in platforms[:MOST]:
        parts = [f"compressed {format_size(platform.content_size, units)}"]
        parts.append(
            f"unpacked {format_size(platform.unpacked_size, units)}" if platform.unpacked_size else "not unpacked"
        )
        if platform.kind == "attestation":
            parts = parts[:1]
        if not platform.available:
            parts = ["not here"]
        facts.add(clean(platform.name, 60), ", ".join(parts))
        facts.add("", platform.digest, copies=True)
    facts.more(len(platforms))
    return facts.section("Platforms")


def _same_content(one: Layer, other: Layer) -> bool:
    return one is not other and one.diff_id == other.diff_id
