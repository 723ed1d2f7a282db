"""``storage``: the whole section, and how its ids resolve."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from trident.config.model.base import Model
from trident.config.model.devices import AbUpdate, AbVolumePair, Encryption, Raid, ShortSwap, VerityDevice
from trident.config.model.disks import Disk
from trident.config.model.filesystems import FileSystem


class Storage(Model, frozen=True, kw_only=True):
    """The disks that Trident may write, what is made of them, and the file systems on top."""

    noun: ClassVar[str] = "the storage section"

    disks: Annotated[
        tuple[Disk, ...],
        Meta(
            description="The disks that Trident may write; no other is touched.",
            examples=[
                [{"id": "os", "device": "/dev/vda", "partitionTableType": "gpt", "partitions": []}],
            ],
        ),
    ] = ()
    encryption: Annotated[
        Encryption | None, Meta(description="Volumes encrypted with LUKS2 that the TPM opens.")
    ] = None
    raid: Annotated[Raid, Meta(description="Arrays over several disks.")] = Raid()
    ab_update: Annotated[
        AbUpdate | None,
        Meta(
            description="What an update writes while the host runs: pairs of volumes. Without it a host can "
            "only be installed."
        ),
    ] = None
    filesystems: Annotated[
        tuple[FileSystem, ...],
        Meta(
            description="The file systems of the host: from the image, new, or adopted.",
            examples=[[{"deviceId": "root", "mountPoint": "/"}]],
        ),
    ] = ()
    verity: Annotated[
        tuple[VerityDevice, ...],
        Meta(description="Devices checked by dm-verity: at most one, for `/` or for `/usr`."),
    ] = ()
    swap: Annotated[
        tuple[ShortSwap, ...],
        Meta(description="Swap areas, each by the id of its device.", examples=[["swap"]]),
    ] = ()

    @property
    def volume_pairs(self) -> tuple[AbVolumePair, ...]:
        """All A/B volume pairs."""
        return self.ab_update.volume_pairs if self.ab_update else ()

    def resolve_volume(self, block_device_id: str, side: str) -> str:
        """The id of the device that holds what is written to ``block_device_id``.

        Args:
            block_device_id: any block device: an A/B volume pair stands for one of its sides, a verity
                device for that of its data; any other is itself.
            side: ``volume-a`` or ``volume-b``.
        """
        verity = self.verity_device(block_device_id)
        # One step, no more: a configuration that is being judged may refer in circles.
        volume = verity.data_device_id if verity is not None else block_device_id
        for pair in self.volume_pairs:
            if pair.id == volume:
                return pair.volume_a_id if side == "volume-a" else pair.volume_b_id
        return volume

    def devices_behind(self, block_device_id: str, side: str) -> tuple[str, ...]:
        """Every device that changes when ``block_device_id`` is written, itself down to the partitions.

        Args:
            block_device_id: any block device; of an A/B volume pair one side counts.
            side: ``volume-a`` or ``volume-b``.
        """
        found: dict[str, None] = {}
        waiting = [block_device_id]
        while waiting:
            volume = self.resolve_volume(waiting.pop(0), side)
            if volume not in found:
                found[volume] = None
                waiting += self.members_of(volume)
        return tuple(found)

    def members_of(self, block_device_id: str) -> tuple[str, ...]:
        """The devices that an array or an encrypted volume is made of; nothing for any other."""
        for array in self.raid.software:
            if array.id == block_device_id:
                return array.devices
        for volume in self.encryption.volumes if self.encryption else ():
            if volume.id == block_device_id:
                return (volume.device_id,)
        return ()

    def verity_device(self, block_device_id: str | None) -> VerityDevice | None:
        """The verity device of this id, if it names one."""
        return next((verity for verity in self.verity if verity.id == block_device_id), None)

    def is_ab(self, block_device_id: str) -> bool:
        """Whether an update writes the id's inactive side: an A/B volume pair, or verity on one."""
        verity = self.verity_device(block_device_id)
        volume = verity.data_device_id if verity is not None else block_device_id
        return any(pair.id == volume for pair in self.volume_pairs)

    def filesystem_at(self, path: str) -> FileSystem | None:
        """The file system mounted exactly at ``path``."""
        for filesystem in self.filesystems:
            if filesystem.mount_point is not None and filesystem.mount_point.path == path:
                return filesystem
        return None

    def filesystem_holding(self, path: str) -> FileSystem | None:
        """The mounted file system that holds ``path``: the one with the longest mount path above it."""
        best: FileSystem | None = None
        for filesystem in self.filesystems:
            mount = filesystem.mount_point
            if mount is None or not is_below(path, mount.path):
                continue
            if best is None or best.mount_point is None or len(mount.path) > len(best.mount_point.path):
                best = filesystem
        return best

    @property
    def esp(self) -> FileSystem | None:
        """The EFI system partition's file system."""
        return next((fs for fs in self.filesystems if fs.is_esp), None)


def is_below(path: str, directory: str) -> bool:
    """Whether ``path`` is ``directory`` or lies in it, by whole names."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")
