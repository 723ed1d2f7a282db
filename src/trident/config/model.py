"""The Host Configuration as frozen, typed models. Field names and defaults are upstream's API.

Every model refuses unknown fields; YAML spells fields in camelCase, Python in snake_case.
"""

from __future__ import annotations

import enum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from trident.config.quantities import Grow, parse_partition_size


class Model(BaseModel):
    """Base of every configuration object: immutable, closed, camelCase outside."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, defer_build=True
    )


BlockDeviceId = Annotated[str, Field(min_length=1)]
PartitionSize = Annotated[int | Grow, BeforeValidator(parse_partition_size)]


class OsImage(Model):
    """Which COSI to deploy, from where, and the SHA-384 of its metadata (or ``ignored``)."""

    url: str
    sha384: str


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


class Partition(Model):
    """A partition to create."""

    id: BlockDeviceId
    size: PartitionSize
    type: PartitionType = PartitionType.LINUX_GENERIC
    label: str | None = None
    uuid: str | None = None


class Disk(Model):
    """A disk that Trident partitions from scratch."""

    id: BlockDeviceId
    device: str
    partition_table_type: Literal["gpt"]
    partitions: tuple[Partition, ...]


class AbVolumePair(Model):
    """Two block devices of which one is active and the other is written by the next update."""

    id: BlockDeviceId
    volume_a_id: BlockDeviceId
    volume_b_id: BlockDeviceId


class AbUpdate(Model):
    """The A/B volume pairs of the host."""

    volume_pairs: tuple[AbVolumePair, ...]


class FileSystemSource(enum.StrEnum):
    """Where the content of a file system comes from."""

    IMAGE = "image"
    NEW = "new"


class FileSystemType(enum.StrEnum):
    """File system types that can be created."""

    EXT4 = "ext4"
    VFAT = "vfat"


class MountPoint(Model):
    """Where a file system is mounted, and how."""

    path: str
    options: str = "defaults"


class OverrideEspMount(enum.StrEnum):
    """Whether a file system is the ESP regardless of its mount point."""

    USE_DEFAULT = "use-default"
    OVERRIDE = "override"
    BLOCK = "block"


class FileSystem(Model):
    """A file system, its block device, its source and its mount point."""

    device_id: BlockDeviceId | None = None
    source: FileSystemSource = FileSystemSource.IMAGE
    type: FileSystemType | None = None
    mount_point: MountPoint | None = None
    override_esp_mount: OverrideEspMount = OverrideEspMount.USE_DEFAULT

    @property
    def is_esp(self) -> bool:
        """Whether this is the EFI system partition's file system (upstream: ESP detection)."""
        if self.override_esp_mount is OverrideEspMount.USE_DEFAULT:
            return self.mount_point is not None and self.mount_point.path == "/boot/efi"
        return self.override_esp_mount is OverrideEspMount.OVERRIDE


class Storage(Model):
    """Disks, A/B volume pairs and file systems."""

    disks: tuple[Disk, ...] = ()
    ab_update: AbUpdate | None = None
    filesystems: tuple[FileSystem, ...] = ()

    @property
    def volume_pairs(self) -> tuple[AbVolumePair, ...]:
        """All A/B volume pairs."""
        return self.ab_update.volume_pairs if self.ab_update else ()

    def resolve_volume(self, block_device_id: str, side: Literal["volume-a", "volume-b"] | str) -> str:
        """The id of the partition behind ``block_device_id``: itself, or one side of an A/B pair."""
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

    @property
    def esp(self) -> FileSystem | None:
        """The EFI system partition's file system."""
        return next((fs for fs in self.filesystems if fs.is_esp), None)


class SshMode(enum.StrEnum):
    """Whether a user may log in over ssh."""

    BLOCK = "block"
    KEY_ONLY = "key-only"


class Password(Model):
    """Password of a user: always locked."""

    type: Literal["locked"]


class User(Model):
    """A user of the target OS."""

    name: str
    uid: int | None = None
    home_directory: str | None = None
    password: Password | None = None
    primary_group: str | None = None
    secondary_groups: tuple[str, ...] = ()
    ssh_mode: SshMode = SshMode.BLOCK
    ssh_public_keys: tuple[str, ...] = ()
    startup_command: str | None = None


class AdditionalFile(Model):
    """A file to put on the target OS, from the servicing OS (``source``) or inline (``content``)."""

    destination: str
    content: str | None = None
    source: str | None = None
    permissions: str | None = None


class UefiFallbackMode(enum.StrEnum):
    """What the firmware boots when it has lost its variables."""

    CONSERVATIVE = "conservative"
    OPTIMISTIC = "optimistic"
    DISABLED = "disabled"


class Os(Model):
    """Settings of the target OS."""

    hostname: str | None = None
    users: tuple[User, ...] = ()
    netplan: dict[str, Any] | None = None
    additional_files: tuple[AdditionalFile, ...] = ()
    uefi_fallback: UefiFallbackMode = UefiFallbackMode.CONSERVATIVE


class ServicingTypeSelection(enum.StrEnum):
    """When a script runs."""

    CLEAN_INSTALL = "clean-install"
    RUNTIME_UPDATE = "runtime-update"
    AB_UPDATE = "ab-update"
    ALL = "all"


class Script(Model):
    """A script: inline ``content`` or a ``path``, and when it runs."""

    name: str | None = None
    content: str | None = None
    path: str | None = None
    interpreter: str | None = None
    arguments: tuple[str, ...] = ()
    environment_variables: dict[str, str] = Field(default_factory=dict)
    run_on: tuple[ServicingTypeSelection, ...] = (ServicingTypeSelection.ALL,)


class Scripts(Model):
    """Scripts by the moment at which they run."""

    pre_servicing: tuple[Script, ...] = ()
    post_provision: tuple[Script, ...] = ()
    post_configure: tuple[Script, ...] = ()


class Trident(Model):
    """How the agent lives on the target OS."""

    disable: bool = False
    datastore_path: str = "/var/lib/trident/datastore.sqlite"
    logstream: str | None = None
    phonehome: str | None = None


class HostConfiguration(Model):
    """The state that a machine should have."""

    image: OsImage | None = None
    storage: Storage = Storage()
    os: Os = Os()
    scripts: Scripts = Scripts()
    trident: Trident = Trident()

    def to_document(self) -> dict[str, Any]:
        """This configuration as plain data in upstream's spelling, without fields that hold their default."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
