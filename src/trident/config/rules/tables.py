"""The storage rules as tables. The checks read them, and so does the reference page.

Source of every table: upstream's ``docs/Reference/Host-Configuration/Storage-Rules.md``, in its order, and
the rules behind it.
"""

from __future__ import annotations

import enum

import msgspec

from trident.config.model import FileSystemSource, FileSystemType, PartitionType, RaidLevel


class DeviceKind(enum.StrEnum):
    """Kinds of block devices."""

    DISK = "disk"
    PARTITION = "partition"
    ADOPTED_PARTITION = "adopted-partition"
    RAID_ARRAY = "raid-array"
    AB_VOLUME = "ab-volume"
    ENCRYPTED_VOLUME = "encrypted-volume"
    VERITY_DEVICE = "verity-device"


class ReferrerKind(enum.StrEnum):
    """Kinds of things that refer to block devices."""

    RAID_ARRAY = "raid-array"
    AB_VOLUME = "ab-volume"
    ENCRYPTED_VOLUME = "encrypted-volume"
    VERITY_DEVICE = "verity-device"
    SWAP_DEVICE = "swap-device"
    FILESYSTEM_NEW = "filesystem-new"
    FILESYSTEM_IMAGE = "filesystem-image"
    FILESYSTEM_ESP = "filesystem-esp"
    FILESYSTEM_ADOPTED = "filesystem-adopted"


DEVICE_NOUNS = {
    DeviceKind.DISK: "a disk",
    DeviceKind.PARTITION: "a partition",
    DeviceKind.ADOPTED_PARTITION: "an adopted partition",
    DeviceKind.RAID_ARRAY: "a RAID array",
    DeviceKind.AB_VOLUME: "an A/B volume pair",
    DeviceKind.ENCRYPTED_VOLUME: "an encrypted volume",
    DeviceKind.VERITY_DEVICE: "a verity device",
}

DEVICE_DESCRIPTIONS = {
    DeviceKind.DISK: "A disk, named by its path.",
    DeviceKind.PARTITION: "A partition that Trident makes.",
    DeviceKind.ADOPTED_PARTITION: "A partition that is there already and is kept.",
    DeviceKind.RAID_ARRAY: "A software RAID array.",
    DeviceKind.AB_VOLUME: "A pair of block devices, one of which is active.",
    DeviceKind.ENCRYPTED_VOLUME: "A LUKS2 volume, unlocked.",
    DeviceKind.VERITY_DEVICE: "A dm-verity device: data and its hashes.",
}

REFERRER_NOUNS = {
    ReferrerKind.RAID_ARRAY: "a RAID array",
    ReferrerKind.AB_VOLUME: "an A/B volume pair",
    ReferrerKind.ENCRYPTED_VOLUME: "an encrypted volume",
    ReferrerKind.VERITY_DEVICE: "a verity device",
    ReferrerKind.SWAP_DEVICE: "a swap area",
    ReferrerKind.FILESYSTEM_NEW: "a new file system",
    ReferrerKind.FILESYSTEM_IMAGE: "a file system from the image",
    ReferrerKind.FILESYSTEM_ESP: "the ESP's file system",
    ReferrerKind.FILESYSTEM_ADOPTED: "an adopted file system",
}

REFERRER_DESCRIPTIONS = {
    ReferrerKind.RAID_ARRAY: "A RAID array, which names its members.",
    ReferrerKind.AB_VOLUME: "An A/B volume pair, which names volume A and volume B.",
    ReferrerKind.ENCRYPTED_VOLUME: "An encrypted volume, which names the device that it encrypts.",
    ReferrerKind.VERITY_DEVICE: "A verity device, which names the devices of its data and its hashes.",
    ReferrerKind.SWAP_DEVICE: "A swap area.",
    ReferrerKind.FILESYSTEM_NEW: "A file system that is made empty.",
    ReferrerKind.FILESYSTEM_IMAGE: "A file system that comes from the image, other than the ESP's.",
    ReferrerKind.FILESYSTEM_ESP: "The ESP's file system, if it comes from the image.",
    ReferrerKind.FILESYSTEM_ADOPTED: "A file system that is there already and is kept.",
}


class Count(msgspec.Struct, frozen=True):
    """How many devices a referrer may refer to; ``most`` is ``None`` where there is no limit."""

    least: int
    most: int | None

    def holds(self, count: int) -> bool:
        """Whether so many are right."""
        return self.least <= count and (self.most is None or count <= self.most)

    def __str__(self) -> str:
        if self.most is None:
            return f"{self.least} or more"
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"


