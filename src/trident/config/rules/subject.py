"""What rules look at: the configuration, and who refers to which block device in it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from trident.config.model import FileSystem, FileSystemSource, Partition, PartitionType
from trident.config.model.layers import Layers
from trident.config.nodes import Path
from trident.config.quantities import Grow
from trident.config.rules import tables
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
    """The id of a block device, and the field that holds it.

    Attributes:
        is_hash: whether the hashes of a verity device are there, which no one above it sees.
    """

    target: str
    path: Path
    is_hash: bool = False


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

    @property
    def label_inside(self) -> str:
        """Its label inside a sentence: ``the A/B volume pair 'root'``."""
        return self.label[0].lower() + self.label[1:]


class Beneath(msgspec.Struct, frozen=True):
    """What the new partitions beneath a device are like, each kind and size with the first that has it."""

    types: dict[PartitionType | str, Device]
    sizes: dict[int | Grow, Device]


class Subject:
    """A configuration under judgement. What several rules need is worked out once."""

    def __init__(self, configuration: HostConfiguration) -> None:
        self.configuration = configuration
        self._beneath: dict[str, Beneath] = {}

    @property
    def storage(self) -> Storage:
        """The storage section."""
        return self.configuration.storage

    @cached_property
    def has_storage(self) -> bool:
        """Whether the storage section says anything."""
        return self.storage != type(self.storage)()

    @cached_property
    def layers(self) -> Layers:
        """Which block device lies on which."""
        return Layers(self.storage)

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
    def ambiguous(self) -> frozenset[str]:
        """Ids of several devices: a mistake, and nobody knows which of them is meant."""
        return frozenset(device.id for device in self.definitions if self.devices[device.id] is not device)

    @cached_property
    def referrers(self) -> tuple[Referrer, ...]:
        """Everything that refers to block devices."""
        return tuple(_referrers(self.storage))

    @cached_property
    def _sound(self) -> dict[Path, tuple[Reference, ...]]:
        return {referrer.path: tuple(self._sound_ones(referrer)) for referrer in self.referrers}

    def _sound_ones(self, referrer: Referrer) -> Iterator[Reference]:
        for reference in referrer.references:
            device = self.devices.get(reference.target)
            if device is not None and device.kind in tables.REFERENCE_VALIDITY[referrer.kind]:
                yield reference

    def sound_references(self, referrer: Referrer) -> tuple[Reference, ...]:
        """Its references to devices that exist and that it may refer to: the others are told of elsewhere."""
        return self._sound[referrer.path]

    def beneath(self, block_device_id: str) -> Beneath:
        """The types and sizes of the new partitions beneath a device, as those above it see them."""
        known = self._beneath.get(block_device_id)
        if known is not None:
            return known
        found = Beneath({}, {})
        self._beneath[block_device_id] = found
        device = self.devices.get(block_device_id)
        if device is not None and isinstance(device.item, Partition):
            found.types[device.item.type] = device
            found.sizes[device.item.size] = device
        elif device is not None:
            for reference in self._sound.get(device.path, ()):
                if not reference.is_hash:
                    lower = self.beneath(reference.target)
                    found.types.update({k: v for k, v in lower.types.items() if k not in found.types})
                    found.sizes.update({k: v for k, v in lower.sizes.items() if k not in found.sizes})
        return found

    @cached_property
    def devices_by_path(self) -> dict[Path, Device]:
        """Block devices by the place where they are defined."""
        return {device.path: device for device in self.definitions}

    @cached_property
    def _mounted(self) -> dict[str, FileSystem]:
        mounted: dict[str, FileSystem] = {}
        for filesystem in self.storage.filesystems:
            if filesystem.mount_point is not None:
                mounted.setdefault(filesystem.mount_point.path, filesystem)
        return mounted

    def holder_of(self, path: str) -> FileSystem | None:
        """The mounted file system that holds an absolute path, found upwards; for many paths in a row."""
        while path not in self._mounted and path != "/":
            path = path.rpartition("/")[0] or "/"
        return self._mounted.get(path)

    def is_pair(self, block_device_id: str) -> bool:
        """Whether an id names an A/B volume pair itself, and not what lies on one."""
        device = self.devices.get(block_device_id)
        return device is not None and device.kind is DeviceKind.AB_VOLUME

    def is_new_esp(self, referrer: Referrer) -> bool:
        """Whether a referrer is the ESP's file system, made empty: a mistake in itself."""
        if referrer.kind is not ReferrerKind.FILESYSTEM_NEW:
            return False
        return self.storage.filesystems[int(referrer.path[-1])].is_esp

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
        for number, adopted in enumerate(disk.adopted_partitions):
            place = (*path, "adoptedPartitions", number)
            yield Device(adopted.id, DeviceKind.ADOPTED_PARTITION, place, adopted)
    for index, array in enumerate(storage.raid.software):
        yield Device(array.id, DeviceKind.RAID_ARRAY, ("storage", "raid", "software", index), array)
    for index, pair in enumerate(storage.volume_pairs):
        yield Device(pair.id, DeviceKind.AB_VOLUME, ("storage", "abUpdate", "volumePairs", index), pair)
    for index, volume in enumerate(storage.encryption.volumes if storage.encryption else ()):
        path = ("storage", "encryption", "volumes", index)
        yield Device(volume.id, DeviceKind.ENCRYPTED_VOLUME, path, volume)
    for index, verity in enumerate(storage.verity):
        yield Device(verity.id, DeviceKind.VERITY_DEVICE, ("storage", "verity", index), verity)


