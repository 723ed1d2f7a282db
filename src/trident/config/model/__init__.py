"""The Host Configuration as frozen, typed records. Field names and defaults are upstream's API.

Every object refuses unknown fields; YAML spells fields in camelCase, Python in snake_case.
"""

from trident.config.model.base import Model
from trident.config.model.image import OsImage
from trident.config.model.os import (
    AdditionalFile,
    Os,
    Password,
    PasswordType,
    SshMode,
    UefiFallbackMode,
    User,
)
from trident.config.model.root import HostConfiguration
from trident.config.model.scripts import Script, Scripts, ServicingTypeSelection
from trident.config.model.storage import (
    AbUpdate,
    AbVolumePair,
    Disk,
    FileSystem,
    FileSystemSource,
    FileSystemType,
    MountPoint,
    OverrideEspMount,
    Partition,
    PartitionTableType,
    PartitionType,
    Storage,
)
from trident.config.model.trident import DEFAULT_DATASTORE_PATH, Trident
from trident.config.quantities import Grow

__all__ = [
    "DEFAULT_DATASTORE_PATH",
    "AbUpdate",
    "AbVolumePair",
    "AdditionalFile",
    "Disk",
    "FileSystem",
    "FileSystemSource",
    "FileSystemType",
    "Grow",
    "HostConfiguration",
    "Model",
    "MountPoint",
    "Os",
    "OsImage",
    "OverrideEspMount",
    "Partition",
    "PartitionTableType",
    "PartitionType",
    "Password",
    "PasswordType",
    "Script",
    "Scripts",
    "ServicingTypeSelection",
    "SshMode",
    "Storage",
    "Trident",
    "UefiFallbackMode",
    "User",
]
