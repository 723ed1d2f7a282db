"""``storage``: disks, partitions, A/B volume pairs, file systems."""

from __future__ import annotations

import enum
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from trident.config.model.base import BlockDeviceId, Model
from trident.config.quantities import Grow
from trident.config.spelling import MOUNT_PATH, PARTITION_SIZE, UUID, Shorthand

ESP_MOUNT_PATH = "/boot/efi"


class PartitionType(enum.StrEnum):
    """Partition types of the Discoverable Partitions Specification, by upstream's names."""

    ESP = "esp"
    ROOT = "root"
    SWAP = "swap"
    ROOT_VERITY = "root-verity"
    HOME = "home"
    VAR = "var"
    USR = "usr"
    USR_VERITY = "usr-verity"
    TMP = "tmp"
    LINUX_GENERIC = "linux-generic"
    SRV = "srv"
    XBOOTLDR = "xbootldr"


class Partition(Model, frozen=True, kw_only=True):
    """A partition to create."""

    noun: ClassVar[str] = "a partition"

    id: Annotated[BlockDeviceId, Meta(description="Its name in this configuration.")]
    type: Annotated[PartitionType, Meta(description="Its type in the partition table.")] = (
        PartitionType.LINUX_GENERIC
    )
    size: Annotated[
        int | Grow,
        PARTITION_SIZE,
        Meta(
            description="Bytes, or a number with K, M, G or T (powers of 1024): a non-zero multiple of 4096. "
            "`grow` takes the space that is left."
        ),
    ]
    uuid: Annotated[str | None, UUID, Meta(description="Partition UUID; a random one if none is given.")] = (
        None
    )
    label: Annotated[str | None, Meta(description="Partition label; the id if none is given.")] = None


class PartitionTableType(enum.StrEnum):
    """Partition table types."""

    GPT = "gpt"


class Disk(Model, frozen=True, kw_only=True):
    """A disk that Trident partitions from scratch."""

    noun: ClassVar[str] = "a disk"
    planned: ClassVar[frozenset[str]] = frozenset(("adoptedPartitions",))

    id: Annotated[BlockDeviceId, Meta(description="Its name in this configuration.")]
    device: Annotated[
        str, Meta(description="Device path, best a stable one such as those below `/dev/disk/by-path/`.")
    ]
    partition_table_type: Annotated[PartitionTableType, Meta(description="Always `gpt`.")]
    partitions: Annotated[tuple[Partition, ...], Meta(description="Partitions to create, in disk order.")]


class AbVolumePair(Model, frozen=True, kw_only=True):
    """Two block devices of which one is active and the other is written by the next update."""

    noun: ClassVar[str] = "an A/B volume pair"

    id: Annotated[BlockDeviceId, Meta(description="Its name in this configuration.")]
    volume_a_id: Annotated[BlockDeviceId, Meta(description="Id of the device that is volume A.")]
    volume_b_id: Annotated[BlockDeviceId, Meta(description="Id of the device that is volume B.")]


class AbUpdate(Model, frozen=True, kw_only=True):
    """The A/B volume pairs of the host."""

    noun: ClassVar[str] = "the abUpdate section"

    volume_pairs: Annotated[tuple[AbVolumePair, ...], Meta(description="All A/B volume pairs.")]


class FileSystemSource(enum.StrEnum):
    """Where the content of a file system comes from."""

    IMAGE = "image"
    NEW = "new"


class FileSystemType(enum.StrEnum):
    """File system types that can be created."""

    EXT4 = "ext4"
    VFAT = "vfat"


class MountPoint(Model, frozen=True, kw_only=True):
    """Where a file system is mounted, and how. A path alone stands for one with default options."""

    noun: ClassVar[str] = "a mount point"

    path: Annotated[str, MOUNT_PATH, Meta(description="Absolute path.")]
    options: Annotated[str, Meta(description="Mount options, separated by commas.")] = "defaults"

    @property
    def is_read_only(self) -> bool:
        """Whether the options contain ``ro``."""
        return "ro" in self.options.split(",")


class OverrideEspMount(enum.StrEnum):
    """Whether a file system is the ESP regardless of its mount point."""

    USE_DEFAULT = "use-default"
    OVERRIDE = "override"
    BLOCK = "block"


class FileSystem(Model, frozen=True, kw_only=True):
    """A file system, its block device, its source and its mount point."""

    noun: ClassVar[str] = "a file system"

    device_id: Annotated[
        BlockDeviceId | None, Meta(description="Id of the partition or A/B volume pair that holds it.")
    ] = None
    source: Annotated[
        FileSystemSource, Meta(description="`image` takes it from the image, `new` makes an empty one.")
    ] = FileSystemSource.IMAGE
    type: Annotated[
        FileSystemType | None,
        Meta(description="Type of a new file system, `ext4` if none is given; an image brings its own."),
    ] = None
    mount_point: Annotated[
        MountPoint | None,
        Shorthand(MountPoint, "path"),
        Meta(description="Where it is mounted: a path, or an object with `path` and `options`."),
    ] = None
    override_esp_mount: Annotated[
        OverrideEspMount,
        Meta(
            description="`use-default`: it is the ESP if it is mounted at `/boot/efi`; `override`: it is the "
            "ESP; `block`: it is not."
        ),
    ] = OverrideEspMount.USE_DEFAULT

    def __post_init__(self) -> None:
        if self.source is FileSystemSource.NEW and self.type is None:
            msgspec.structs.force_setattr(self, "type", FileSystemType.EXT4)

    @property
    def is_esp(self) -> bool:
        """Whether this is the EFI system partition's file system (upstream: ESP detection)."""
        if self.override_esp_mount is OverrideEspMount.USE_DEFAULT:
            return self.mount_point is not None and self.mount_point.path == ESP_MOUNT_PATH
        return self.override_esp_mount is OverrideEspMount.OVERRIDE


class Storage(Model, frozen=True, kw_only=True):
    """Disks, A/B volume pairs and file systems."""

    noun: ClassVar[str] = "the storage section"
    planned: ClassVar[frozenset[str]] = frozenset(("encryption", "raid", "verity", "swap"))

    disks: Annotated[
        tuple[Disk, ...], Meta(description="The disks that Trident may write; no other is touched.")
    ] = ()
    ab_update: Annotated[AbUpdate | None, Meta(description="What is updated A to B.")] = None
    filesystems: Annotated[tuple[FileSystem, ...], Meta(description="The file systems of the host.")] = ()

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
