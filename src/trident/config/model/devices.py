"""Block devices made of others: A/B volume pairs, RAID arrays, encrypted volumes, verity devices, swap."""

from __future__ import annotations

import enum
from typing import Annotated, ClassVar

from msgspec import Meta

from trident.config.model.base import BlockDeviceId, Model
from trident.config.pcr import Pcr
from trident.config.spelling import CREDENTIALS, PCR, UINT64, URL, Shorthand


class AbVolumePair(Model, frozen=True, kw_only=True):
    """Two block devices of which one is active and the other is written by the next update."""

    noun: ClassVar[str] = "an A/B volume pair"

    id: Annotated[
        BlockDeviceId,
        Meta(
            description="Its name in this configuration, unique over devices of every kind.",
            examples=["root"],
        ),
    ]
    volume_a_id: Annotated[
        BlockDeviceId,
        Meta(description="Id of the device that is volume A, which an install writes.", examples=["root-a"]),
    ]
    volume_b_id: Annotated[
        BlockDeviceId,
        Meta(
            description="Id of the device that is volume B, which the first update writes.",
            examples=["root-b"],
        ),
    ]


class AbUpdate(Model, frozen=True, kw_only=True):
    """The A/B volume pairs of the host."""

    noun: ClassVar[str] = "the abUpdate section"

    volume_pairs: Annotated[
        tuple[AbVolumePair, ...],
        Meta(
            description="The pairs: partitions, arrays or encrypted volumes of which one is active.",
            examples=[[{"id": "root", "volumeAId": "root-a", "volumeBId": "root-b"}]],
        ),
    ]


class RaidLevel(enum.StrEnum):
    """RAID levels of Linux software RAID."""

    RAID0 = "raid0"
    RAID1 = "raid1"
    RAID5 = "raid5"
    RAID6 = "raid6"
    RAID10 = "raid10"


class SoftwareRaidArray(Model, frozen=True, kw_only=True):
    """A software RAID array, made with mdadm."""

    noun: ClassVar[str] = "a RAID array"

    id: Annotated[
        BlockDeviceId,
        Meta(
            description="Its name in this configuration, unique over devices of every kind.",
            examples=["root-raid"],
        ),
    ]
    name: Annotated[str, Meta(description="Its name on the host: `/dev/md/NAME`.", examples=["root"])]
    level: Annotated[RaidLevel, Meta(description="How data lies on the devices.", examples=["raid1"])]
    devices: Annotated[
        tuple[BlockDeviceId, ...],
        Meta(
            description="Ids of its partitions: two or more, of one type and one size.",
            examples=[["root-1", "root-2"]],
        ),
    ]


class Raid(Model, frozen=True, kw_only=True):
    """RAID arrays."""

    noun: ClassVar[str] = "the raid section"

    software: Annotated[
        tuple[SoftwareRaidArray, ...],
        Meta(
            description="Arrays to create with mdadm.",
            examples=[[{"id": "root", "name": "root", "level": "raid1", "devices": ["root-1", "root-2"]}]],
        ),
    ] = ()
    sync_timeout: Annotated[
        int | None,
        UINT64,
        Meta(
            description="Seconds to wait until the arrays are in sync; an install fails if they are not by "
            "then. If not given, the install does not wait: an array can be used while it syncs.",
            examples=[180],
        ),
    ] = None


class EncryptedVolume(Model, frozen=True, kw_only=True):
    """A LUKS2 volume on a partition or a RAID array."""

    noun: ClassVar[str] = "an encrypted volume"

    id: Annotated[
        BlockDeviceId,
        Meta(
            description="Its name in this configuration, unique over devices of every kind.", examples=["srv"]
        ),
    ]
    device_name: Annotated[
        str, Meta(description="Its name on the host: `/dev/mapper/NAME`.", examples=["luks-srv"])
    ]
    device_id: Annotated[
        BlockDeviceId, Meta(description="Id of the partition or RAID array to encrypt.", examples=["srv-enc"])
    ]


class Encryption(Model, frozen=True, kw_only=True):
    """Encrypted volumes, unlocked by the machine's TPM 2.0."""

    noun: ClassVar[str] = "the encryption section"

    recovery_key_url: Annotated[
        str | None,
        URL,
        CREDENTIALS,
        Meta(
            description="`file://` URL of a recovery key on the servicing OS, which opens the volumes if "
            "the TPM does not. Without one, data is lost with the TPM. Every byte of the file is key, a "
            "line feed at its end too; it is readable by root alone.",
            examples=["file:///etc/trident/recovery.key"],
        ),
    ] = None
    volumes: Annotated[
        tuple[EncryptedVolume, ...],
        Meta(
            description="The volumes to encrypt. With none, nothing is encrypted.",
            examples=[[{"id": "srv", "deviceName": "luks-srv", "deviceId": "srv-enc"}]],
        ),
    ]
    pcrs: Annotated[
        tuple[Annotated[Pcr, PCR], ...],
        Meta(
            description="Registers of the TPM that the volumes are sealed to, by number or name: one or "
            "more of 4 `boot-loader-code`, 7 `secure-boot-policy` (with Secure Boot on) and 11 "
            "`kernel-boot`; volumes that are sealed to none are not made. The TPM opens the volumes only "
            "if they hold what they held.",
            examples=[["secure-boot-policy"]],
        ),
    ]
    clear_tpm_on_install: Annotated[
        bool | None,
        Meta(
            description="`true` clears the TPM at an install: all keys in it are lost, for good. An update "
            "never clears it.",
            examples=[False],
        ),
    ] = None


class VerityCorruptionOption(enum.StrEnum):
    """What happens when a block does not match its hash."""

    IO_ERROR = "io-error"
    IGNORE = "ignore"
    PANIC = "panic"
    RESTART = "restart"


class VerityDevice(Model, frozen=True, kw_only=True):
    """A dm-verity device: data that is checked, block by block, against a tree of hashes."""

    noun: ClassVar[str] = "a verity device"

    id: Annotated[
        str,
        Meta(
            description="Its name in this configuration, unique over devices of every kind.",
            examples=["root"],
        ),
    ]
    name: Annotated[
        str,
        Meta(
            description="Its name on the host, `/dev/mapper/NAME`: `root` for `/`, `usr` for `/usr`.",
            examples=["root"],
        ),
    ]
    data_device_id: Annotated[
        BlockDeviceId, Meta(description="Id of the device that holds the data.", examples=["root-data"])
    ]
    hash_device_id: Annotated[
        BlockDeviceId, Meta(description="Id of the device that holds the hashes.", examples=["root-hash"])
    ]
    corruption_option: Annotated[
        VerityCorruptionOption,
        Meta(description="What happens when data does not match its hash.", examples=["panic"]),
    ] = VerityCorruptionOption.IO_ERROR


class Swap(Model, frozen=True, kw_only=True):
    """A swap area. Its device id alone stands for it."""

    noun: ClassVar[str] = "a swap area"

    device_id: Annotated[
        BlockDeviceId, Meta(description="Id of the partition or encrypted volume.", examples=["swap"])
    ]


ShortSwap = Annotated[Swap, Shorthand(Swap, "device_id")]
