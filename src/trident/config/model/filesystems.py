"""``storage.filesystems``: where they lie, where their content comes from, where they are mounted."""

from __future__ import annotations

import enum
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from trident.config.model.base import BlockDeviceId, Model
from trident.config.spelling import MOUNT_PATH, Shorthand

ESP_MOUNT_PATH = "/boot/efi"


class FileSystemSource(enum.StrEnum):
    """Where the content of a file system comes from."""

    IMAGE = "image"
    NEW = "new"
    ADOPTED = "adopted"


class FileSystemType(enum.StrEnum):
    """File system types."""

    EXT4 = "ext4"
    XFS = "xfs"
    VFAT = "vfat"
    NTFS = "ntfs"
    TMPFS = "tmpfs"
    AUTO = "auto"


class MountPoint(Model, frozen=True, kw_only=True):
    """Where a file system is mounted, and how. A path alone stands for one with default options."""

    noun: ClassVar[str] = "a mount point"

    path: Annotated[str, MOUNT_PATH, Meta(description="Absolute path on the target OS.", examples=["/var"])]
    options: Annotated[
        str, Meta(description="Mount options as in fstab(5), separated by commas.", examples=["defaults,ro"])
    ] = "defaults"

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
        BlockDeviceId | None,
        Meta(description="Id of the block device that holds it. `tmpfs` has none.", examples=["root"]),
    ] = None
    source: Annotated[
        FileSystemSource,
        Meta(
            description="Where its content comes from.",
            examples=["new"],
        ),
    ] = FileSystemSource.IMAGE
    type: Annotated[
        FileSystemType | None,
        Meta(
            description="Type of a new file system (if not given: `ext4`) or of an adopted one (if not "
            "given: `auto`). Not for one from the image, which brings its own.",
            examples=["ext4"],
        ),
    ] = None
    mount_point: Annotated[
        MountPoint | None,
        Shorthand(MountPoint, "path"),
        Meta(
            description="Where it is mounted: a path, or an object with `path` and `options`.",
            examples=["/srv", {"path": "/srv", "options": "noatime"}],
        ),
    ] = None
    override_esp_mount: Annotated[
        OverrideEspMount,
        Meta(
            description="Whether it is the ESP, where the mount path does not say so.",
            examples=["override"],
        ),
    ] = OverrideEspMount.USE_DEFAULT

    def __post_init__(self) -> None:
        if self.type is None and self.source is FileSystemSource.NEW:
            msgspec.structs.force_setattr(self, "type", FileSystemType.EXT4)
        elif self.type is None and self.source is FileSystemSource.ADOPTED:
            msgspec.structs.force_setattr(self, "type", FileSystemType.AUTO)

    @property
    def is_esp(self) -> bool:
        """Whether this is the EFI system partition's file system (upstream: ESP detection)."""
        if self.override_esp_mount is OverrideEspMount.USE_DEFAULT:
            return self.mount_point is not None and self.mount_point.path == ESP_MOUNT_PATH
        return self.override_esp_mount is OverrideEspMount.OVERRIDE