class Types(msgspec.Struct, frozen=True):
    """Partition types: only those in ``allowed``, or all but those in ``blocked``.

    A type that is a UUID is none of the named ones, even if it is the UUID behind such a name.
    """

    allowed: frozenset[str] | None = None
    blocked: frozenset[str] = frozenset()

    def contains(self, kind: str) -> bool:
        """Whether a partition may have this type."""
        return kind not in self.blocked and (self.allowed is None or kind in self.allowed)

    def __str__(self) -> str:
        if self.allowed is not None:
            return " or ".join(f"'{kind}'" for kind in sorted(self.allowed))
        if self.blocked:
            return "any type except " + " or ".join(f"'{kind}'" for kind in sorted(self.blocked))
        return "any"


COREOS_USR_TYPE = "5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6"
"""Partition type UUID of `/usr` on distributions that descend from CoreOS; fit for verity like ``usr``."""

_ESP = frozenset((PartitionType.ESP,))
ANY_TYPE = Types()

REFERENCE_VALIDITY: dict[ReferrerKind, frozenset[DeviceKind]] = {
    ReferrerKind.RAID_ARRAY: frozenset((DeviceKind.PARTITION,)),
    ReferrerKind.AB_VOLUME: frozenset(
        (DeviceKind.PARTITION, DeviceKind.RAID_ARRAY, DeviceKind.ENCRYPTED_VOLUME)
    ),
    ReferrerKind.ENCRYPTED_VOLUME: frozenset((DeviceKind.PARTITION, DeviceKind.RAID_ARRAY)),
    ReferrerKind.VERITY_DEVICE: frozenset(
        (DeviceKind.PARTITION, DeviceKind.RAID_ARRAY, DeviceKind.AB_VOLUME)
    ),
    ReferrerKind.SWAP_DEVICE: frozenset((DeviceKind.PARTITION, DeviceKind.ENCRYPTED_VOLUME)),
    ReferrerKind.FILESYSTEM_NEW: frozenset(
        (DeviceKind.PARTITION, DeviceKind.RAID_ARRAY, DeviceKind.AB_VOLUME, DeviceKind.ENCRYPTED_VOLUME)
    ),
    ReferrerKind.FILESYSTEM_IMAGE: frozenset(
        (
            DeviceKind.PARTITION,
            DeviceKind.RAID_ARRAY,
            DeviceKind.AB_VOLUME,
            DeviceKind.ENCRYPTED_VOLUME,
            DeviceKind.VERITY_DEVICE,
        )
    ),
    ReferrerKind.FILESYSTEM_ESP: frozenset(
        (DeviceKind.PARTITION, DeviceKind.ADOPTED_PARTITION, DeviceKind.RAID_ARRAY)
    ),
    ReferrerKind.FILESYSTEM_ADOPTED: frozenset((DeviceKind.ADOPTED_PARTITION,)),
}
"""Which kinds of block devices a referrer may name."""

REFERENCE_COUNT: dict[ReferrerKind, Count] = {
    ReferrerKind.RAID_ARRAY: Count(2, None),
    ReferrerKind.AB_VOLUME: Count(2, 2),
    ReferrerKind.ENCRYPTED_VOLUME: Count(1, 1),
    ReferrerKind.VERITY_DEVICE: Count(2, 2),
    ReferrerKind.SWAP_DEVICE: Count(1, 1),
    ReferrerKind.FILESYSTEM_NEW: Count(0, 1),
    ReferrerKind.FILESYSTEM_IMAGE: Count(1, 1),
    ReferrerKind.FILESYSTEM_ESP: Count(1, 1),
    ReferrerKind.FILESYSTEM_ADOPTED: Count(1, 1),
}
"""How many block devices a referrer names."""

SHARING_PEERS: dict[ReferrerKind, frozenset[ReferrerKind]] = {kind: frozenset() for kind in ReferrerKind}
"""With which other referrers one may share a block device: with none."""

UNIQUE_FIELDS: tuple[tuple[DeviceKind, str], ...] = (
    (DeviceKind.DISK, "device"),
    (DeviceKind.PARTITION, "uuid"),
    (DeviceKind.ADOPTED_PARTITION, "matchLabel"),
    (DeviceKind.ADOPTED_PARTITION, "matchUuid"),
    (DeviceKind.RAID_ARRAY, "name"),
    (DeviceKind.ENCRYPTED_VOLUME, "deviceName"),
    (DeviceKind.VERITY_DEVICE, "name"),
)
"""Fields that hold another value in every device of the kind."""

EXPECTS_BLOCK_DEVICE: dict[FileSystemType, bool] = {
    FileSystemType.EXT4: True,
    FileSystemType.XFS: True,
    FileSystemType.VFAT: True,
    FileSystemType.NTFS: True,
    FileSystemType.TMPFS: False,
    FileSystemType.AUTO: True,
}
"""Whether a file system of a type names a block device; it must, or it must not."""

