"""The storage rules as tables. The checks read them, and so does the reference page.

Source of every table: upstream's ``docs/Reference/Host-Configuration/Storage-Rules.md``, for the kinds of
block devices and referrers that this version has.
"""

from __future__ import annotations

import enum

import msgspec

from trident.config.model import FileSystemType, PartitionType


class DeviceKind(enum.StrEnum):
    """Kinds of block devices."""

    DISK = "disk"
    PARTITION = "partition"
    AB_VOLUME = "ab-volume"


class ReferrerKind(enum.StrEnum):
    """Kinds of things that refer to block devices."""

    AB_VOLUME = "ab-volume"
    FILESYSTEM_NEW = "filesystem-new"
    FILESYSTEM_IMAGE = "filesystem-image"
    FILESYSTEM_ESP = "filesystem-esp"


DEVICE_NOUNS = {
    DeviceKind.DISK: "a disk",
    DeviceKind.PARTITION: "a partition",
    DeviceKind.AB_VOLUME: "an A/B volume pair",
}

REFERRER_NOUNS = {
    ReferrerKind.AB_VOLUME: "an A/B volume pair",
    ReferrerKind.FILESYSTEM_NEW: "a new file system",
    ReferrerKind.FILESYSTEM_IMAGE: "a file system from the image",
    ReferrerKind.FILESYSTEM_ESP: "the ESP's file system",
}


class Count(msgspec.Struct, frozen=True):
    """How many devices a referrer may refer to."""

    least: int
    most: int


class Types(msgspec.Struct, frozen=True):
    """Partition types: only those in ``allowed``, or all but those in ``blocked``."""

    allowed: frozenset[PartitionType] | None = None
    blocked: frozenset[PartitionType] = frozenset()

    def contains(self, kind: str) -> bool:
        """Whether a partition may have this type."""
        return kind not in self.blocked and (self.allowed is None or kind in self.allowed)

    def __str__(self) -> str:
        if self.allowed is not None:
            return " or ".join(f"'{kind}'" for kind in sorted(self.allowed))
        if self.blocked:
            return "any type except " + " or ".join(f"'{kind}'" for kind in sorted(self.blocked))
        return "any"


_ESP = frozenset((PartitionType.ESP,))
ANY_TYPE = Types()

REFERENCE_VALIDITY: dict[ReferrerKind, frozenset[DeviceKind]] = {
    ReferrerKind.AB_VOLUME: frozenset((DeviceKind.PARTITION,)),
    ReferrerKind.FILESYSTEM_NEW: frozenset((DeviceKind.PARTITION, DeviceKind.AB_VOLUME)),
    ReferrerKind.FILESYSTEM_IMAGE: frozenset((DeviceKind.PARTITION, DeviceKind.AB_VOLUME)),
    ReferrerKind.FILESYSTEM_ESP: frozenset((DeviceKind.PARTITION,)),
}

REFERENCE_COUNT: dict[ReferrerKind, Count] = {
    ReferrerKind.AB_VOLUME: Count(2, 2),
    ReferrerKind.FILESYSTEM_NEW: Count(0, 1),
    ReferrerKind.FILESYSTEM_IMAGE: Count(1, 1),
    ReferrerKind.FILESYSTEM_ESP: Count(1, 1),
}

SHARING_PEERS: dict[ReferrerKind, frozenset[ReferrerKind]] = {kind: frozenset() for kind in ReferrerKind}

UNIQUE_FIELDS: tuple[tuple[DeviceKind, str], ...] = (
    (DeviceKind.DISK, "device"),
    (DeviceKind.PARTITION, "uuid"),
)

EXPECTS_BLOCK_DEVICE: dict[FileSystemType, bool] = {
    FileSystemType.EXT4: True,
    FileSystemType.XFS: True,
    FileSystemType.VFAT: True,
    FileSystemType.NTFS: True,
    FileSystemType.TMPFS: False,
    FileSystemType.AUTO: True,
}

HOMOGENEOUS_PARTITION_TYPES = frozenset(ReferrerKind)
HOMOGENEOUS_PARTITION_SIZES = frozenset((ReferrerKind.AB_VOLUME,))

ALLOWED_PARTITION_TYPES: dict[ReferrerKind, Types] = {
    ReferrerKind.AB_VOLUME: ANY_TYPE,
    ReferrerKind.FILESYSTEM_NEW: Types(blocked=_ESP),
    ReferrerKind.FILESYSTEM_IMAGE: ANY_TYPE,
    ReferrerKind.FILESYSTEM_ESP: Types(allowed=_ESP),
}

USUAL_MOUNT_PATHS: dict[str, tuple[str, ...] | None] = {
    PartitionType.ESP: ("/boot", "/efi", "/boot/efi"),
    PartitionType.ROOT: ("/",),
    PartitionType.SWAP: (),
    PartitionType.ROOT_VERITY: (),
    PartitionType.HOME: ("/home",),
    PartitionType.VAR: ("/var",),
    PartitionType.USR: ("/usr",),
    PartitionType.USR_VERITY: (),
    PartitionType.TMP: ("/var/tmp",),
    PartitionType.LINUX_GENERIC: None,
    PartitionType.SRV: ("/srv",),
    PartitionType.XBOOTLDR: ("/boot",),
}
"""Where partitions of a type are usually mounted; ``None`` is anywhere. Breaking it is a warning."""
