"""What the rules look at: a configuration, an image, and as much of the machine as is known."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from trident.config.model import FileSystemSource
from trident.config.model.filesystems import FileSystem
from trident.config.model.layers import Layers
from trident.config.nodes import Path

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration, Storage
    from trident.config.model.devices import VerityDevice
    from trident.image.cosi.metadata import CosiMetadata, ImageFilesystem

ALLOW_UNUSED = "allowUnusedFilesystems"


class Purpose(enum.Enum):
    """What the image is to be used for."""

    ANY = enum.auto()
    INSTALL = enum.auto()
    UPDATE = enum.auto()


class Place(msgspec.Struct, frozen=True):
    """A file system of the configuration, where it is defined, and its mount path without odd slashes."""

    path: Path
    filesystem: FileSystem
    mount_path: str

    @property
    def mount_field(self) -> Path:
        """The field that says where it is mounted."""
        return (*self.path, "mountPoint", "path")


class Subject:
    """A configuration and an image under comparison. What several rules need is worked out once.

    Attributes:
        configuration: the Host Configuration.
        image: the metadata of the image.
        image_sha384: of the bytes of the metadata, or ``None`` if that was compared already.
        architecture: of the machine, ``x86_64`` or ``arm64``; ``None`` if it is not known.
        purpose: an update needs less of the image than an install.
        side: which volume of each A/B pair is to be written, ``volume-a`` or ``volume-b``.
        sizes: bytes of each partition by id, where the disk is known; of others only fixed sizes are known.
    """

    def __init__(
        self,
        configuration: HostConfiguration,
        image: CosiMetadata,
        *,
        image_sha384: str | None = None,
        architecture: str | None = None,
        purpose: Purpose = Purpose.ANY,
        side: str = "volume-a",
        sizes: Mapping[str, int] | None = None,
    ) -> None:
        self.configuration = configuration
        self.image = image
        self.image_sha384 = image_sha384
        self.architecture = architecture
        self.purpose = purpose
        self.side = side
        self.sizes = sizes or {}

    @property
    def storage(self) -> Storage:
        """The storage section."""
        return self.configuration.storage

    @property
    def allows_unused(self) -> bool:
        """Whether file systems of the image may go unused (upstream's internal parameter)."""
        return self.configuration.internal_params.get(ALLOW_UNUSED) is True

    @cached_property
    def mounted(self) -> tuple[Place, ...]:
        """Every file system of the configuration that has a mount point."""
        return tuple(
            Place(("storage", "filesystems", index), filesystem, plain(filesystem.mount_point.path))
            for index, filesystem in enumerate(self.storage.filesystems)
            if filesystem.mount_point is not None
        )

    @cached_property
    def from_image(self) -> dict[str, Place]:
        """File systems that the configuration takes from an image, by mount path."""
        return {
            place.mount_path: place
            for place in reversed(self.mounted)
            if place.filesystem.source is FileSystemSource.IMAGE
        }

    @cached_property
    def esp(self) -> Place | None:
        """The EFI system partition of the configuration."""
        return next((place for place in self.mounted if place.filesystem.is_esp), None)

    @cached_property
    def provided(self) -> dict[str, ImageFilesystem]:
        """File systems of the image, by mount path."""
        return {plain(entry.mount_point): entry for entry in self.image.filesystems}

    @cached_property
    def layers(self) -> Layers:
        """Which block device lies on which."""
        return Layers(self.storage)

    @cached_property
    def pairs(self) -> dict[str, str]:
        """Of each A/B volume pair, by id, the volume that is to be written."""
        return {
            pair.id: pair.volume_a_id if self.side == "volume-a" else pair.volume_b_id
            for pair in self.storage.volume_pairs
        }

    @cached_property
    def verity(self) -> dict[str, tuple[Path, VerityDevice]]:
        """Verity devices of the configuration, and where they are defined, by id."""
        return {
            device.id: (("storage", "verity", index), device)
            for index, device in enumerate(self.storage.verity)
        }

    def verity_beneath(self, place: Place) -> tuple[Path, VerityDevice] | None:
        """The verity device that a file system lies on."""
        return self.verity.get(place.filesystem.device_id or "")

    def is_paired(self, place: Place) -> bool:
        """Whether a file system lies on an A/B volume pair, directly or below a verity device."""
        verity = self.verity_beneath(place)
        block_device_id = verity[1].data_device_id if verity else place.filesystem.device_id
        return block_device_id in self.pairs

    def shared(self) -> Iterator[tuple[Place, ImageFilesystem]]:
        """Each file system that the configuration takes from the image, and the image's."""
        for mount_path, place in self.from_image.items():
            if mount_path in self.provided:
                yield place, self.provided[mount_path]


def plain(path: str) -> str:
    """A mount path without doubled, trailing and dotted parts, as upstream compares paths."""
    return "/" + "/".join(part for part in path.split("/") if part not in ("", "."))
