"""The disk that an image describes: an ESP and a root partition, each aligned to a mebibyte."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trident.errors import InvalidInput
from trident.image.build.layout import Architecture, Layout
from trident.image.cosi.metadata import ESP_PARTITION_TYPE
from trident.image.gpt import Gpt, GptPartition, backup_size, first_usable_byte, make_gpt

# Root partition types of the Discoverable Partitions Specification.
_ROOT_TYPES = {
    Architecture.X86_64: "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
    Architecture.ARM64: "b921b045-1df0-41c3-af44-4c6f280d3fae",
}
_LBA = 512
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class DiskPlan:
    """The partition table, the size of the disk in bytes and the type of its root partition."""

    gpt: Gpt
    size: int
    root_type: str


def plan_disk(layout: Layout, esp_size: int, root_size: int, derived: Callable[[str], str]) -> DiskPlan:
    """Lay out the disk.

    Args:
        layout: sizes of the partitions, where it gives them.
        esp_size: bytes of the ESP's file system.
        root_size: bytes of the root file system, shrunk.
        derived: a GUID for a name.

    Raises:
        InvalidInput: ``invalid-image-layout`` if the root file system does not fit.
    """
    # A partition larger than its image tells a reader that the file system was shrunk.
    root = layout.root.size or _up(root_size + max(root_size // 4, 64 * _MEBIBYTE))
    if root < root_size:
        raise InvalidInput(
            "invalid-image-layout",
            f"The root file system needs {-(-root_size // _MEBIBYTE)} MiB, but the layout gives it "
            f"{root // _MEBIBYTE} MiB.",
            hint="Make 'root.size' larger or leave it out.",
        )
    esp_at = first_usable_byte()
    root_at = esp_at + _up(esp_size)
    size = root_at + root + _up(backup_size(_LBA))
    root_type = _ROOT_TYPES[layout.architecture]
    partitions = (
        GptPartition(1, ESP_PARTITION_TYPE, derived("esp-partition"), *_lbas(esp_at, esp_size), "esp"),
        GptPartition(2, root_type, derived("root-partition"), *_lbas(root_at, root), "root"),
    )
    return DiskPlan(make_gpt(derived("disk"), size, partitions, _LBA), size, root_type)


def _lbas(begin: int, size: int) -> tuple[int, int]:
    """First and last block of ``size`` bytes from ``begin``."""
    return begin // _LBA, (begin + size) // _LBA - 1


def _up(size: int) -> int:
    return -(-size // _MEBIBYTE) * _MEBIBYTE
