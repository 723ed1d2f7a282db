"""The Host Configuration as frozen, typed records. Field names and defaults are upstream's API.

Every object refuses unknown fields; YAML spells fields in camelCase, Python in snake_case.
"""

from trident.config.model.base import Model
from trident.config.model.devices import (
    AbUpdate,
    AbVolumePair,
    EncryptedVolume,
    Encryption,
    Raid,
    RaidLevel,
    SoftwareRaidArray,
    Swap,
    VerityCorruptionOption,
    VerityDevice,
)
from trident.config.model.disks import (
    AdoptedPartition,
    Disk,
    Partition,
    PartitionTableType,
    PartitionType,
)
from trident.config.model.extensions import Extension
from trident.config.model.filesystems import (
    FileSystem,
    FileSystemSource,
    FileSystemType,
    MountPoint,
    OverrideEspMount,
)
from trident.config.model.health import Health, SystemdCheck
from trident.config.model.image import OsImage
from trident.config.model.management import ManagementOs
from trident.config.model.os import (
    AdditionalFile,
    KernelCommandLine,
    LoadMode,
    Module,
    Os,
    Selinux,
    SelinuxMode,
    Services,
    UefiFallbackMode,
)
from trident.config.model.root import HostConfiguration
from trident.config.model.scripts import Script, Scripts, ServicingTypeSelection
from trident.config.model.storage import Storage
from trident.config.model.trident import DEFAULT_DATASTORE_PATH, Trident
from trident.config.model.users import Password, PasswordType, SshMode, User
from trident.config.pcr import Pcr
from trident.config.quantities import Grow

__all__ = [
    "DEFAULT_DATASTORE_PATH",
    "AbUpdate",
    "AbVolumePair",
    "AdditionalFile",
    "AdoptedPartition",
    "Disk",
    "EncryptedVolume",
    "Encryption",
    "Extension",
    "FileSystem",
    "FileSystemSource",
    "FileSystemType",
    "Grow",
    "Health",
    "HostConfiguration",
    "KernelCommandLine",
    "LoadMode",
    "ManagementOs",
    "Model",
    "Module",
    "MountPoint",
    "Os",
    "OsImage",
    "OverrideEspMount",
    "Partition",
    "PartitionTableType",
    "PartitionType",
    "Password",
    "PasswordType",
    "Pcr",
    "Raid",
    "RaidLevel",
    "Script",
    "Scripts",
    "Selinux",
    "SelinuxMode",
    "Services",
    "ServicingTypeSelection",
    "SoftwareRaidArray",
    "SshMode",
    "Storage",
    "Swap",
    "SystemdCheck",
    "Trident",
    "UefiFallbackMode",
    "User",
    "VerityCorruptionOption",
    "VerityDevice",
]
