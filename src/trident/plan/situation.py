"""What selection and compilation look at. Frozen and free of I/O, so plans can be compared."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trident.state.status import AbVolume, HostStatus, ServicingType

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.image.cosi.metadata import CosiMetadata


class BootType(enum.StrEnum):
    """Where the running system's root file system lives."""

    RAM_DISK = "ram-disk"
    LIVE_MEDIA = "live-media"
    PERSISTENT_STORAGE = "persistent-storage"


@dataclass(frozen=True)
class DiskFacts:
    """A disk: canonical device node, size and logical sector size in bytes, mount points in use."""

    device: str
    size: int
    sector_size: int = 512
    mounts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """The machine as it is now.

    Attributes:
        boot_type: where the running root lives.
        architecture: ``x86_64`` or ``arm64``.
        uefi: firmware variables can be read and written.
        disks: facts by the device path that the Host Configuration uses; a missing disk has no entry.
        root_device: canonical node of the running root file system, or ``None`` in RAM.
        volume_uuids: file system UUID by block device id, for volumes that exist.
    """

    boot_type: BootType
    architecture: str
    uefi: bool
    disks: Mapping[str, DiskFacts] = field(default_factory=dict)
    root_device: str | None = None
    volume_uuids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Situation:
    """Everything that a plan depends on: desired and actual state, the machine, the image."""

    servicing_type: ServicingType
    desired: HostConfiguration
    status: HostStatus
    facts: Facts
    image: CosiMetadata | None = None

    @property
    def target_volume(self) -> AbVolume:
        """The side of each A/B pair that this servicing writes: A on a blank machine, else the inactive."""
        if self.servicing_type is ServicingType.AB_UPDATE and self.status.ab_active_volume is AbVolume.A:
            return AbVolume.B
        return AbVolume.A


@dataclass(frozen=True)
class Change:
    """One difference between desired and actual state, the servicing type that it forces, and why."""

    field: str
    forces: ServicingType
    reason: str
