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
        tuple[Disk, ...], Meta(description="The disks that Trident may write; no other is touched.")
    ] = ()
    encryption: Annotated[Encryption | None, Meta(description="Encrypted volumes.")] = None
    raid: Annotated[Raid, Meta(description="RAID arrays.")] = Raid()
    ab_update: Annotated[AbUpdate | None, Meta(description="What is updated A to B.")] = None
    filesystems: Annotated[tuple[FileSystem, ...], Meta(description="The file systems of the host.")] = ()
    verity: Annotated[
        tuple[VerityDevice, ...], Meta(description="dm-verity devices: at most one, for `/` or for `/usr`.")
    ] = ()
    swap: Annotated[
        tuple[ShortSwap, ...], Meta(description="Swap areas: device ids, or objects.", examples=[["swap"]])
    ] = ()

    @property
    def volume_pairs(self) -> tuple[AbVolumePair, ...]:
        """All A/B volume pairs."""
        return self.ab_update.volume_pairs if self.ab_update else ()

    def resolve_volume(self, block_device_id: str, side: str) -> str:
        """The id of the partition behind ``block_device_id``: itself, or one side of an A/B pair.

        Args:
            block_device_id: a partition or an A/B volume pair.
            side: ``volume-a`` or ``volume-b``.
        """
        for pair in self.volume_pairs:
            if pair.id == block_device_id:
                return pair.volume_a_id if side == "volume-a" else pair.volume_b_id
        return block_device_id

    def is_ab(self, block_device_id: str) -> bool:
        """Whether the id names an A/B volume pair."""
        return any(pair.id == block_device_id for pair in self.volume_pairs)

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
