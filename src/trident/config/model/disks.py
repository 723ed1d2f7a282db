"""``storage.disks``: disks, and the partitions to create or to adopt on them."""

from __future__ import annotations

import enum
from typing import Annotated, ClassVar

from msgspec import Meta

from trident.config.model.base import BlockDeviceId, Model
from trident.config.quantities import Grow
from trident.config.spelling import PARTITION_SIZE, UUID, OrUuid


class PartitionType(enum.StrEnum):
    """Partition types of the Discoverable Partitions Specification, by upstream's names.

    The UUID of any other type can stand here too.
    """

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

    id: Annotated[
        BlockDeviceId,
        Meta(
            description="Its name in this configuration, unique over devices of every kind.",
            examples=["root-a"],
        ),
    ]
    type: Annotated[
        PartitionType | str,
        OrUuid(PartitionType),
        Meta(
            description="Its type in the partition table: a name, or the UUID of a type that has no name "
            "here. Rules and usual mount paths follow from it.",
            examples=["root"],
        ),
    ] = PartitionType.LINUX_GENERIC
    size: Annotated[
        int | Grow,
        PARTITION_SIZE,
        Meta(
            description="Bytes, or a number with K, M, G or T (powers of 1024), such as `512M`; never 0, "
            "and always a multiple of 4096. `grow` takes the space that is left; several share it equally.",
            examples=["8G", "grow"],
        ),
    ]
    uuid: Annotated[
        str | None,
        UUID,
        Meta(
            description="Its UUID in the partition table; a random one if none is given.",
            examples=["0b1d9a1e-3f64-4a5f-9c3e-5f6f0f0a7c11"],
        ),
    ] = None
    label: Annotated[
        str | None,
        Meta(description="Its label in the partition table; its id if none is given.", examples=["root-a"]),
    ] = None


class AdoptedPartition(Model, frozen=True, kw_only=True):
    """A partition that exists already and is kept as it is. All criteria that are given must match it."""

    noun: ClassVar[str] = "an adopted partition"

    id: Annotated[
        BlockDeviceId,
        Meta(
            description="Its name in this configuration, unique over devices of every kind.",
            examples=["windows"],
        ),
    ]
    match_label: Annotated[
        str | None, Meta(description="Label of the partition to adopt.", examples=["Basic data partition"])
    ] = None
    match_uuid: Annotated[
        str | None,
        UUID,
        Meta(
            description="UUID of the partition to adopt.", examples=["5c1d7a38-7a9b-4a0e-8a70-1d7d3c1f9d55"]
        ),
    ] = None


class PartitionTableType(enum.StrEnum):
    """Partition table types."""

    GPT = "gpt"


class Disk(Model, frozen=True, kw_only=True):
    """A disk that Trident partitions. An install loses what is on it, but for adopted partitions."""

    noun: ClassVar[str] = "a disk"

    id: Annotated[
        BlockDeviceId,
        Meta(
            description="Its name in this configuration, unique over devices of every kind.", examples=["os"]
        ),
    ]
    device: Annotated[
        str,
        Meta(
            description="Device path on the host, best one that stays the same when disks are added: below "
            "`/dev/disk/by-path/` or `/dev/disk/by-id/`.",
            examples=["/dev/disk/by-path/pci-0000:00:1f.2-ata-2"],
        ),
    ]
    partition_table_type: Annotated[
        PartitionTableType, Meta(description="Partition table to write: always `gpt`.", examples=["gpt"])
    ]
    partitions: Annotated[
        tuple[Partition, ...],
        Meta(
            description="Partitions to create, in the order in which they lie on the disk.",
            examples=[[{"id": "esp", "type": "esp", "size": "256M"}, {"id": "srv", "size": "grow"}]],
        ),
    ]
    adopted_partitions: Annotated[
        tuple[AdoptedPartition, ...],
        Meta(
            description="Partitions that the disk has already and that are kept.",
            examples=[[{"id": "windows", "matchLabel": "Basic data partition"}]],
        ),
    ] = ()
