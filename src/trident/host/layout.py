"""Where partitions go on a GPT disk. Pure arithmetic, so a plan can show it before anything is written."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from trident.errors import InvalidInput, UnsupportedConfiguration

# Partitions begin on multiples of this many bytes, as every current partitioning tool does it.
ALIGNMENT = 1024 * 1024

# UEFI specification 2.10, 5.3: the entry array has room for 128 entries of 128 bytes; one header
# sector and the array stand at either end of the disk.
MOST_PARTITIONS = 128
_ENTRY_ARRAY = MOST_PARTITIONS * 128
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


@dataclass(frozen=True)
class Kept:
    """What stays on a disk: numbers and places (start and size in bytes) of partitions, and the usable range.

    Attributes:
        places: start and size in bytes, by partition number.
        first: first byte that the table allows partitions to use.
        end: the byte after the last one.
    """

    places: Mapping[int, tuple[int, int]]
    first: int
    end: int


def plan_partitions(
    disk_size: int,
    sector_size: int,
    partitions: Sequence[PartitionRequest],
    *,
    disk: str = "the disk",
    kept: Kept | None = None,
) -> tuple[PlacedPartition, ...]:
    """Place partitions one after the other, each on a multiple of 1 MiB.

    Between partitions that are kept, each new one goes into the first free area that has room for it, and
    those that grow share the largest that is left then. Numbers are the lowest that are free.

    Args:
        disk_size: bytes of the disk.
        sector_size: bytes of a logical sector.
        partitions: in the order in which they stand on the disk. Those without a size share the space
            that is left equally, in whole MiB (as systemd-repart does for partitions of equal weight).
        disk: how to name the disk in an error.
        kept: what is on the disk and stays there; if not given, nothing is and there is a new table.

    Raises:
        UnsupportedConfiguration: ``disk-too-small``, saying how many bytes are missing.
        InvalidInput: ``partition-label``.
    """
    for partition in partitions:
        _check_label(partition)
    if kept is None:
        end = disk_size - sector_size - _round_up(_ENTRY_ARRAY, sector_size)
        places = _fill(ALIGNMENT, end, partitions, disk, disk_size)
        numbers: Iterator[int] = itertools.count(1)
    else:
        gaps = _gaps(kept)
        shares = _distribute([end - start for start, end in gaps], partitions, disk)
        places = {}
        for (start, end), share in zip(gaps, shares, strict=True):
            places |= _fill(start, end, share, disk, disk_size)
        numbers = itertools.filterfalse(kept.places.__contains__, itertools.count(1))
    return tuple(
        PlacedPartition(
            partition.id,
            next(numbers),
            *places[partition.id],
            partition.type_guid,
            partition.label,
            partition.uuid,
        )
        for partition in partitions
    )


def _fill(
    begin: int, usable_end: int, partitions: Sequence[PartitionRequest], disk: str, disk_size: int
) -> dict[str, tuple[int, int]]:
    """Start and size of partitions that follow each other in one free area, by id."""
    growing = sum(partition.size is None for partition in partitions)
    spare = usable_end - begin - sum(_round_up(partition.size or 0, ALIGNMENT) for partition in partitions)
    if growing and spare < growing * ALIGNMENT:
        raise _too_small(disk, disk_size, growing * ALIGNMENT - spare)
    share = spare // growing // ALIGNMENT * ALIGNMENT if growing else 0
    places: dict[str, tuple[int, int]] = {}
    start = begin
    for partition in partitions:
        size = share if partition.size is None else partition.size
        places[partition.id] = (start, size)
        end = start + size
        if end > usable_end:
            raise _too_small(disk, disk_size, max(end - usable_end, -spare))
        start = _round_up(end, ALIGNMENT)
    return places


def _gaps(kept: Kept) -> list[tuple[int, int]]:
    """Free areas as first and last-but-one byte, from the start of the disk on; each begins aligned."""
    gaps: list[tuple[int, int]] = []
    start = max(kept.first, ALIGNMENT)
    for place, size in sorted([*kept.places.values(), (kept.end, 0)]):
        begin = _round_up(start, ALIGNMENT)
        if begin < place:
            gaps.append((begin, place))
        start = max(start, place + size)
    return gaps


def _distribute(
    room: list[int], partitions: Sequence[PartitionRequest], disk: str
) -> list[list[PartitionRequest]]:
    """Which partitions go into which free area, given the bytes of each area."""
    left = list(room)
    chosen: dict[str, int] = {}
    for partition in partitions:
        if partition.size is not None:
            gap = next((gap for gap, space in enumerate(left) if space >= partition.size), None)
            if gap is None:
                raise _no_room(disk, f"'{partition.id}'", partition.size, max(left, default=0))
            left[gap] -= _round_up(partition.size, ALIGNMENT)
            chosen[partition.id] = gap
    growing = [partition.id for partition in partitions if partition.size is None]
    if growing:
        most = max(left, default=0)
        if most < len(growing) * ALIGNMENT:
            names = ", ".join(f"'{name}'" for name in growing)
            raise _no_room(disk, names, len(growing) * ALIGNMENT, max(most, 0))
        chosen |= dict.fromkeys(growing, left.index(most))
    return [
        [partition for partition in partitions if chosen[partition.id] == gap] for gap in range(len(room))
    ]


def _no_room(disk: str, names: str, needed: int, most: int) -> UnsupportedConfiguration:
    return UnsupportedConfiguration(
        "disk-too-small",
        f"Between the partitions of {disk} that are kept there is no room for {names}: {needed} bytes are "
        f"needed in one piece, and the largest free piece has {most} bytes.",
        hint="Make the new partitions smaller, or keep fewer of the present ones.",
        details={"disk": disk, "needed": needed, "largest": most, "missing": needed - most},
    )


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
