"""What rules look at: the configuration, and who refers to which block device in it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from trident.config.model import FileSystem, FileSystemSource, Partition
from trident.config.nodes import Path
from trident.config.rules.tables import REFERRER_NOUNS, DeviceKind, ReferrerKind

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration, Model, Storage


class Device(msgspec.Struct, frozen=True):
    """A block device, where it is defined, and the object that defines it."""

    id: str
    kind: DeviceKind
    path: Path
    item: Model


class Reference(msgspec.Struct, frozen=True):
    """The id of a block device, and the field that holds it."""

    target: str
    path: Path


class Referrer(msgspec.Struct, frozen=True):
    """Something that refers to block devices.

    Attributes:
        label: how messages name it: ``The A/B volume pair 'root'``.
    """

    kind: ReferrerKind
    path: Path
    label: str
    references: tuple[Reference, ...]

    @property
    def noun(self) -> str:
        """What it is: ``a new file system``."""
        return REFERRER_NOUNS[self.kind]


class Subject:
    """A configuration under judgement. What several rules need is worked out once."""

    def __init__(self, configuration: HostConfiguration) -> None:
        self.configuration = configuration

    @property
    def storage(self) -> Storage:
        """The storage section."""
        return self.configuration.storage

    @cached_property
    def has_storage(self) -> bool:
        """Whether the storage section says anything."""
        return self.storage != type(self.storage)()

    @cached_property
    def definitions(self) -> tuple[Device, ...]:
        """Every block device that is defined, in the order of upstream's graph."""
        return tuple(_devices(self.storage))

    @cached_property
    def devices(self) -> dict[str, Device]:
        """Block devices by id; of several with one id the first."""
        found: dict[str, Device] = {}
        for device in self.definitions:
            found.setdefault(device.id, device)
        return found

    @cached_property
    def referrers(self) -> tuple[Referrer, ...]:
        """Everything that refers to block devices."""
        return tuple(_referrers(self.storage))

    @cached_property
    def _members(self) -> dict[str, tuple[Reference, ...]]:
        references = {referrer.path: referrer.references for referrer in self.referrers}
        return {
            device.id: references[device.path] for device in self.definitions if device.path in references
        }

    def partitions_below(self, block_device_id: str) -> list[Device]:
        """The partitions that a block device consists of, itself included; unknown ids add nothing."""
        found: list[Device] = []
        seen: set[str] = set()
        waiting = [block_device_id]
        while waiting:
            device = self.devices.get(waiting.pop(0))
            if device is None or device.id in seen:
                continue
            seen.add(device.id)
            if isinstance(device.item, Partition):
                found.append(device)
            waiting.extend(member.target for member in self._members.get(device.id, ()))
        return found

    def filesystem_path(self, filesystem: FileSystem) -> Path:
        """The field path of a file system of this configuration."""
        index = next(i for i, other in enumerate(self.storage.filesystems) if other is filesystem)
        return ("storage", "filesystems", index)


def _devices(storage: Storage) -> Iterator[Device]:
    for index, disk in enumerate(storage.disks):
        path: Path = ("storage", "disks", index)
        yield Device(disk.id, DeviceKind.DISK, path, disk)
        for number, partition in enumerate(disk.partitions):
            yield Device(partition.id, DeviceKind.PARTITION, (*path, "partitions", number), partition)
    for index, pair in enumerate(storage.volume_pairs):
        yield Device(pair.id, DeviceKind.AB_VOLUME, ("storage", "abUpdate", "volumePairs", index), pair)


def _referrers(storage: Storage) -> Iterator[Referrer]:
    for index, pair in enumerate(storage.volume_pairs):
        path: Path = ("storage", "abUpdate", "volumePairs", index)
        references = (
            Reference(pair.volume_a_id, (*path, "volumeAId")),
            Reference(pair.volume_b_id, (*path, "volumeBId")),
        )
        yield Referrer(ReferrerKind.AB_VOLUME, path, f"The A/B volume pair '{pair.id}'", references)
    for index, filesystem in enumerate(storage.filesystems):
        path = ("storage", "filesystems", index)
        reference = filesystem.device_id
        one = () if reference is None else (Reference(reference, (*path, "deviceId")),)
        yield Referrer(referrer_kind(filesystem), path, label(filesystem), one)


def referrer_kind(filesystem: FileSystem) -> ReferrerKind:
    """Which kind of referrer a file system is (upstream: ``BlkDevReferrerKind``)."""
    if filesystem.source is FileSystemSource.NEW:
        return ReferrerKind.FILESYSTEM_NEW
    return ReferrerKind.FILESYSTEM_ESP if filesystem.is_esp else ReferrerKind.FILESYSTEM_IMAGE


def label(filesystem: FileSystem) -> str:
    """How messages name a file system."""
    if filesystem.mount_point is not None:
        return f"The file system at '{filesystem.mount_point.path}'"
    return f"The file system on '{filesystem.device_id}'" if filesystem.device_id else "This file system"
