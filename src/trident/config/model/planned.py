"""Values of upstream's enumerations that this version does not have yet."""

from __future__ import annotations

import enum
import re

from trident.config.model.storage import FileSystemSource, FileSystemType, PartitionType

PLANNED_VALUES: dict[type[enum.StrEnum], tuple[str, ...]] = {
    FileSystemSource: ("adopted",),
    FileSystemType: ("xfs", "ntfs", "tmpfs", "auto"),
    PartitionType: ("a type UUID",),
}
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


def is_planned(kind: type[enum.StrEnum], value: str) -> bool:
    """Whether upstream knows the value for this enumeration, and this version does not."""
    if kind is PartitionType:
        return re.fullmatch(_UUID, value) is not None
    return value in PLANNED_VALUES.get(kind, ())
