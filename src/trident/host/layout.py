"""Where partitions go on a GPT disk. Pure arithmetic, so a plan can show it before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trident.errors import InvalidInput, UnsupportedConfiguration

# Partitions begin on multiples of this many bytes, as every current partitioning tool does it.
ALIGNMENT = 1024 * 1024

# UEFI specification 2.10, 5.3: the entry array has room for 128 entries of 128 bytes; one header
# sector and the array stand at either end of the disk.
_ENTRY_ARRAY = 128 * 128
_NAME_UNITS = 36


@dataclass(frozen=True)
class PartitionRequest:
    """A partition to place: ``size`` in bytes, or ``None`` for its share of what the others leave."""

    id: str
    size: int | None
    type_guid: str
    label: str
    uuid: str | None = None


@dataclass(frozen=True)
class PlacedPartition:
    """A partition with its place: ``start`` and ``size`` in bytes, ``number`` counted from 1."""

    id: str
    number: int
    start: int
    size: int
    type_guid: str
    label: str
    uuid: str | None = None


def plan_partitions(
    disk_size: int, sector_size: int, partitions: Sequence[PartitionRequest], *, disk: str = "the disk"
) -> tuple[PlacedPartition, ...]:
    """Place partitions one after the other, each on a multiple of 1 MiB.

    Args:
        disk_size: bytes of the disk.
        sector_size: bytes of a logical sector.
        partitions: in the order in which they stand on the disk. Those without a size share the space
            that is left equally, in whole MiB (as systemd-repart does for partitions of equal weight).
        disk: how to name the disk in an error.

    Raises:
        UnsupportedConfiguration: ``disk-too-small``, saying how many bytes are missing.
        InvalidInput: ``partition-label``.
    """
    growing = sum(partition.size is None for partition in partitions)
    for partition in partitions:
        _check_label(partition)
    usable_end = disk_size - sector_size - _round_up(_ENTRY_ARRAY, sector_size)
    spare = (
        usable_end - ALIGNMENT - sum(_round_up(partition.size or 0, ALIGNMENT) for partition in partitions)
    )
    if growing and spare < growing * ALIGNMENT:
        raise _too_small(disk, disk_size, growing * ALIGNMENT - spare)
    share = spare // growing // ALIGNMENT * ALIGNMENT if growing else 0
    placed: list[PlacedPartition] = []
    start = ALIGNMENT
    for number, partition in enumerate(partitions, start=1):
        size = share if partition.size is None else partition.size
        placed.append(
            PlacedPartition(
                partition.id, number, start, size, partition.type_guid, partition.label, partition.uuid
            )
        )
        end = start + size
        if end > usable_end:
            raise _too_small(disk, disk_size, max(end - usable_end, -spare))
        start = _round_up(end, ALIGNMENT)
    return tuple(placed)


def _too_small(disk: str, disk_size: int, short: int) -> UnsupportedConfiguration:
    return UnsupportedConfiguration(
        "disk-too-small",
        f"The partitions do not fit on {disk}: it has {disk_size} bytes, and {short} bytes are missing.",
        hint="Use a larger disk, or make the partitions smaller.",
        details={"disk": disk, "size": disk_size, "missing": short},
    )


def _check_label(partition: PartitionRequest) -> None:
    # UEFI specification 2.10, table 5-6: the name is 36 UTF-16 code units.
    units = len(partition.label.encode("utf-16-le", errors="surrogatepass")) // 2
    if units > _NAME_UNITS or any(
        not character.isprintable() or character in '"\\' for character in partition.label
    ):
        raise InvalidInput(
            "partition-label",
            f"The label of partition '{partition.id}' must have at most {_NAME_UNITS} printable characters, "
            "without quotes and backslashes.",
            details={"partition": partition.id},
        )


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
