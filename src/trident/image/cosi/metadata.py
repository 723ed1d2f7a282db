"""COSI metadata as a frozen model (specification revisions 1.0, 1.1 and 1.2).

Values only; :mod:`trident.image.cosi.parse` reads them from JSON and checks them against the specification.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from trident.image.os_release import OsRelease

ESP_PARTITION_TYPE = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
GENERIC_PARTITION_TYPE = "0fc63daf-8483-4772-8e79-3d69d8477de4"


class CosiVersion(NamedTuple):
    """Revision of the specification that a file follows. Compares as a pair of numbers."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


COSI_1_2 = CosiVersion(1, 2)


@dataclass(frozen=True)
class ImageFile:
    """A zstd-compressed image in the COSI.

    Attributes:
        path: its name in the tar, beginning with ``images/``.
        compressed_size: bytes in the tar.
        uncompressed_size: bytes once decompressed.
        sha384: of the compressed bytes, lower-case hexadecimal.
    """

    path: str
    compressed_size: int = 0
    uncompressed_size: int = 0
    sha384: str = ""


@dataclass(frozen=True)
class Verity:
    """dm-verity hash tree of a file system: its image and its root hash."""

    image: ImageFile
    roothash: str


@dataclass(frozen=True)
class ImageFilesystem:
    """A file system of the image.

    Attributes:
        image: where its content is.
        mount_point: where the OS mounts it.
        fs_type: the kernel's name of the type, such as ``ext4`` or ``vfat``.
        fs_uuid: UUID, or a FAT volume serial such as ``C3D4-250D``, as the image spells it.
        part_type: GPT partition type, lower case.
        verity: its dm-verity hash tree, if it has one.
    """

    image: ImageFile
    mount_point: str = "/"
    fs_type: str = "ext4"
    fs_uuid: str = ""
    part_type: str = GENERIC_PARTITION_TYPE
    verity: Verity | None = None

    @property
    def is_esp(self) -> bool:
        """Whether this is the EFI system partition's file system (note 4 of the Filesystem object)."""
        return self.part_type == ESP_PARTITION_TYPE


@dataclass(frozen=True)
class GptRegion:
    """A region of the original disk: the primary GPT (``number`` is ``None``) or a partition (1-based)."""

    image: ImageFile
    number: int | None = None


@dataclass(frozen=True)
class Disk:
    """The disk that the image was made from: its size and block size in bytes, regions in disk order."""

    size: int
    lba_size: int = 512
    gpt_regions: tuple[GptRegion, ...] = ()

    @property
    def primary_gpt(self) -> ImageFile | None:
        """The image of protective MBR, GPT header and entries."""
        return next((region.image for region in self.gpt_regions if region.number is None), None)

    @property
    def partitions(self) -> tuple[GptRegion, ...]:
        """The regions that are partitions."""
        return tuple(region for region in self.gpt_regions if region.number is not None)


@dataclass(frozen=True)
class BootEntry:
    """A systemd-boot entry; ``type`` is ``uki-standalone``, ``uki-config`` or ``config``."""

    type: str
    path: str
    cmdline: str
    kernel: str


@dataclass(frozen=True)
class Bootloader:
    """The boot loader of the OS, ``systemd-boot`` or ``grub``, and systemd-boot's entries."""

    type: str
    entries: tuple[BootEntry, ...] = ()


@dataclass(frozen=True)
class OsPackage:
    """An installed package."""

    name: str
    version: str
    release: str = ""
    arch: str = ""


@dataclass(frozen=True)
class CosiMetadata:
    """What a COSI says about itself.

    Attributes:
        version: revision of the specification.
        arch: ``x86_64`` or ``arm64``.
        os_release: the OS's ``/etc/os-release``.
        filesystems: in the order of the metadata.
        disk: the original disk; always there since 1.2.
        bootloader: always there since 1.1.
        os_packages: ``None`` where the image does not say.
        max_window_log: largest zstd windowLog of its images; ``None`` before 1.2 means zstd's default bound.
        id: UUID of the COSI file, lower case.
    """

    version: CosiVersion = COSI_1_2
    arch: str = "x86_64"
    os_release: OsRelease = field(default_factory=OsRelease)
    filesystems: tuple[ImageFilesystem, ...] = ()
    disk: Disk | None = None
    bootloader: Bootloader | None = None
    os_packages: tuple[OsPackage, ...] | None = None
    max_window_log: int | None = None
    id: str | None = None

    def filesystem_at(self, path: str) -> ImageFilesystem | None:
        """The file system that the OS mounts exactly at ``path``."""
        wanted = PurePosixPath(path)
        return next((fs for fs in self.filesystems if PurePosixPath(fs.mount_point) == wanted), None)

    @property
    def esp(self) -> ImageFilesystem | None:
        """The EFI system partition's file system."""
        return next((fs for fs in self.filesystems if fs.is_esp), None)

    @property
    def is_uki(self) -> bool:
        """Whether the OS boots a unified kernel image (as upstream: only the first boot entry counts)."""
        entries = self.bootloader.entries if self.bootloader is not None else ()
        return bool(entries) and entries[0].type == "uki-standalone"

    def image_files(self) -> Iterator[ImageFile]:
        """Every image once: in disk order where the disk is known, then those without a region."""
        seen: set[str] = set()
        for image in self._all_images():
            if image.path not in seen:
                seen.add(image.path)
                yield image

    def _all_images(self) -> Iterator[ImageFile]:
        for region in self.disk.gpt_regions if self.disk else ():
            yield region.image
        for filesystem in self.filesystems:
            yield filesystem.image
            if filesystem.verity is not None:
                yield filesystem.verity.image
