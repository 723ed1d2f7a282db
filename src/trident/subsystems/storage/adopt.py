"""Adopted partitions: which of a disk's partitions are meant, and the step that keeps them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from trident.config.model import FileSystemSource, FileSystemType
from trident.errors import InvalidInput, TridentError, UnsupportedConfiguration
from trident.host.layout import PartitionRequest
from trident.plan.step import Content, Operation, Phase, Step, content, device
from trident.state.status import ServicingType
from trident.subsystems.storage.partition import note_partitions, requests

if TYPE_CHECKING:
    from trident.config.model import AdoptedPartition, Disk, FileSystem
    from trident.host.partitioning import PartitionTable, TableEntry
    from trident.plan.session import Session
    from trident.plan.situation import DiskFacts, Situation


def adopted_ids(situation: Situation) -> frozenset[str]:
    """Ids of all adopted partitions."""
    disks = situation.desired.storage.disks
    return frozenset(partition.id for disk in disks for partition in disk.adopted_partitions)


def match(adopted: AdoptedPartition, table: PartitionTable) -> TableEntry:
    """The one entry of a table that is meant.

    Raises:
        InvalidInput: ``adopted-partition-not-found`` or ``adopted-partition-ambiguous``.
    """
    if adopted.match_uuid is not None:
        what = f"the UUID {adopted.match_uuid}"
        found = [entry for entry in table.entries if entry.uuid == adopted.match_uuid.lower()]
    else:
        what = f"the label '{adopted.match_label}'"
        found = [entry for entry in table.entries if entry.label == adopted.match_label]
    if len(found) == 1:
        return found[0]
    if found:
        numbers = ", ".join(str(entry.number) for entry in found)
        raise InvalidInput(
            "adopted-partition-ambiguous",
            f"{len(found)} partitions have {what}, which '{adopted.id}' is to adopt: {numbers}.",
            hint="Name the one that is meant by 'matchUuid'.",
            details={"id": adopted.id, "numbers": [entry.number for entry in found]},
        )
    present = ", ".join(f"{entry.number} '{entry.label}' {entry.uuid}" for entry in table.entries)
    raise InvalidInput(
        "adopted-partition-not-found",
        f"No partition of the disk has {what}, which '{adopted.id}' is to adopt.",
        hint=f"The disk has: {present or 'no partitions'}.",
        details={"id": adopted.id},
    )


def check_adoption(disk: Disk, facts: DiskFacts) -> Iterator[TridentError]:
    """What stands against adopting the configured partitions of one disk."""
    if not disk.adopted_partitions:
        return
    if facts.table is None:
        yield UnsupportedConfiguration(
            "adopted-disk-without-gpt",
            f"Disk '{disk.id}' ({disk.device}) has no GPT that can be read, so it has no partition to adopt.",
            hint="See 'sfdisk --list'; a table of another kind can be converted with 'sgdisk --mbrtogpt'.",
            details={"disk": disk.id},
        )
        return
    taken: dict[int, str] = {}
    entries: list[TableEntry] = []
    for adopted in disk.adopted_partitions:
        try:
            entry = match(adopted, facts.table)
        except TridentError as error:
            yield error
            continue
        if entry.number in taken:
            yield InvalidInput(
                "adopted-partition-twice",
                f"'{taken[entry.number]}' and '{adopted.id}' both adopt partition {entry.number} "
                f"of disk '{disk.id}'.",
                details={"disk": disk.id, "number": entry.number},
            )
            continue
        taken[entry.number] = adopted.id
        entries.append(entry)
    yield from _check_overlap(disk, entries)
    yield from _check_names(disk, entries)


def mounts_ntfs(situation: Situation) -> bool:
    """Whether a file system that is mounted is ntfs, which takes a program of its own."""
    storage = situation.desired.storage
    mounted = [filesystem for filesystem in storage.filesystems if filesystem.mount_point is not None]
    if any(filesystem.type is FileSystemType.NTFS for filesystem in mounted):
        return True
    ids = {filesystem.device_id for filesystem in mounted}
    for disk in storage.disks:
        facts = situation.facts.disks.get(disk.device)
        for adopted, entry in matched(disk, facts):
            if adopted.id in ids and facts is not None and facts.contents.get(entry.uuid) == "ntfs":
                return True
    return False


def check_adopted_filesystems(situation: Situation) -> Iterator[TridentError]:
    """File systems on adopted partitions that are not there, or are of another type."""
    if situation.servicing_type is not ServicingType.CLEAN_INSTALL:
        return
    filesystems = {fs.device_id: fs for fs in situation.desired.storage.filesystems if fs.device_id}
    for disk in situation.desired.storage.disks:
        facts = situation.facts.disks.get(disk.device)
        for adopted, entry in matched(disk, facts):
            filesystem = filesystems.get(adopted.id)
            if filesystem is None or facts is None:
                continue
            found = facts.contents.get(entry.uuid)
            wanted = wanted_type(filesystem)
            if found is not None and (wanted is None or found == wanted):
                continue
            holds = f"holds {found}" if found else "holds no file system"
            yield InvalidInput(
                "adopted-filesystem-mismatch",
                f"Partition {entry.number} of disk '{disk.id}', adopted as '{adopted.id}', {holds}"
                f"{f', not {wanted}' if wanted else ''}.",
                hint="See 'blkid'. A partition without a file system can be kept by leaving it out of "
                "'storage.filesystems'.",
                details={"id": adopted.id, "found": found, "wanted": wanted},
            )


@dataclass(frozen=True, kw_only=True)
class RepartitionDisk(Step):
    """Keep some partitions of a disk as they are, delete the others, and create new ones in the free space.

    Attributes:
        disk_id: id of the disk.
        device: device path of the disk, as configured.
        adopted: what to keep.
        keep: the entries of the partition table that are meant, as the plan was made.
        partitions: what to create, in order.
    """

    disk_id: str
    device: str
    adopted: tuple[AdoptedPartition, ...]
    keep: tuple[TableEntry, ...]
    partitions: tuple[PartitionRequest, ...] = field(repr=False)

    @classmethod
    def compile(cls, situation: Situation) -> Iterator[RepartitionDisk]:
        """One step for each disk with adopted partitions, on a clean install only."""
        if situation.servicing_type is not ServicingType.CLEAN_INSTALL:
            return
        for disk in situation.desired.storage.disks:
            if not disk.adopted_partitions:
                continue
            facts = situation.facts.disks.get(disk.device)
            keep = tuple(entry for _, entry in matched(disk, facts))
            present = len(facts.table.entries) if facts and facts.table else 0
            ids = tuple(partition.id for partition in disk.partitions)
            others = f", delete its {_count(present - len(keep))}" if present > len(keep) else ""
            created = f", create {', '.join(ids)}" if ids else ""
            kept = ", ".join(partition.id for partition in disk.adopted_partitions)
            yield cls(
                id=f"partition-disk:{disk.id}",
                title=f"Keep {kept} on {disk.device}{others}{created}",
                operation=Operation.STAGE,
                phase=Phase.PARTITION,
                touches=(disk.id, *ids),
                disk_id=disk.id,
                device=disk.device,
                adopted=disk.adopted_partitions,
                keep=keep,
                partitions=requests(disk, situation.facts.architecture),
            )

    @property
    def needs(self) -> frozenset[str]:
        """The disk."""
        return frozenset({device(self.disk_id)})

    @property
    def provides(self) -> frozenset[str]:
        """The partitions, new and kept, and what the kept ones hold."""
        kept = {name(partition.id) for partition in self.adopted for name in (device, content)}
        return frozenset({device(partition.id) for partition in self.partitions} | kept)

    @property
    def contents(self) -> tuple[Content, ...]:
        """Nothing: what is kept is not written."""
        return ()

    def run(self, session: Session) -> None:
        """Change the table, verify it, and leave the nodes of all partitions in the session."""
        from trident.host.partitioning import repartition_disk

        made = repartition_disk(Path(self.device), self.keep, self.partitions)
        kept = {adopted.id: entry.uuid for adopted, entry in zip(self.adopted, self.keep, strict=True)}
        note_partitions(session, made.partition_uuids | kept)
        session.disk_uuids[self.disk_id] = made.disk_uuid


def matched(disk: Disk, facts: DiskFacts | None) -> Iterator[tuple[AdoptedPartition, TableEntry]]:
    """Each adopted partition with its entry; those that match none or several are left out."""
    if facts is None or facts.table is None:
        return
    for adopted in disk.adopted_partitions:
        try:
            yield adopted, match(adopted, facts.table)
        except TridentError:
            continue  # ``check_adoption`` tells of it.


def wanted_type(filesystem: FileSystem) -> str | None:
    """The type that is to be found, or ``None`` if any will do."""
    if filesystem.is_esp:
        return str(FileSystemType.VFAT)
    if filesystem.source is not FileSystemSource.ADOPTED or filesystem.type in (None, FileSystemType.AUTO):
        return None
    return str(filesystem.type)


def _check_overlap(disk: Disk, entries: list[TableEntry]) -> Iterator[TridentError]:
    ordered = sorted(entries, key=lambda entry: entry.start_sector)
    for before, after in itertools.pairwise(ordered):
        if before.start_sector + before.sectors > after.start_sector:
            yield UnsupportedConfiguration(
                "adopted-partitions-overlap",
                f"Partitions {before.number} and {after.number} of disk '{disk.id}', which are to be "
                "adopted, overlap: its partition table is damaged.",
                hint="Repair the table first, for instance with 'sgdisk --verify' and 'sfdisk'.",
                details={"disk": disk.id, "numbers": [before.number, after.number]},
            )


def _check_names(disk: Disk, entries: list[TableEntry]) -> Iterator[TridentError]:
    """New partitions that would be taken for an adopted one."""
    uuids = {entry.uuid for entry in entries}
    labels = {adopted.match_label for adopted in disk.adopted_partitions if adopted.match_label is not None}
    for partition in disk.partitions:
        label = partition.label if partition.label is not None else partition.id
        same_uuid = partition.uuid is not None and partition.uuid.lower() in uuids
        if same_uuid or label in labels:
            yield InvalidInput(
                "adopted-partition-name-taken",
                f"The new partition '{partition.id}' of disk '{disk.id}' is to have the "
                f"{'UUID' if same_uuid else 'label'} of an adopted one; nothing could tell them apart.",
                hint=f"Give it another {'uuid' if same_uuid else 'label'}.",
                details={"disk": disk.id, "id": partition.id},
            )


def _count(others: int) -> str:
    return "other partition" if others == 1 else f"{others} other partitions"
