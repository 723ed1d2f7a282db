"""Which block device lies on which: the storage section as layers."""

from __future__ import annotations

from collections.abc import Iterator

from trident.config.model.devices import AbVolumePair, EncryptedVolume, SoftwareRaidArray, VerityDevice
from trident.config.model.disks import AdoptedPartition, Disk, Partition
from trident.config.model.storage import Storage

BlockDevice = (
    Disk | Partition | AdoptedPartition | SoftwareRaidArray | AbVolumePair | EncryptedVolume | VerityDevice
)


class Layers:
    """The block devices of a storage section by id, and what each is made of.

    Of several devices with one id the first counts; ids that name nothing are skipped. Both are mistakes that
    the rules report.
    """

    def __init__(self, storage: Storage) -> None:
        self.devices: dict[str, BlockDevice] = {}
        for device in block_devices(storage):
            self.devices.setdefault(device.id, device)

    def below(self, block_device_id: str, *, data_only: bool = False) -> Iterator[BlockDevice]:
        """A device and all that it is made of, each once, upper layers first.

        Args:
            block_device_id: where to start.
            data_only: leave out the hashes of verity devices, which no one above them sees.
        """
        seen = {block_device_id}
        waiting = [block_device_id]
        while waiting:
            device = self.devices.get(waiting.pop(0))
            if device is None:
                continue
            yield device
            for member in members_of(device, data_only=data_only):
                if member not in seen:
                    seen.add(member)
                    waiting.append(member)

    def partitions_below(self, block_device_id: str) -> tuple[Partition | AdoptedPartition, ...]:
        """The partitions that a device consists of in the end; a partition consists of itself."""
        return tuple(
            device
            for device in self.below(block_device_id)
            if isinstance(device, Partition | AdoptedPartition)
        )

    def is_on_ab(self, block_device_id: str) -> bool:
        """Whether a device is an A/B volume pair or lies on one, as a verity device can."""
        return any(isinstance(device, AbVolumePair) for device in self.below(block_device_id))

    def verity_below(self, block_device_id: str) -> VerityDevice | None:
        """The verity device that a device is or lies on."""
        found = (device for device in self.below(block_device_id) if isinstance(device, VerityDevice))
        return next(found, None)


def block_devices(storage: Storage) -> Iterator[BlockDevice]:
    """Every block device of a storage section: disks with their partitions, then what is made of them."""
    for disk in storage.disks:
        yield disk
        yield from disk.partitions
        yield from disk.adopted_partitions
    yield from storage.raid.software
    yield from storage.volume_pairs
    yield from storage.encryption.volumes if storage.encryption else ()
    yield from storage.verity


def members_of(device: BlockDevice, *, data_only: bool = False) -> tuple[str, ...]:
    """The ids of the devices that a device is made of; a disk and a partition are made of none."""
    if isinstance(device, SoftwareRaidArray):
        return device.devices
    if isinstance(device, AbVolumePair):
        return (device.volume_a_id, device.volume_b_id)
    if isinstance(device, EncryptedVolume):
        return (device.device_id,)
    if isinstance(device, VerityDevice):
        return (device.data_device_id,) if data_only else (device.data_device_id, device.hash_device_id)
    return ()