def _referrers(storage: Storage) -> Iterator[Referrer]:
    yield from _composed(storage)
    for index, filesystem in enumerate(storage.filesystems):
        kind = referrer_kind(filesystem)
        if kind is not None:
            path: Path = ("storage", "filesystems", index)
            id_ = filesystem.device_id
            one = () if id_ is None else (Reference(id_, (*path, "deviceId")),)
            yield Referrer(kind, path, label(filesystem), one)
    for index, swap in enumerate(storage.swap):
        path = ("storage", "swap", index)
        one = (Reference(swap.device_id, (*path, "deviceId")),)
        yield Referrer(ReferrerKind.SWAP_DEVICE, path, f"The swap area on '{swap.device_id}'", one)


def _composed(storage: Storage) -> Iterator[Referrer]:
    """The block devices that are made of others."""
    for index, array in enumerate(storage.raid.software):
        path: Path = ("storage", "raid", "software", index)
        members = tuple(
            Reference(member, (*path, "devices", number)) for number, member in enumerate(array.devices)
        )
        yield Referrer(ReferrerKind.RAID_ARRAY, path, f"The RAID array '{array.id}'", members)
    for index, pair in enumerate(storage.volume_pairs):
        path = ("storage", "abUpdate", "volumePairs", index)
        sides = (
            Reference(pair.volume_a_id, (*path, "volumeAId")),
            Reference(pair.volume_b_id, (*path, "volumeBId")),
        )
        yield Referrer(ReferrerKind.AB_VOLUME, path, f"The A/B volume pair '{pair.id}'", sides)
    for index, volume in enumerate(storage.encryption.volumes if storage.encryption else ()):
        path = ("storage", "encryption", "volumes", index)
        one = (Reference(volume.device_id, (*path, "deviceId")),)
        yield Referrer(ReferrerKind.ENCRYPTED_VOLUME, path, f"The encrypted volume '{volume.id}'", one)
    for index, verity in enumerate(storage.verity):
        path = ("storage", "verity", index)
        both = (
            Reference(verity.data_device_id, (*path, "dataDeviceId")),
            Reference(verity.hash_device_id, (*path, "hashDeviceId"), is_hash=True),
        )
        yield Referrer(ReferrerKind.VERITY_DEVICE, path, f"The verity device '{verity.id}'", both)


def needs_device(filesystem: FileSystem) -> bool:
    """Whether a file system lies on a block device: all but those that live in memory do."""
    if filesystem.source is not FileSystemSource.NEW or filesystem.type is None:
        return True
    return tables.EXPECTS_BLOCK_DEVICE[filesystem.type]


def referrer_kind(filesystem: FileSystem) -> ReferrerKind | None:
    """Which kind of referrer a file system is (upstream: ``BlkDevReferrerKind``); in memory it is none."""
    if not needs_device(filesystem):
        return None
    if filesystem.source is FileSystemSource.NEW:
        return ReferrerKind.FILESYSTEM_NEW
    if filesystem.source is FileSystemSource.ADOPTED:
        return ReferrerKind.FILESYSTEM_ADOPTED
    return ReferrerKind.FILESYSTEM_ESP if filesystem.is_esp else ReferrerKind.FILESYSTEM_IMAGE


def label(filesystem: FileSystem) -> str:
    """How messages name a file system."""
    if filesystem.mount_point is not None:
        return f"The file system at '{filesystem.mount_point.path}'"
    return f"The file system on '{filesystem.device_id}'" if filesystem.device_id else "This file system"