NEEDS_MOUNT_POINT: dict[FileSystemType, bool] = {
    FileSystemType.EXT4: False,
    FileSystemType.XFS: False,
    FileSystemType.VFAT: False,
    FileSystemType.NTFS: False,
    FileSystemType.TMPFS: True,
    FileSystemType.AUTO: False,
}
"""Whether a file system of a type must be mounted somewhere; else it may be."""

SUPPORTS_VERITY: dict[FileSystemType, bool] = {
    FileSystemType.EXT4: True,
    FileSystemType.XFS: True,
    FileSystemType.VFAT: False,
    FileSystemType.NTFS: False,
    FileSystemType.TMPFS: False,
    FileSystemType.AUTO: False,
}
"""Whether a file system of a type can be the data of a verity device. Only an image can tell its type."""

SOURCE_TYPES: dict[FileSystemSource, frozenset[FileSystemType]] = {
    FileSystemSource.IMAGE: frozenset(),
    FileSystemSource.NEW: frozenset(FileSystemType) - {FileSystemType.AUTO},
    FileSystemSource.ADOPTED: frozenset(FileSystemType) - {FileSystemType.TMPFS},
}
"""Which types can be written for a source; an image brings its own."""

HOMOGENEOUS_KINDS = frozenset(
    (
        ReferrerKind.RAID_ARRAY,
        ReferrerKind.AB_VOLUME,
        ReferrerKind.ENCRYPTED_VOLUME,
        ReferrerKind.VERITY_DEVICE,
        ReferrerKind.SWAP_DEVICE,
    )
)
"""Referrers whose block devices are all of one kind."""

HOMOGENEOUS_PARTITION_TYPES = frozenset(ReferrerKind) - {ReferrerKind.VERITY_DEVICE}
"""Referrers beneath which all partitions have one type."""

HOMOGENEOUS_PARTITION_SIZES = frozenset((ReferrerKind.RAID_ARRAY, ReferrerKind.AB_VOLUME))
"""Referrers beneath which all partitions have one size, which is fixed."""

ALLOWED_PARTITION_TYPES: dict[ReferrerKind, Types] = {
    ReferrerKind.RAID_ARRAY: ANY_TYPE,
    ReferrerKind.AB_VOLUME: ANY_TYPE,
    ReferrerKind.ENCRYPTED_VOLUME: Types(
        blocked=frozenset(
            (
                PartitionType.ESP,
                PartitionType.ROOT,
                PartitionType.ROOT_VERITY,
                PartitionType.USR_VERITY,
                PartitionType.HOME,
            )
        )
    ),
    ReferrerKind.VERITY_DEVICE: Types(
        allowed=frozenset(
            (
                PartitionType.ROOT,
                PartitionType.ROOT_VERITY,
                PartitionType.USR,
                PartitionType.USR_VERITY,
                PartitionType.LINUX_GENERIC,
                COREOS_USR_TYPE,
            )
        )
    ),
    ReferrerKind.SWAP_DEVICE: Types(allowed=frozenset((PartitionType.SWAP,))),
    ReferrerKind.FILESYSTEM_NEW: Types(blocked=_ESP),
    ReferrerKind.FILESYSTEM_IMAGE: ANY_TYPE,
    ReferrerKind.FILESYSTEM_ESP: Types(allowed=_ESP),
    ReferrerKind.FILESYSTEM_ADOPTED: Types(blocked=_ESP),
}
"""Types that the partitions beneath a referrer can have. Those of adopted partitions are not known."""

ALLOWED_RAID_LEVELS: dict[ReferrerKind, frozenset[RaidLevel] | None] = {
    kind: (
        None
        if DeviceKind.RAID_ARRAY not in REFERENCE_VALIDITY[kind]
        else frozenset((RaidLevel.RAID1,))
        if kind is ReferrerKind.FILESYSTEM_ESP
        else frozenset(RaidLevel)
    )
    for kind in ReferrerKind
}
"""Levels of the RAID arrays that a referrer names itself; ``None`` where it cannot name an array."""

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
"""Where partitions of a type are usually mounted; ``None``, and a type that is a UUID, is anywhere.

Breaking it is a warning.
"""

MATCHING_HASH_TYPE: dict[str, PartitionType] = {
    PartitionType.ROOT: PartitionType.ROOT_VERITY,
    PartitionType.USR: PartitionType.USR_VERITY,
    COREOS_USR_TYPE: PartitionType.USR_VERITY,
    PartitionType.LINUX_GENERIC: PartitionType.LINUX_GENERIC,
}
"""Types that the data of a verity device can have, and the type that its hashes have then.

Beside data of type ``linux-generic`` the hashes can have any of these.
"""
