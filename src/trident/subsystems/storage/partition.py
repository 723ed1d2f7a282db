"""The step that writes a disk's partition table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from trident.config.quantities import Grow
from trident.host.layout import PartitionRequest
from trident.host.partition_types import partition_type_guid
from trident.plan.step import Operation, Phase, Step, device
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.config.model import Disk
    from trident.plan.session import Session
    from trident.plan.situation import Situation


def requests(disk: Disk, architecture: str) -> tuple[PartitionRequest, ...]:
    """The partitions of a disk as the host room takes them. A label defaults to the partition's id."""
    return tuple(
        PartitionRequest(
            id=partition.id,
            size=None if isinstance(partition.size, Grow) else partition.size,
            type_guid=partition_type_guid(str(partition.type), architecture),
            label=partition.label if partition.label is not None else partition.id,
            uuid=partition.uuid,
        )
        for partition in disk.partitions
    )


def note_partitions(session: Session, uuids: Mapping[str, str]) -> None:
    """Leave in the session the nodes of partitions, once they are there, given their UUIDs by id.

    Raises:
        Servicing: as :func:`trident.host.partitioning.wait_for_nodes`.
    """
    from trident.host.partitioning import wait_for_nodes

    nodes = wait_for_nodes(uuids.values())
    for partition_id, uuid in uuids.items():
        session.partition_paths[partition_id] = str(nodes[uuid])


@dataclass(frozen=True, kw_only=True)
class PartitionDisk(Step):
    """Replace whatever is on a disk by a new GPT with the configured partitions.

    Attributes:
        disk_id: id of the disk.
        device: device path of the disk, as configured.
        partitions: what to create, in order.
    """

    disk_id: str
    device: str
    partitions: tuple[PartitionRequest, ...] = field(repr=False)

    @classmethod
    def compile(cls, situation: Situation) -> Iterator[PartitionDisk]:
        """One step for each disk of which nothing is kept, on a clean install only."""
        if situation.servicing_type is not ServicingType.CLEAN_INSTALL:
            return
        for disk in situation.desired.storage.disks:
            if disk.adopted_partitions:
                continue
            ids = tuple(partition.id for partition in disk.partitions)
            yield cls(
                id=f"partition-disk:{disk.id}",
                title=f"Erase {disk.device} and create the partitions {', '.join(ids)}",
                operation=Operation.STAGE,
                phase=Phase.PARTITION,
                touches=(disk.id, *ids),
                disk_id=disk.id,
                device=disk.device,
                partitions=requests(disk, situation.facts.architecture),
            )

    @property
    def needs(self) -> frozenset[str]:
        """The disk."""
        return frozenset({device(self.disk_id)})

    @property
    def provides(self) -> frozenset[str]:
        """The partitions."""
        return frozenset(device(partition.id) for partition in self.partitions)

    def run(self, session: Session) -> None:
        """Write the table, verify it, and leave the partitions' nodes and the disk's GUID in the session."""
        from trident.host.partitioning import partition_disk

        made = partition_disk(Path(self.device), self.partitions)
        note_partitions(session, made.partition_uuids)
        session.disk_uuids[self.disk_id] = made.disk_uuid
