"""The sums of a host: what its images come to in full, and what they take together."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from layerscope.core.sizes.sums import Bound, Tally, ratio_bound


class Totals(Struct, frozen=True):
    """The sums of a host, or of a selection of its images. Bytes in the store's unit.

    What is in a read-only store besides is not counted.
    """

    images: int
    layers: int
    listed: int
    """Sum of the images' sizes, each counted in full, in the unit of the footprint."""
    footprint: int
    """Sum over distinct stored layers."""
    saved: int
    """What storing each layer once saves: listed − footprint."""
    exact: bool
    """False when anything above is only a lower bound."""
    unknown_layers: int
    """Layers that keep the sums from being exact: neither their sizes nor sums that settle them are known."""
    unknown_images: int
    """Images whose layers are not known at all (not scanned yet, or refused)."""
    engine_listed: int | None
    """Sum of what ``docker images`` prints; other than ``listed`` where the engine adds other units to it."""
    listed_bound: Bound = ""
    """``≥`` where ``listed`` is only a lower bound."""
    footprint_bound: Bound = ""
    saved_bound: Bound = ""
    footprint_most: int | None = None
    """The footprint is at most this; None: nobody knows."""
    keeps_content: bool = False
    """Does the store keep compressed blobs besides? Then a disk holds both: unpacked layers and content."""
    listed_content: int | None = None
    """Sum of the images' content, each counted in full; None where there is none, or it is not known."""
    content: int | None = None
    """Sum over distinct blobs that the images reach; None as above."""

    @property
    def content_known(self) -> bool:
        """False where the store keeps content, and does not tell which."""
        return self.content is not None or not self.keeps_content

    @property
    def disk_listed(self) -> int:
        """``listed`` and the images' content: each image in full, as a disk of its own would hold it."""
        return self.listed + (self.listed_content or 0)

    @property
    def disk_listed_bound(self) -> Bound:
        """What :attr:`disk_listed` is to the truth."""
        return self.listed_bound if self.content_known else "≥"

    @property
    def disk(self) -> int:
        """``footprint`` and content, each once: what a disk holds of the images."""
        return self.footprint + (self.content or 0)

    @property
    def disk_bound(self) -> Bound:
        """What :attr:`disk` is to the truth."""
        return self.footprint_bound if self.content_known else "≥"

    @property
    def disk_most(self) -> int | None:
        """:attr:`disk` is at most this; None: nobody knows."""
        return (
            None if self.footprint_most is None or not self.content_known else self.footprint_most + (self.content or 0)
        )

    @property
    def disk_saved(self) -> int:
        """What storing everything once saves; a bound where ``saved`` is, of the layers alone without content."""
        return self.saved + (self.listed_content or 0) - (self.content or 0)

    @property
    def disk_ratio_bound(self) -> Bound:
        """What :attr:`disk_listed` by :attr:`disk` is to the truth."""
        return ratio_bound(self.disk_listed_bound, self.disk_bound)

    @property
    def ratio(self) -> float | None:
        """How many times over the footprint is used; None for an empty store."""
        return self.listed / self.footprint if self.footprint else None

    @property
    def ratio_bound(self) -> Bound:
        """What :attr:`ratio` is to the truth: of bounds there is no exact ratio."""
        return ratio_bound(self.listed_bound, self.footprint_bound)


class Added(Struct, frozen=True):
    """What some images of a host have when it is added up, before it is said what bounds that has. Bytes as above."""

    layers: int
    weight: Callable[[], int]
    """Gives the sum over their distinct layers of what each weighs at least; only asked for where that matters."""
    unknown_layers: Callable[[], int]
    """Gives how many of those keep sums from being exact; as before."""
    stored: Tally
    """Of their distinct layers."""
    stacked: Tally
    """Of the layers of each image whose layers are known."""
    listed: int
    exact: bool
    """Is the size of each exact?"""
    unknown_images: int
    engine_listed: int | None
