"""Answers of an engine read into records: nothing crashes on a missing or odd field, nothing unknown becomes zero."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec.structs import replace

from layerscope.core.stores import STORES
from layerscope.inventory import Container, Engine, EngineKind, HistoryEntry, Image, Platform, StoreKind

_YEAR_ONE = -62135596800
"""Go's zero time in Unix seconds: how an engine says that there is no date."""

# values of JSON


def as_text(value: Any) -> str:
    """Return a string as it is, and anything else as the empty string."""
    return value if isinstance(value, str) else ""


def as_int(value: Any) -> int | None:
    """Return an integer as it is, and anything else as None; ``true`` is no integer."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def as_size(value: Any) -> int | None:
    """Return a size in bytes, None for anything else; engines say -1 for "not computed"."""
    size = as_int(value)
    return size if size is not None and size >= 0 else None


def as_dict(value: Any) -> dict[str, Any]:
    """Return an object as it is, and anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, and anything else (``null`` above all) as an empty one."""
    return value if isinstance(value, list) else []


def as_texts(value: Any) -> list[str]:
    """Return the strings of a list, in order."""
    return [item for item in as_list(value) if isinstance(item, str)]


def as_date(value: Any) -> int | None:
    """Return the Unix seconds of an RFC 3339 text, None when there is no date (empty, or year 1). 1970 is a date."""
    if not isinstance(value, str) or not value or value.startswith("0001-"):
        return None
    try:
        date = datetime.fromisoformat(value)
    except ValueError:
        return None
    return int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())


def with_prefix(image_id: str) -> str:
    """Return an image ID as ``sha256:…``; Podman leaves the prefix out in some answers."""
    return f"sha256:{image_id}" if len(image_id) == 64 and ":" not in image_id else image_id


# sharing of equal values

T = TypeVar("T")


class Intern:
    """Keeps one object for equal values: images of one base repeat its digests, history and labels.

    Thread-safe as far as it matters: two threads may make the same value, one of them is kept.
    """

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._entries: dict[tuple[object, ...], HistoryEntry] = {}
        self._tuples: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self.said: dict[tuple[Any, ...], HistoryEntry] = {}
        """Entries of a history by what the engine said of them."""

    def text(self, value: str) -> str:
        """Return the kept object for a string."""
        return self._texts.setdefault(value, value)

    def texts(self, values: list[str]) -> tuple[str, ...]:
        """Return the kept tuple of kept strings."""
        return self.tuple(tuple(map(self.text, values)))

    def tuple(self, values: tuple[T, ...]) -> tuple[T, ...]:
        """Return the kept object for a tuple."""
        return self._tuples.setdefault(values, values)

    def entry(self, created_by: str, size: int, created: int | None, comment: str, step: str | None) -> HistoryEntry:
        """Return the kept history entry of these values."""
        key = (created_by, size, created, comment, step)
        entry = self._entries.get(key)
        if entry is None:
            entry = HistoryEntry(self.text(created_by), size, created, self.text(comment), step)
            entry = self._entries.setdefault(key, entry)
        return entry


# the engine


def engine_record(version: dict[str, Any], info: dict[str, Any], api_version: str, host: str) -> Engine:
    """Return who answered, from ``/version`` and ``/info``."""
    components = [as_text(as_dict(part).get("Name")) for part in as_list(version.get("Components"))]
    kind: EngineKind = "podman" if "Podman Engine" in components else "docker"
    driver = as_text(info.get("Driver"))
    store, store_kind = _store(kind, driver, as_list(info.get("DriverStatus")))
    return Engine(
        kind=kind,
        version=as_text(version.get("Version")) or as_text(info.get("ServerVersion")),
        api_version=api_version,
        store=store,
        store_kind=store_kind,
        host=host,
        name=as_text(info.get("Name")),
        root_dir=as_text(info.get("DockerRootDir")),
        os=as_text(info.get("OSType")) or as_text(version.get("Os")),
        architecture=as_text(info.get("Architecture")) or as_text(version.get("Arch")),
        id="" if kind == "podman" else as_text(info.get("ID")),
        driver=driver,
        containerd_address=as_text(as_dict(info.get("Containerd")).get("Address")),
    )


def _store(kind: EngineKind, driver: str, status: list[Any]) -> tuple[str, StoreKind]:
    if kind == "podman":
        return driver, "podman"
    if ["driver-type", "io.containerd.snapshotter.v1"] in status:
        return "containerd", "containerd"
    return driver, "graphdriver"


# images


def listed_image(row: Any, store: StoreKind, intern: Intern) -> Image | None:
    """Return the image of one row of ``/images/json``, not scanned yet; None for a row without an ID."""
    row = as_dict(row)
    image_id = with_prefix(as_text(row.get("Id")))
    if not image_id:
        return None
    names = [name for name in as_texts(row.get("RepoTags")) if "<none>" not in name]
    tags = tuple([name for name in names if "@" not in name])
    digests: tuple[str, ...] = ()
    if row.get("RepoDigests") or len(tags) < len(names):  # Podman lists a name with a digest among the tags
        named = [name for name in names if "@" in name]
        digests = tuple(dict.fromkeys([*_digests(row.get("RepoDigests")), *named]))
    size = as_size(row.get("Size"))
    platforms = tuple([_platform(manifest) for manifest in as_list(row.get("Manifests"))])
    contents = [platform.content_size for platform in platforms if platform.content_size is not None]
    created = as_int(row.get("Created"))
    return Image(
        id=intern.text(image_id),
        tags=tags,
        digests=digests,
        # 0 is both "none" and 1970 here: the inspect answer tells them apart
        created=created if created and created != _YEAR_ONE else None,
        engine_size=size,
        layers_size=size if STORES[store].image_size_is_layers else None,
        content_size=sum(contents) if contents else None,
        parent_id=with_prefix(as_text(row.get("ParentId"))),
        labels=_labels(row.get("Labels"), intern),
        platforms=platforms,
        read_only=row.get("ReadOnly") is True,
    )


def _digests(value: Any) -> list[str]:
    return [digest for digest in as_texts(value) if "@" in digest and "<none>" not in digest]


def _labels(value: Any, intern: Intern) -> tuple[tuple[str, str], ...]:
    pairs = [(name, text if isinstance(text, str) else str(text)) for name, text in as_dict(value).items()]
    return intern.tuple(tuple([(intern.text(name), intern.text(text)) for name, text in pairs]))


def _platform(manifest: Any) -> Platform:
    manifest = as_dict(manifest)
    kind = as_text(manifest.get("Kind")) or "unknown"
    image = as_dict(manifest.get("ImageData"))
    platform = as_dict(image.get("Platform"))
    name = platform_name(platform.get("os"), platform.get("architecture"), platform.get("variant"))
    return Platform(
        digest=as_text(manifest.get("ID")),
        name=name if kind == "image" and name else kind,
        kind=kind,
        available=manifest.get("Available") is True,
        content_size=as_size(as_dict(manifest.get("Size")).get("Content")),
        unpacked_size=as_size(as_dict(image.get("Size")).get("Unpacked")) if kind == "image" else 0,
    )


def platform_name(os: Any, architecture: Any, variant: Any) -> str:
    """Return ``linux/arm64/v8``, leaving out what is empty."""
    return "/".join(part for part in map(as_text, (os, architecture, variant)) if part)


def inspected_image(image: Image, answer: Any, store: StoreKind, intern: Intern) -> Image:
    """Return the image with what ``/images/{id}/json`` adds to its row in the list."""
    answer = as_dict(answer)
    config = as_dict(answer.get("Config"))
    os, architecture, variant = (as_text(answer.get(key)) for key in ("Os", "Architecture", "Variant"))
    diff_ids, note = _diff_ids(answer, intern)
    digests = image.digests
    if named := _digests(answer.get("RepoDigests")):
        digests = tuple(dict.fromkeys([*named, *digests]))
    folders = _folders(answer, ("UpperDir", "LowerDir"))
    layers_size = image.layers_size
    if image.platforms:
        layers_size = unpacked_size(image.platforms, platform_name(os, architecture, variant))
    return replace(
        image,
        remembered=False,
        digests=digests,
        created=image.created if image.created is not None else as_date(answer.get("Created")),
        layers_size=layers_size,
        parent_id=intern.text(with_prefix(as_text(answer.get("Parent"))) or image.parent_id),
        diff_ids=diff_ids,
        note=note,
        os=intern.text(os),
        architecture=intern.text(architecture),
        variant=intern.text(variant),
        author=intern.text(as_text(answer.get("Author"))),
        last_tagged=as_date(as_dict(answer.get("Metadata")).get("LastTagTime")),
        cache_ids=None if folders is None else intern.texts(folders),
        labels=_labels(config["Labels"], intern) if isinstance(config.get("Labels"), dict) else image.labels,
    )


def _diff_ids(answer: dict[str, Any], intern: Intern) -> tuple[tuple[str, ...] | None, str]:
    """Return the layers, oldest first, and a note when they are not known.

    An image without layers has a RootFS without Layers. So has an image in a containerd
    store that is for other platforms only, but that one has no operating system either.
    """
    root = answer.get("RootFS")
    if not isinstance(root, dict):
        return None, "the engine gave no layers (RootFS)"
    layers = root.get("Layers")
    if layers is None:
        if as_text(answer.get("Os")) or as_text(answer.get("Architecture")):
            return (), ""
        return None, "not for this machine's platform: the engine gave no layers"
    if not isinstance(layers, list) or not all(isinstance(layer, str) for layer in layers):
        return None, "the engine gave its layers in an unknown form"
    return intern.texts(layers), ""


def unpacked_size(platforms: tuple[Platform, ...], name: str) -> int | None:
    """Return the size of the stored layers of the platform that was inspected, None when that one cannot be told.

    The inspect answer does not say which manifest it describes before API 1.48, and its
    variant may be left out, so a platform of the same system and architecture will do if it is the only one.
    """
    images = [platform for platform in platforms if platform.kind == "image" and platform.available]
    matches = [platform for platform in images if platform.name == name]
    if not matches:
        matches = [p for p in images if name and p.name.split("/")[:2] == name.split("/")[:2]]
    return matches[0].unpacked_size if len(matches) == 1 else None


def history_entries(answer: Any, intern: Intern) -> tuple[HistoryEntry, ...] | None:
    """Return ``/images/{id}/history`` oldest first (it comes newest first).

    ``null`` is an image without history: (). None for anything that is not a history.
    """
    if answer is not None and not isinstance(answer, list):
        return None
    return tuple([_history_entry(row, intern) for row in reversed(as_list(answer))])


def _history_entry(row: Any, intern: Intern) -> HistoryEntry:
    """Return the entry of a row. Most rows were seen in another image, and need no second look."""
    row = as_dict(row)
    said = (row.get("CreatedBy"), row.get("Size"), row.get("Created"), row.get("Comment"), row.get("Id"))
    if not (type(said[1]) is type(said[2]) is int):  # true equals 1, and is no size
        return _new_entry(row, intern)
    try:
        entry = intern.said.get(said)
        if entry is None:
            entry = intern.said[said] = _new_entry(row, intern)
    except TypeError:  # a list or an object in it
        return _new_entry(row, intern)
    return entry


def _new_entry(row: dict[str, Any], intern: Intern) -> HistoryEntry:
    created = as_int(row.get("Created"))
    step = as_text(row.get("Id"))
    size = as_size(row.get("Size"))
    return intern.entry(
        as_text(row.get("CreatedBy")),
        -1 if size is None else size,
        None if created == _YEAR_ONE else created,
        as_text(row.get("Comment")),
        None if not step or "<missing>" in step else intern.text(with_prefix(step)),
    )


def _folders(answer: dict[str, Any], keys: tuple[str, ...]) -> list[str] | None:
    """Return the names of the store's folders in ``GraphDriver.Data``, oldest first; None where there are none.

    overlay2: ``LowerDir`` is ``/…/overlay2/<folder>/diff``, newest first, with colons between
    (moby ``daemon/graphdriver/overlay2``).
    """
    data = as_dict(as_dict(answer.get("GraphDriver")).get("Data"))
    paths = [path for key in keys for path in as_text(data.get(key)).split(":") if path]
    names = [path.removesuffix("/diff").rpartition("/")[2] for path in reversed(paths)]
    return names or None


# containers


def container_folders(answer: Any) -> tuple[str, ...] | None:
    """Return the store's folders of the layers that a container stands on, from ``/containers/{id}/json``."""
    found = _folders(as_dict(answer), ("LowerDir",))
    if found is None:
        return None
    return tuple(name for name in found if not name.endswith("-init")) or None  # -init: the container's own


def container_record(row: Any) -> Container | None:
    """Return one row of ``/containers/json``; None for a row without an ID."""
    row = as_dict(row)
    container_id = as_text(row.get("Id"))
    if not container_id:
        return None
    names = as_texts(row.get("Names"))
    return Container(
        id=container_id,
        name=names[0].removeprefix("/") if names else "",
        image_id=with_prefix(as_text(row.get("ImageID"))),
        image=as_text(row.get("Image")),
        state=as_text(row.get("State")),
        created=as_int(row.get("Created")),
    )
