"""What is on each disk before and after a servicing, as data for a picture."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any


class Fate(enum.StrEnum):
    """What becomes of a partition."""

    ERASED = "erased"
    KEPT = "kept"
    ADOPTED = "adopted"
    WRITTEN = "written"
    EMPTY = "empty"


@dataclass(frozen=True)
class Segment:
    """A partition on a disk.

    Attributes:
        number: its number in the partition table; ``None`` if it is known only when it is there.
        start: where it begins, in bytes from the beginning of the disk.
        size: in bytes.
        label: its label, or else what it is called.
        id: its id in the Host Configuration, if it has one.
        fate: what becomes of it, or what became of it.
        source: where its content comes from, if it is written.
        side: ``a`` or ``b``, if it belongs to that side of an A/B volume pair.
        active: whether that side is the active one; ``None`` without a side.
    """

    number: int | None
    start: int
    size: int
    label: str
    id: str | None
    fate: Fate
    source: str | None = None
    side: str | None = None
    active: bool | None = None

    def to_document(self) -> dict[str, Any]:
        """As it stands in the plan's JSON."""
        return {
            "number": self.number,
            "id": self.id,
            "label": self.label,
            "start": self.start,
            "size": self.size,
            "fate": str(self.fate),
            "source": self.source,
            "side": self.side,
            "active": self.active,
        }


@dataclass(frozen=True)
class DiskPicture:
    """A disk before and after.

    Attributes:
        id: its id in the Host Configuration.
        device: its device path there.
        size: in bytes; ``None`` if the machine has no such disk.
        before: partitions that are there now, in disk order; ``None`` if that is not known.
        after: partitions that will be there; ``None`` if they cannot be placed.
    """

    id: str
    device: str
    size: int | None
    before: tuple[Segment, ...] | None
    after: tuple[Segment, ...] | None

    def to_document(self) -> dict[str, Any]:
        """As it stands in the plan's JSON."""
        return {
            "id": self.id,
            "device": self.device,
            "size": self.size,
            "before": None if self.before is None else [part.to_document() for part in self.before],
            "after": None if self.after is None else [part.to_document() for part in self.after],
        }
