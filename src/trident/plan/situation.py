"""What selection and compilation look at. Frozen and free of I/O, so plans can be compared."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trident.state.status import AbVolume, HostStatus, ServicingState, ServicingType

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.host.partitioning import PartitionTable
    from trident.image.cosi.metadata import CosiMetadata


class BootType(enum.StrEnum):
    """Where the running system's root file system lives."""

    RAM_DISK = "ram-disk"
    LIVE_MEDIA = "live-media"
    PERSISTENT_STORAGE = "persistent-storage"


@dataclass(frozen=True)
class PartitionFacts:
    """A partition that is there: canonical node, number, place in bytes, label."""

    device: str
    number: int
    start: int
    size: int
    label: str = ""


@dataclass(frozen=True)
class DiskFacts:
    """A disk.

    Attributes:
        device: canonical device node.
        size: bytes.
        sector_size: bytes of a logical sector.
        mounts: what uses it now.
        partitions: what is on it, in disk order; ``None`` if that is not known.
        table: its GPT, if partitions of it are to be adopted and it has one.
        contents: file system type by partition UUID, for the partitions in ``table`` that hold one.
    """

    device: str
    size: int
    sector_size: int = 512
    mounts: tuple[str, ...] = ()
    partitions: tuple[PartitionFacts, ...] | None = None
    table: PartitionTable | None = None
    contents: Mapping[str, str] = field(default_factory=dict)


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
        secure_boot: the firmware starts only what is signed.
        volume_nodes: canonical node by block device id, for volumes that exist.
        extension_sizes: bytes of the extension images that have to be fetched, by SHA-384, as far as their
            servers say so.
    """

    boot_type: BootType
    architecture: str
    uefi: bool
    disks: Mapping[str, DiskFacts] = field(default_factory=dict)
    root_device: str | None = None
    volume_uuids: Mapping[str, str] = field(default_factory=dict)
    secure_boot: bool = False
    volume_nodes: Mapping[str, str] = field(default_factory=dict)
    extension_sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Situation:
    """Everything that a plan depends on: desired and actual state, the machine, the image.

    Attributes:
        servicing_type: the kind of the servicing.
        desired: what the host is to be.
        status: what it is.
        facts: the machine.
        image: the metadata of the OS image, where one is deployed.
        unsettled: Host Configurations to which servicings of the running system were bringing it when they
            were cut off, newest first, and that could not be undone: anything of them may be there, and
            anything that only ``status`` has may be missing.
    """

    servicing_type: ServicingType
    desired: HostConfiguration
    status: HostStatus
    facts: Facts
    image: CosiMetadata | None = None
    unsettled: tuple[Mapping[str, Any], ...] = ()

    def running_document(self, section: str) -> Mapping[str, Any]:
        """A section of the Host Configuration that the running system was made from, as plain data."""
        staged = self.status.servicing_state not in {
            ServicingState.PROVISIONED,
            ServicingState.NOT_PROVISIONED,
        }
        spec = self.status.spec_old if staged and self.status.spec_old else self.status.spec
        return spec.get(section) or {}

    def written_with(self, block_device_id: str) -> tuple[str, ...]:
        """Every device that changes when this servicing writes ``block_device_id``, down to partitions."""
        return self.desired.storage.devices_behind(block_device_id, self.target_volume)

    @property
    def deploys(self) -> bool:
        """Whether a target OS is written and booted, rather than the running one changed."""
        return self.servicing_type in (ServicingType.CLEAN_INSTALL, ServicingType.AB_UPDATE)

    @property
    def changes_running(self) -> bool:
        """Whether the running system is brought from its present configuration to the desired one."""
        return self.servicing_type in (ServicingType.RUNTIME_UPDATE, ServicingType.MANUAL_ROLLBACK_RUNTIME)

    @property
    def switches(self) -> bool:
        """Whether the other side of each A/B pair is booted."""
        return self.servicing_type in (ServicingType.AB_UPDATE, ServicingType.MANUAL_ROLLBACK_AB)

    @property
    def rolls_back(self) -> bool:
        """Whether the host goes back to a configuration that it had."""
        return self.servicing_type in (
            ServicingType.MANUAL_ROLLBACK_AB,
            ServicingType.MANUAL_ROLLBACK_RUNTIME,
        )

    @property
    def target_volume(self) -> AbVolume:
        """The side of each A/B pair that this servicing writes or boots: A on a blank machine, else the
        inactive.
        """
        if self.switches and self.status.ab_active_volume is AbVolume.A:
            return AbVolume.B
        return AbVolume.A


@dataclass(frozen=True)
class Change:
    """One difference between desired and actual state, the servicing type that it forces, and why.

    Attributes:
        field: its place, as closely as is useful: ``os.users[ops]``.
        forces: ``NO_ACTIVE_SERVICING`` if it forces nothing by itself.
        reason: why, for people, without a full stop.
        how: ``added``, ``removed`` or ``changed``; ``present`` if it is no difference, but decides.
    """

    field: str
    forces: ServicingType
    reason: str
    how: str = "changed"

    def to_document(self) -> dict[str, str]:
        """It as plain data (documented in docs/plan.schema.json)."""
        return {
            "field": self.field,
            "change": self.how,
            "forces": str(self.forces),
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Effect:
    """What a difference of some field forces, and why, for people, without a full stop."""

    forces: ServicingType
    reason: str
