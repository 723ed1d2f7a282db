"""Block devices of a configuration: their sizes, as far as known, and the partitions beneath them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from trident.config.model import Partition
from trident.config.model.devices import AbVolumePair, EncryptedVolume, RaidLevel, SoftwareRaidArray
from trident.config.model.layers import members_of
from trident.config.nodes import Path
from trident.config.quantities import Grow

if TYPE_CHECKING:
    from trident.crosscheck.subject import Subject

# What a LUKS2 header takes of the device beneath it (upstream: the same figure; cryptsetup's default).
LUKS_HEADER = 16 * 1024 * 1024


class Defined(msgspec.Struct, frozen=True):
    """A partition and where it is defined."""

    path: Path
    item: Partition


class Room(msgspec.Struct, frozen=True):
    """A block device that holds an image: its id, its bytes, and the field that would make it larger."""

    id: str
    size: int
    path: Path


def partitions_below(subject: Subject, block_device_id: str) -> Iterator[Defined]:
    """The partitions that a block device consists of, on the written side; unknown ids add nothing."""
    yield from _partitions(subject, block_device_id, set())


def room_of(subject: Subject, block_device_id: str) -> Room | None:
    """How much a block device holds, or ``None`` if that is not known: it grows, is adopted, or undefined."""
    return _room(subject, block_device_id, set())


def _find(subject: Subject, partition_id: str) -> Defined | None:
    for number, disk in enumerate(subject.storage.disks):
        for index, partition in enumerate(disk.partitions):
            if partition.id == partition_id:
                return Defined(("storage", "disks", number, "partitions", index), partition)
    return None


def _beneath(subject: Subject, block_device_id: str) -> tuple[str, ...]:
    """What a block device is made of; A/B pairs are their written side, verity is its data."""
    device = subject.layers.devices.get(block_device_id)
    if isinstance(device, AbVolumePair):
        return (subject.pairs[block_device_id],)
    return members_of(device, data_only=True) if device is not None else ()


def _partitions(subject: Subject, block_device_id: str, seen: set[str]) -> Iterator[Defined]:
    # A configuration that breaks its own rules may well refer in circles.
    if block_device_id in seen:
        return
    seen.add(block_device_id)
    partition = _find(subject, block_device_id)
    if partition is not None:
        yield partition
        return
    for inner in _beneath(subject, block_device_id):
        yield from _partitions(subject, inner, seen)


def _room(subject: Subject, block_device_id: str, seen: set[str]) -> Room | None:
    if block_device_id in seen:
        return None
    seen.add(block_device_id)
    partition = _find(subject, block_device_id)
    if partition is not None:
        size = subject.sizes.get(block_device_id, partition.item.size)
        return None if isinstance(size, Grow) else Room(block_device_id, size, (*partition.path, "size"))
    beneath = _beneath(subject, block_device_id)
    inner = _room(subject, beneath[0], seen) if beneath else None
    if inner is None:
        return None
    device = subject.layers.devices.get(block_device_id)
    if isinstance(device, SoftwareRaidArray):
        return Room(block_device_id, _array_size(device, inner.size), inner.path)
    if isinstance(device, EncryptedVolume):
        return Room(block_device_id, max(0, inner.size - LUKS_HEADER), inner.path)
    return inner


def _array_size(array: SoftwareRaidArray, member: int) -> int:
    """Bytes of an array whose members all have ``member`` bytes."""
    count = len(array.devices)
    match array.level:
        case RaidLevel.RAID0:
            return member * count
        case RaidLevel.RAID1:
            return member
        case RaidLevel.RAID5:
            return member * max(0, count - 1)
        case RaidLevel.RAID6:
            return member * max(0, count - 2)
        case RaidLevel.RAID10:
            return member * (count // 2)
